"""Single frames of a clip in memory are those that reading it all gives."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from facewire.base.errors import MediaError
from facewire.media.frame import Frame
from facewire.media.timing.frame_picker import pick_frames
from facewire.media.video import VideoReader, VideoWriter

RATE = Fraction(25)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    y, x = np.mgrid[0:64, 0:64]
    with VideoWriter(path, (64, 64), RATE, keyframe_every=6, reproducible=True) as writer:
        for number in range(40):
            picture = np.stack((4 * x, 4 * y, np.full_like(x, 6 * number)), axis=-1).astype(np.uint8)
            writer.write(Frame(picture, number, 1 / RATE))
    return path


def test_frames_are_picked_by_number_in_any_order(clip: Path) -> None:
    with VideoReader(clip) as reader:
        frames = [frame.pixels for frame in reader]
    wanted = [39, 0, 7, 5, 7, 20]
    for number, pixels in zip(wanted, pick_frames(clip.read_bytes(), wanted, RATE, "clip"), strict=True):
        assert np.array_equal(pixels, frames[number])


def test_what_is_not_there_is_named(clip: Path) -> None:
    with pytest.raises(MediaError, match="no frame 40"):
        pick_frames(clip.read_bytes(), [40], RATE, "clip")
    with pytest.raises(MediaError, match="clip"):
        pick_frames(b"no video", [0], RATE, "clip")


def test_the_same_pictures_give_the_same_bytes(clip: Path, tmp_path: Path) -> None:
    with VideoReader(clip) as reader:
        frames = list(reader)

    def written(name: str) -> bytes:
        with VideoWriter(tmp_path / name, (64, 64), RATE, keyframe_every=6, reproducible=True) as writer:
            for frame in frames:
                writer.write(frame)
        return (tmp_path / name).read_bytes()

    assert len({written(f"{number}.mp4") for number in range(20)}) == 1
