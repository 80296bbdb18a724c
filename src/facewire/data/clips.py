"""A folder of labelled clips and its decoded frames.

`DIR/train/ID.mp4` with `ID.npz` beside it (see labels.py). Every clip is decoded once into a plain array
`CACHE/ID.npy` of shape (T, S, S, 3) that training maps into memory; a training step then reads two frames
without touching a video decoder.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from facewire.base.errors import MediaError
from facewire.data.labels import ClipLabels, load_labels
from facewire.media.video import VideoReader

Frames = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Clip:
    """One labelled clip; `frames` is (T, S, S, 3) RGB, mapped from disk."""

    name: str
    frames: Frames
    labels: ClipLabels

    def __len__(self) -> int:
        return len(self.labels)


def find_clips(folder: Path) -> list[Path]:
    """Return the videos of a folder that have labels, sorted by name.

    Raises:
        MediaError: there is none.
    """
    videos = sorted(path for path in folder.glob("*.mp4") if path.with_suffix(".npz").exists())
    if not videos:
        raise MediaError(folder, "holds no clip with labels (ID.mp4 beside ID.npz)")
    return videos


def open_clip(video: Path, cache: Path) -> Clip:
    """Return a clip, decoding it into the cache when it is not there yet."""
    labels = load_labels(video.with_suffix(".npz"))
    stored = cache / f"{video.stem}-{_identity(video)}.npy"
    if not stored.exists():
        _decode(video, stored)
    frames = np.load(stored, mmap_mode="r")
    if len(frames) != len(labels):
        raise MediaError(video, f"{len(frames)} frames but {len(labels)} labels")
    return Clip(video.stem, frames, labels)


def open_clips(videos: Iterable[Path], cache: Path) -> list[Clip]:
    """Open many clips; the cache folder is made."""
    cache.mkdir(parents=True, exist_ok=True)
    return [open_clip(video, cache) for video in videos]


def manifest_hash(videos: Iterable[Path]) -> str:
    """Return a SHA-256 over names and sizes of clips and labels: which data a run has seen."""
    digest = hashlib.sha256()
    for video in videos:
        for path in (video, video.with_suffix(".npz")):
            digest.update(f"{path.name} {path.stat().st_size}\n".encode())
    return digest.hexdigest()


def _identity(video: Path) -> str:
    status = video.stat()
    return hashlib.sha256(f"{video.resolve()} {status.st_size} {status.st_mtime_ns}".encode()).hexdigest()[:12]


def _decode(video: Path, target: Path) -> None:
    with VideoReader(video) as reader:
        frames = np.stack([frame.pixels for frame in reader])
    temporary = target.with_suffix(f".{os.getpid()}.tmp")
    with temporary.open("wb") as stream:
        np.save(stream, frames)
    temporary.replace(target)
