"""A folder of clips, ready for training: frames mapped from the cache, labels of every frame.

    DIR/train/*.mp4, or DIR/*.mp4   square crops of one head each
    ID.npz beside ID.mp4            its labels (labels.py); without one they are made (labelling.py)

A clip that cannot be used is left out and named; the others go on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache as once
from pathlib import Path
from typing import Protocol

from facewire.base.errors import MediaError, OutputError
from facewire.base.files import name_bytes
from facewire.data.frame_cache import Frames, cache_name, cached_frames
from facewire.data.labelling import VERSION, stored_labels
from facewire.data.labels import ClipLabels, load_labels
from facewire.face.finder import FaceFinder
from facewire.media.frame import Pixels

SUFFIXES = (".mp4", ".mov", ".mkv", ".webm")
LEAST_FRAMES = 2
"""Frames with a face that a clip needs: a pair."""

Progress = Callable[[str, int, int | None], None]
"""Called with what is being done, how far, and the end where it is known."""


class FrameSource(Protocol):
    """Pictures (S, S, 3), uint8 RGB, by number."""

    def __getitem__(self, index: int, /) -> Pixels: ...


class LabelledClip(Protocol):
    """What training reads of a clip; what costs time is read when it is asked for.

    name       of the clip
    frames     its pictures
    labels     of all frames
    seen       frames that show a face
    mean_turn  mean angle between nose and camera over those, radians
    """

    @property
    def name(self) -> str: ...
    @property
    def frames(self) -> FrameSource: ...
    @property
    def labels(self) -> ClipLabels: ...
    @property
    def seen(self) -> int: ...
    @property
    def mean_turn(self) -> float: ...
    def __len__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Clip:
    """One labelled clip; `frames` is (T, S, S, 3) RGB, mapped from disk."""

    name: str
    frames: Frames
    labels: ClipLabels

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def seen(self) -> int:
        """Frames that show a face."""
        return int(self.labels.detected.sum())

    @property
    def mean_turn(self) -> float:
        """Mean angle between nose and camera, radians."""
        return float(self.labels.turn[self.labels.detected].mean()) if self.seen else 0.0


@dataclass(frozen=True, slots=True)
class ClipSet:
    """The clips of a run.

    clips    usable ones, by name
    skipped  one line for each that is not, why
    sha256   which data it is, see `clips_hash`
    """

    clips: Sequence[LabelledClip]
    skipped: Sequence[str]
    sha256: str

    @property
    def frames(self) -> int:
        """Frames of all clips together."""
        return sum(len(clip) for clip in self.clips)


def find_clips(folder: Path) -> list[Path]:
    """Return the videos of FOLDER/train, or else of the folder itself, sorted by name.

    Raises:
        MediaError: there is none.
    """
    if not folder.is_dir():
        raise MediaError(folder, "is not a folder: give one with square head crops as .mp4")
    for place in (folder / "train", folder):
        videos = sorted(path for path in place.glob("*") if path.suffix.lower() in SUFFIXES)
        if videos:
            return videos
    raise MediaError(folder, "holds no clips: put square head crops there as .mp4, or into its folder train")


def open_clips(
    videos: Iterable[Path],
    cache: Path,
    side: int,
    progress: Progress = lambda stage, done, total: None,
) -> ClipSet:
    """Open clips at `side` pixels, decoding and labelling into the folder `cache` what is not there yet.

    Raises:
        MediaError: no clip can be used; the text says what is wrong with the first.
        OutputError: the cache cannot be written.
    """
    videos, finder = list(videos), once(FaceFinder)
    _make_folder(cache)
    clips: list[LabelledClip] = []
    used, skipped = [], []
    for number, video in enumerate(videos):
        progress("clips", number, len(videos))
        try:
            clips.append(open_clip(video, cache, side, finder, progress))
        except OutputError:
            raise
        except MediaError as problem:
            skipped.append(str(problem))
        else:
            used.append(video)
    progress("clips", len(videos), len(videos))
    if not clips:
        raise MediaError(cache if not videos else videos[0].parent, f"no clip can be used: {skipped[0]}")
    return ClipSet(clips, skipped, clips_hash(used))


def open_clip(
    video: Path,
    cache: Path,
    side: int,
    finder: Callable[[], FaceFinder],
    progress: Progress = lambda stage, done, total: None,
) -> Clip:
    """Return one clip; arguments as `open_clips`, and who looks for faces where labels are missing.

    Raises:
        MediaError: video or labels cannot be used, or fewer than two frames show a face.
        OutputError: the cache cannot be written.
    """
    name = cache_name(video, side)
    frames = cached_frames(video, cache / f"{name}.npy", side)
    beside = video.with_suffix(".npz")
    if beside.exists():
        labels = load_labels(beside, side)
    else:
        stored = cache / f"{name}.labels{VERSION}.safetensors"
        stage = f"labels of {video.name}"
        labels = stored_labels(
            frames, stored, video, finder(), lambda done: progress(stage, done, len(frames))
        )
    if len(frames) != len(labels):
        raise MediaError(video, f"has {len(frames)} frames but {len(labels)} labels: label it again")
    if labels.detected.sum() < LEAST_FRAMES:
        raise MediaError(video, "shows a face in fewer than two frames")
    return Clip(video.stem, frames, labels)


def clips_hash(videos: Iterable[Path]) -> str:
    """Return a SHA-256 over names and sizes of clips and their label files: which data a run has seen."""
    digest = hashlib.sha256()
    for video in videos:
        for path in (video, video.with_suffix(".npz")):
            if path.exists():
                digest.update(name_bytes(f"{path.name} {path.stat().st_size}\n"))
    return digest.hexdigest()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise OutputError(folder, f"cannot be made ({problem.strerror}): choose another --cache") from problem
