"""Takes: lengths, squares, labels, and a reason for everything that is left out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facewire.base.errors import ConfigError, ShapeError
from facewire.data.preparation.settings import PrepareConfig
from facewire.data.preparation.takes import REASONS, Rejected, Take, fixed_square, inner_motion, takes_of
from facewire.data.preparation.tracks import Track

SIZE = (640, 480)
CONFIG = PrepareConfig()


def _track(
    frames: int, *, tall: float = 140, slide: float = 0.0, still: bool = False, first: int = 0
) -> Track:
    """A face in the middle of 640x480 that opens its mouth and moves by `slide` pixels a frame."""
    rng = np.random.default_rng(0)
    shape = rng.uniform(-0.5, 0.5, (78, 2)) * tall
    track = Track(first)
    for number in range(frames):
        centre = np.array((250 + slide * number, 240.0))
        places = shape + centre
        if not still:
            places[48:68, 1] += 0.1 * tall * np.sin(number)
        track.landmarks.append(places.astype(np.float32))
        track.rotation.append(np.eye(3, dtype=np.float32))
        track.centre.append(centre.astype(np.float32))
        left, top = (centre - tall / 2).tolist()
        track.box.append((left, top, left + tall, top + tall))
        track.detected.append(True)
    return track


def _takes(track: Track, **changes: float) -> list[Take | Rejected]:
    return list(takes_of(track, SIZE, PrepareConfig(**changes)))  # type: ignore[arg-type]


def _reasons(found: list[Take | Rejected]) -> list[str]:
    return [item.reason if isinstance(item, Rejected) else "kept" for item in found]


def test_a_take_has_the_projects_crop_and_labels_within_it() -> None:
    (take,) = _takes(_track(50, first=7))
    assert isinstance(take, Take)
    assert (take.first, len(take)) == (7, 50)
    assert take.face / take.square.side == pytest.approx(0.57, abs=0.01)
    middle = take.centre.mean(axis=0)
    assert middle == pytest.approx((0.5, 0.53), abs=0.01)
    back = take.landmarks * take.square.side + (take.square.left, take.square.top)
    np.testing.assert_allclose(back, np.stack(_track(50).landmarks), atol=1e-3)


def test_long_tracks_are_cut_into_equal_pieces() -> None:
    found = _takes(_track(700))
    assert [len(take) for take in found if isinstance(take, Take)] == [233, 234, 233]
    assert [take.first for take in found if isinstance(take, Take)] == [0, 233, 467]


def test_a_head_that_walks_gives_shorter_takes() -> None:
    found = _takes(_track(120, slide=2.5))
    assert _reasons(found) == ["kept"] * len(found)
    lengths = [len(take) for take in found if isinstance(take, Take)]
    assert sum(lengths) == 120
    assert len(lengths) > 1


@pytest.mark.parametrize(
    ("track", "reason"),
    [
        (_track(20), "short"),
        (_track(60, tall=90), "small-face"),
        (_track(60, still=True), "still"),
        (_track(31, slide=12), "moves-too-far"),
        (_track(31, tall=470), "outside"),
    ],
)
def test_what_is_left_out_has_a_reason(track: Track, reason: str) -> None:
    (found,) = _takes(track)
    assert isinstance(found, Rejected)
    assert found.reason == reason
    assert found.detail
    assert found.end - found.start == pytest.approx(len(track) / 25)


def test_lost_frames_are_allowed_up_to_a_share() -> None:
    track = _track(60)
    track.detected[10:16] = [False] * 6
    assert _reasons(_takes(track)) == ["lost-face"]
    assert _reasons(_takes(track, most_missing=0.1)) == ["kept"]


def test_published_rectangles_are_the_crop() -> None:
    found = list(takes_of(_track(60), SIZE, CONFIG, fixed=(100, 90, 420, 400)))
    assert isinstance(found[0], Take)
    assert (found[0].square.left, found[0].square.top, found[0].square.side) == (100, 85, 320)
    square = fixed_square((500, -20, 700, 100), SIZE)
    assert (square.left, square.top, square.side) == (440, 0, 200)


@given(st.floats(0.3, 3), st.floats(-500, 500), st.floats(-500, 500), st.integers(0, 9))
def test_panning_and_zooming_is_no_motion(scale: float, x: float, y: float, seed: int) -> None:
    face = np.random.default_rng(seed).uniform(0, 100, (1, 78, 2)).astype(np.float32)
    seen = np.concatenate([face * (1 + 0.1 * n * scale) + (n * x, n * y) for n in range(5)]).astype(
        np.float32
    )
    assert inner_motion(seen) < 1e-3


def test_motion_is_a_share_of_the_face() -> None:
    points = np.zeros((2, 78, 2), np.float32)
    points[:, :39, 0], points[:, 39:, 0] = -1, 1
    points[1, :, 1] += np.where(np.arange(78) % 2, 0.1, -0.1)
    assert inner_motion(points) == pytest.approx(0.05, rel=0.02)
    with pytest.raises(ShapeError):
        inner_motion(points[:, :68])


def test_every_reason_is_explained() -> None:
    assert all(text[0].islower() and not text.endswith(".") for text in REASONS.values())


@pytest.mark.parametrize(
    "changes", [{"size": 255}, {"least_seconds": 13.0}, {"val_share": 1.5}, {"seed": -1}]
)
def test_settings_have_ranges(changes: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        PrepareConfig(**changes)  # type: ignore[arg-type]
