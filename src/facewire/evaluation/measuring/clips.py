"""The clips and stills that a model is measured on.

A folder of videos, each one square head crop with one person (as `facewire prepare` makes them). The folder may be
the whole data set: then its `val/` is taken. `manifest.csv` in it or above it tells who is seen (columns `id` and
`person`); without it the part of a clip's name before the last underscore stands for the person.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import numpy as np

from facewire.base.errors import MediaError
from facewire.base.files import name_bytes, sha256_of
from facewire.media.frame import Pixels
from facewire.media.image import resize
from facewire.media.video import VideoReader

Item = TypeVar("Item")

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".mkv", ".webm", ".avi"})
STILL_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
VALIDATION = "val"
STILLS = "stills"
MANIFEST = "manifest.csv"
MOST_SKEW = 0.02
"""How far from square a head crop may be."""


@dataclass(frozen=True, slots=True)
class EvaluationClip:
    """One clip: its name, file and who is seen."""

    name: str
    path: Path
    person: str

    @property
    def group(self) -> str:
        """Who is seen: what makes rows of two clips alike."""
        return self.person

    def identity(self) -> Mapping[str, str]:
        """Return what a row about the clip depends on: its bytes."""
        return {"clip": self.hash()}

    def frames(self, size: int, stride: int = 1) -> Iterator[Pixels]:
        """Yield every `stride`-th picture as (size, size, 3), one at a time.

        Raises:
            MediaError: the video cannot be read, or its pictures are not square.
        """
        with VideoReader(self.path) as reader:
            width, height = reader.size
            if abs(width - height) > MOST_SKEW * max(width, height):
                raise MediaError(
                    self.path, f"{width}x{height} is no square head crop: prepare the clip first"
                )
            for index, frame in enumerate(reader):
                if index % stride == 0:
                    yield frame.pixels if frame.size == (size, size) else resize(frame.pixels, (size, size))

    def rate(self) -> Fraction:
        """Return the clip's frames per second."""
        with VideoReader(self.path) as reader:
            return reader.rate

    def hash(self) -> str:
        """Return the SHA-256 of the file."""
        return sha256_of(self.path)


def find_clips(folder: Path, most: int | None = None) -> list[EvaluationClip]:
    """Return the clips of a folder by name; with `most` only so many, spread evenly.

    Raises:
        MediaError: there is none.
    """
    inner = folder / VALIDATION
    place = inner if inner.is_dir() else folder
    videos = sorted(path for path in place.glob("*") if path.suffix.lower() in VIDEO_SUFFIXES)
    if not videos:
        raise MediaError(folder, "holds no clip (.mp4 and the like): give the folder of the clips")
    people = _people(place)
    clips = [EvaluationClip(path.stem, path, people.get(path.stem, _stem(path.stem))) for path in videos]
    return spread(clips, most)


def find_stills(folder: Path) -> list[Path]:
    """Return the portraits that lie in `stills/` of the folder or beside it, by name; there may be none."""
    for place in (folder / STILLS, folder.parent / STILLS):
        if place.is_dir():
            return sorted(path for path in place.glob("*") if path.suffix.lower() in STILL_SUFFIXES)
    return []


def spread(items: Sequence[Item], most: int | None) -> list[Item]:
    """Return at most `most` items, evenly spread, in order."""
    if most is None or most >= len(items):
        return list(items)
    places = np.linspace(0, len(items) - 1, most).round().astype(int)
    return [items[place] for place in places]


def data_hash(clips: Sequence[EvaluationClip]) -> str:
    """Return a SHA-256 over names and contents of the clips."""
    digest = hashlib.sha256()
    for clip in clips:
        digest.update(name_bytes(f"{clip.name} {clip.hash()}\n"))
    return digest.hexdigest()


def _people(place: Path) -> dict[str, str]:
    for manifest in (place / MANIFEST, place.parent / MANIFEST):
        if manifest.is_file():
            with manifest.open(encoding="utf-8", newline="") as stream:
                return {row["id"]: row["person"] for row in csv.DictReader(stream) if row.get("person")}
    return {}


def _stem(name: str) -> str:
    return name.rpartition("_")[0] or name
