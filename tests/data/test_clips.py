"""Folders of clips: what is found, what is left out, which data it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from facewire.base.errors import MediaError, OutputError
from facewire.data import clips
from facewire.data.clips import clips_hash, find_clips, open_clips

ClipMaker = Callable[..., Path]


@pytest.fixture
def folder(make_clip: ClipMaker, tmp_path: Path) -> Path:
    for name, frames in (("b", 5), ("a", 4), ("c", 6)):
        make_clip(tmp_path / "clips", name, frames=frames)
    return tmp_path / "clips"


def test_clips_are_found_in_order(folder: Path, make_clip: ClipMaker) -> None:
    (folder / "notes.txt").write_text("no clip")
    assert [path.name for path in find_clips(folder)] == ["a.mp4", "b.mp4", "c.mp4"]
    make_clip(folder / "train", "z")
    assert [path.name for path in find_clips(folder)] == ["z.mp4"]


def test_folders_without_clips_are_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="holds no clips"):
        find_clips(tmp_path)
    with pytest.raises(MediaError, match="not a folder"):
        find_clips(tmp_path / "none")


def test_clips_have_frames_and_labels(folder: Path, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    opened = open_clips(find_clips(folder), tmp_path / "cache", 64, lambda *now: seen.append(now))
    assert [clip.name for clip in opened.clips] == ["a", "b", "c"]
    assert [len(clip) for clip in opened.clips] == [4, 5, 6]
    assert opened.frames == 15
    assert opened.skipped == []
    assert opened.clips[0].frames[3].shape == (64, 64, 3)
    assert opened.sha256 == clips_hash(find_clips(folder))
    assert seen == [("clips", done, 3) for done in range(4)]


def test_broken_clips_are_left_out_and_named(folder: Path, make_clip: ClipMaker, tmp_path: Path) -> None:
    (folder / "broken.mp4").write_bytes(b"no video")
    make_clip(folder, "short", frames=3)
    np.savez(
        folder / "short.npz",
        lm=np.zeros((9, 78, 2)),
        pose=np.ones((9, 6)),
        det=np.ones(9, bool),
    )
    make_clip(folder, "unseen", frames=3)
    np.savez(
        folder / "unseen.npz",
        lm=np.zeros((3, 78, 2)),
        pose=np.ones((3, 6)),
        det=np.array((True, False, False)),
    )
    make_clip(folder, "unreadable")
    (folder / "unreadable.npz").write_bytes(b"no labels")
    whole = find_clips(folder)
    opened = open_clips(whole, tmp_path / "cache", 64)
    assert [clip.name for clip in opened.clips] == ["a", "b", "c"]
    assert [Path(line.split(":")[0]).name for line in opened.skipped] == [
        "broken.mp4",
        "short.mp4",
        "unreadable.npz",
        "unseen.mp4",
    ]
    assert opened.sha256 == clips_hash(path for path in whole if path.stem in "abc")


def test_without_any_usable_clip_the_first_problem_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    with pytest.raises(MediaError, match=r"no clip can be used.*broken"):
        open_clips(find_clips(tmp_path), tmp_path / "cache", 64)


def test_a_cache_that_cannot_be_written_ends_everything(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="--cache"):
        open_clips(find_clips(folder), tmp_path / "file" / "cache", 64)

    def full(*_: object) -> None:
        raise OutputError("clip.npy", "the disk is full")

    monkeypatch.setattr(clips, "cached_frames", full)
    with pytest.raises(OutputError, match="full"):
        open_clips(find_clips(folder), tmp_path / "cache", 64)


def test_the_hash_names_the_data(folder: Path, make_clip: ClipMaker) -> None:
    before = clips_hash(find_clips(folder))
    assert clips_hash(find_clips(folder)) == before
    (folder / "a.npz").write_bytes((folder / "a.npz").read_bytes() + b" ")
    changed = clips_hash(find_clips(folder))
    make_clip(folder, "d")
    assert len({before, changed, clips_hash(find_clips(folder))}) == 3
