"""A folder of portraits for training: each still is a clip of one frame, whose pair is made by turning it.

    DIR/*.jpg, *.png   square crops of one head each, further people than the clips show

What a head hides no clip of a frontal speaker teaches, and people in clips are few. A still that the model itself has
turned is a source, the still the frame that is asked for (training/objectives/turn_and_return.py).

A still in which no face is found is left out and named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from facewire.base.errors import MediaError
from facewire.base.files import atomic_output
from facewire.data.clips import Clip, ClipSet, LabelledClip
from facewire.data.frame_cache import Frames
from facewire.data.labelling import VERSION, stored_labels
from facewire.data.labels import ClipLabels
from facewire.face.finder import FaceFinder
from facewire.media.image import is_picture, load_image, resize

Progress = Callable[[str, int, int | None], None]


def open_stills(
    folder: Path, cache: Path, side: int, progress: Progress = lambda stage, done, total: None
) -> ClipSet:
    """Open the pictures of a folder at `side` pixels, labelled; both are kept in the folder `cache`.

    Raises:
        MediaError: there is none, one cannot be read, or one is not square.
        OutputError: the cache cannot be written.
    """
    paths = sorted(path for path in folder.glob("*") if is_picture(path)) if folder.is_dir() else []
    if not paths:
        raise MediaError(folder, "holds no pictures: put square head crops there")
    digest = stills_hash(paths)
    stored = cache / f"stills-{digest[:12]}-{side}"
    frames = _frames(paths, stored.with_suffix(".npy"), side, progress)
    labels = stored_labels(
        frames,
        stored.with_suffix(f".labels{VERSION}.safetensors"),
        folder,
        FaceFinder(),
        lambda done: progress("labels of stills", done, len(frames)),
        follow=False,
    )
    clips: list[LabelledClip] = []
    skipped = []
    for number, path in enumerate(paths):
        if labels.detected[number]:
            clips.append(Clip(path.stem, frames[number : number + 1], _one(labels, number)))
        else:
            skipped.append(f"{path}: shows no face")
    return ClipSet(clips, skipped, digest)


def joined(sets: Sequence[ClipSet]) -> ClipSet:
    """Return the clips of several sets as one; a single set stays as it is."""
    if len(sets) == 1:
        return sets[0]
    clips = [clip for part in sets for clip in part.clips]
    skipped = [problem for part in sets for problem in part.skipped]
    return ClipSet(clips, skipped, hashlib.sha256("".join(part.sha256 for part in sets).encode()).hexdigest())


def stills_hash(paths: Sequence[Path]) -> str:
    """Return a SHA-256 over names and sizes of pictures."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.name} {path.stat().st_size}\n".encode())
    return digest.hexdigest()


def _frames(paths: Sequence[Path], stored: Path, side: int, progress: Progress) -> Frames:
    """Return the pictures (N, side, side, 3), decoded once and then mapped from `stored`."""
    if not stored.exists():
        stored.parent.mkdir(parents=True, exist_ok=True)
        frames = np.empty((len(paths), side, side, 3), np.uint8)
        for number, path in enumerate(paths):
            pixels = load_image(path)
            if pixels.shape[0] != pixels.shape[1]:
                raise MediaError(path, "is not square: training needs square crops of a head")
            frames[number] = resize(pixels, (side, side))
            progress("stills", number + 1, len(paths))
        with atomic_output(stored) as temporary, temporary.open("wb") as stream:
            np.save(stream, frames)
    mapped: Frames = np.load(stored, mmap_mode="r")
    return mapped


def _one(labels: ClipLabels, number: int) -> ClipLabels:
    """Return the labels of one frame."""
    here = slice(number, number + 1)
    return ClipLabels(
        labels.landmarks[here], labels.rotation[here], labels.translation[here], labels.detected[here]
    )
