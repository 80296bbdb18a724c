"""Pairs: reproducible from (seed, step), within one clip, of frames that show a face."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from facewire.base.errors import ConfigError
from facewire.data.clips import Clip
from facewire.data.labels import ClipLabels
from facewire.data.pairs import PairSampler
from facewire.geometry.pose import rotation_from_degrees

SIDE = 8


def _clip(name: str, number: int, length: int, *, hidden: tuple[int, ...] = ()) -> Clip:
    """A clip whose frames say which they are: red is the clip, green the frame; landmarks move along x."""
    frames = np.zeros((length, SIDE, SIDE, 3), np.uint8)
    frames[..., 0], frames[..., 1] = number, np.arange(length)[:, None, None]
    landmarks = np.zeros((length, 78, 2), np.float32)
    landmarks[..., 0] = np.linspace(-0.5, 0.5, length)[:, None]
    translation = np.zeros((length, 3), np.float32)
    translation[:, 0] = np.arange(length)
    detected = np.ones(length, bool)
    detected[list(hidden)] = False
    rotation = np.tile(np.eye(3, dtype=np.float32), (length, 1, 1))
    return Clip(name, frames, ClipLabels(landmarks, rotation, translation, detected))


CLIPS = [_clip("a", 1, 40, hidden=(0, 5, 39)), _clip("b", 2, 10), _clip("c", 3, 3, hidden=(1,))]


def test_the_same_seed_and_step_draw_the_same_pairs() -> None:
    draws = [PairSampler(CLIPS, 8, seed=3).draw(step) for step in range(20)]
    again = PairSampler(CLIPS, 8, seed=3)
    assert [again.draw(step) for step in reversed(range(20))] == draws[::-1]
    assert len({tuple(draw) for draw in draws}) == 20
    assert PairSampler(CLIPS, 8, seed=4).draw(0) != draws[0]


def test_source_and_driving_are_of_one_clip_with_their_own_labels() -> None:
    sampler = PairSampler(CLIPS, 16, seed=1)
    for step in range(5):
        pair, drawn = sampler.load(step), sampler.draw(step)
        for frames, column in ((pair.source, 1), (pair.driving, 2)):
            red, green = ((255 * frames.image[:, channel, 0, 0]).round().int().tolist() for channel in (0, 1))
            assert red == [clip + 1 for clip, *_ in drawn]
            assert green == [chosen[column] for chosen in drawn]
            assert frames.translation[:, 0].int().tolist() == green
        assert pair.clips == tuple(CLIPS[clip].name for clip, *_ in drawn)
        assert pair.source.image.shape == (16, 3, SIDE, SIDE)
        assert pair.source.image.dtype == torch.float32


def test_frames_without_a_face_are_never_drawn() -> None:
    sampler = PairSampler(CLIPS, 32, seed=1, prefer_change=0.7)
    seen = [pair for step in range(60) for pair in sampler.draw(step)]
    for number, clip in enumerate(CLIPS):
        drawn = {frame for index, *frames in seen for frame in frames if index == number}
        assert drawn == set(np.flatnonzero(clip.labels.detected).tolist())


def test_longer_clips_come_more_often_by_the_root_of_their_length() -> None:
    sampler = PairSampler(CLIPS, 500, seed=1)
    counts = np.bincount([clip for clip, *_ in sampler.draw(0)], minlength=3)
    expected = np.sqrt((37, 10, 2)) / np.sqrt((37, 10, 2)).sum()
    np.testing.assert_allclose(counts / 500, expected, atol=0.06)


def test_change_is_preferred_when_asked_for() -> None:
    def mean_change(prefer: float) -> float:
        sampler = PairSampler(CLIPS[:1], 400, seed=2, prefer_change=prefer)
        return float(np.mean([abs(driving - source) for _, source, driving in sampler.draw(0)]))

    assert mean_change(1.0) > 1.5 * mean_change(0.0)


def test_turned_heads_come_more_often() -> None:
    frontal, turned = _clip("frontal", 1, 20), _clip("turned", 2, 20)
    for frame in range(10):
        turned.labels.rotation[frame] = rotation_from_degrees(30.0, 0.0, 15.0).numpy()
    counts = {}
    for prefer in (0.0, 1.0):
        drawn = PairSampler([frontal, turned], 3000, seed=1, prefer_change=0, prefer_turn=prefer).draw(0)
        clips = [clip for clip, *_ in drawn]
        sources = [source < 10 for clip, source, _ in drawn if clip == 1]
        counts[prefer] = (np.mean(clips), np.mean(sources))
    assert counts[0.0] == pytest.approx((0.5, 0.5), abs=0.03)
    assert counts[1.0] == pytest.approx((1.5 / 2.5, 2 / 3), abs=0.03)


@pytest.mark.parametrize("lips", [True, False])
def test_pairs_open_mouths_and_eyes_when_asked_to(lips: bool) -> None:
    upper, lower = ([62], [66]) if lips else ([38, 43], [40, 47])
    opens = _clip("opens", 1, 30)
    opens.labels.landmarks[:] = 0
    opens.labels.landmarks[:, [64, 39, 45], 0] = 0.2  # the corners on the right of mouth and eyes
    opens.labels.landmarks[:, lower, 1] = 0.01 * np.arange(30)[:, None]
    opens.labels.landmarks[:, upper, 1] = -0.01 * np.arange(30)[:, None]
    shares = []
    for prefer in (0.0, 1.0):
        sampler = PairSampler([opens], 600, seed=2, prefer_change=0, prefer_opening=prefer)
        shares.append(np.mean([source < 9 and driving >= 27 for _, source, driving in sampler.draw(0)]))
    assert shares[0] == pytest.approx(0.3 * 0.1, abs=0.02)
    assert shares[1] >= 0.45  # half of the pairs look at the other opening, which never opens


def test_a_rank_draws_and_loads_just_its_rows() -> None:
    sampler = PairSampler(CLIPS, 8, seed=3)
    whole, part = sampler.load(5), sampler.load(5, range(2, 6))
    assert sampler.draw(5, range(2, 6)) == sampler.draw(5)[2:6]
    assert torch.equal(part.driving.image, whole.driving.image[2:6])
    assert part.clips == whole.clips[2:6]


def test_lips_and_lids_count_as_change() -> None:
    still = _clip("still", 1, 30)
    still.labels.landmarks[:] = 0
    still.labels.landmarks[7, 60:68, 1] = 0.05  # the mouth opens in one frame
    counts = []
    for prefer in (0.0, 1.0):
        sampler = PairSampler([still], 600, seed=2, prefer_change=prefer)
        counts.append(sum(driving == 7 for _, _, driving in sampler.draw(0)))
    assert counts[1] > 2.5 * counts[0]


def test_without_usable_clips_there_are_no_pairs() -> None:
    with pytest.raises(ConfigError, match="clips"):
        PairSampler([], 2, seed=1)
    with pytest.raises(ConfigError, match="clips"):
        PairSampler([*CLIPS, _clip("d", 4, 2, hidden=(0, 1))], 2, seed=1)


def test_a_batch_moves_between_devices() -> None:
    moved = PairSampler(CLIPS, 2, seed=1).load(0).to(torch.device("meta"))
    assert moved.driving.image.device.type == moved.source.landmarks.device.type == "meta"
    assert len(moved.clips) == 2
