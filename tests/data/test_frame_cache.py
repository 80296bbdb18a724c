"""Decoded clips on disk: complete or not there, and made again when something is wrong."""

from __future__ import annotations

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from facewire.base.errors import MediaError, OutputError
from facewire.data import frame_cache
from facewire.data.frame_cache import cache_name, cached_frames
from facewire.media.frame import Frame
from facewire.media.video import VideoReader, VideoWriter

ClipMaker = Callable[..., Path]


def test_frames_are_those_of_the_video(make_clip: ClipMaker, tmp_path: Path) -> None:
    video = make_clip(tmp_path, "a", frames=7)
    frames = cached_frames(video, tmp_path / "a.npy", 64)
    with VideoReader(video) as reader:
        expected = np.stack([frame.pixels for frame in reader])
    np.testing.assert_array_equal(frames, expected)
    assert isinstance(frames, np.memmap)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), expected)  # a plain npy file


def test_the_second_time_nothing_is_decoded(
    make_clip: ClipMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video, stored = make_clip(tmp_path, "a"), tmp_path / "a.npy"
    first = np.array(cached_frames(video, stored, 64))
    monkeypatch.setattr(frame_cache, "VideoReader", None)
    np.testing.assert_array_equal(cached_frames(video, stored, 64), first)


@pytest.mark.parametrize("damage", ["empty", "cut", "text", "other size", "other type", "no frames"])
def test_a_damaged_file_is_made_again(make_clip: ClipMaker, tmp_path: Path, damage: str) -> None:
    video, stored = make_clip(tmp_path, "a"), tmp_path / "a.npy"
    expected = np.array(cached_frames(video, stored, 64))
    whole = stored.read_bytes()
    if damage in ("empty", "cut", "text"):
        stored.write_bytes({"empty": b"", "cut": whole[:-1], "text": b"frames"}[damage])
    else:
        shape = {"other size": (6, 32, 32, 3), "other type": (6, 64, 64, 3), "no frames": (0, 64, 64, 3)}
        np.save(stored, np.zeros(shape[damage], np.float32 if damage == "other type" else np.uint8))
    np.testing.assert_array_equal(cached_frames(video, stored, 64), expected)


def test_other_sizes_are_resampled(make_clip: ClipMaker, tmp_path: Path) -> None:
    frames = cached_frames(make_clip(tmp_path, "a"), tmp_path / "a.npy", 32)
    assert frames.shape == (6, 32, 32, 3)


def test_what_is_not_square_is_refused(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "wide.mp4", (64, 48), Fraction(25)) as writer:
        writer.write(Frame(np.zeros((48, 64, 3), np.uint8), 0, Fraction(1, 25)))
    with pytest.raises(MediaError, match=r"64x48.*square"):
        cached_frames(tmp_path / "wide.mp4", tmp_path / "wide.npy", 64)
    assert [path.name for path in tmp_path.iterdir()] == ["wide.mp4"]


def test_a_broken_video_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    with pytest.raises(MediaError, match="broken"):
        cached_frames(tmp_path / "broken.mp4", tmp_path / "broken.npy", 64)
    assert [path.name for path in tmp_path.iterdir()] == ["broken.mp4"]


def test_an_interrupted_decoding_leaves_nothing_behind(
    make_clip: ClipMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = make_clip(tmp_path, "a", labels=False)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(frame_cache, "resize", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cached_frames(video, tmp_path / "a.npy", 32)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_a_folder_that_cannot_be_written_is_not_the_clip_s_fault(
    make_clip: ClipMaker, tmp_path: Path
) -> None:
    with pytest.raises(OutputError):
        cached_frames(make_clip(tmp_path, "a"), tmp_path / "none" / "a.npy", 64)


def test_names_follow_path_size_time_and_side(make_clip: ClipMaker, tmp_path: Path) -> None:
    video, other = make_clip(tmp_path / "x", "a"), make_clip(tmp_path / "y", "a")
    names = {cache_name(video, 64), cache_name(video, 32), cache_name(other, 64)}
    assert len(names) == 3
    assert cache_name(video, 64) in names
    os.utime(video, ns=(1, 1))
    assert cache_name(video, 64) not in names
    with pytest.raises(MediaError, match="cannot be read"):
        cache_name(tmp_path / "none.mp4", 64)
