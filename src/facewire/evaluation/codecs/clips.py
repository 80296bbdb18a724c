"""The user's clips for a comparison of codecs: head crops in memory, cut once and shared by all methods."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from facewire.animation.animator import Animator
from facewire.animation.driving import HeadSquare
from facewire.base.errors import MediaError
from facewire.base.files import name_bytes
from facewire.evaluation.codecs.methods import Clip, Method
from facewire.evaluation.measuring.clips import EvaluationClip, find_clips
from facewire.media.frame import Pixels
from facewire.talks.squares import TalkSquares

SHORTEST = 10
"""Frames; less is no clip."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One clip through one method: the subject of a row."""

    clip: EvaluationClip
    method: Method

    @property
    def name(self) -> str:
        """Of the row."""
        return f"{self.clip.name} {self.method.name}"

    @property
    def group(self) -> str:
        """Who is seen."""
        return self.clip.person

    def identity(self) -> Mapping[str, Any]:
        """Return what the row depends on besides what all rows share."""
        return {"clip": self.clip.hash(), "method": self.method.name, "settings": list(self.method.settings)}


class Crops:
    """Cuts clips, and holds the last one.

    Args:
        animator: finds heads.
        crop_mode: "auto" or "none".
        most: frames of a clip at most.
        side: of the crops, pixels.
    """

    def __init__(self, animator: Animator, crop_mode: str, most: int, side: int) -> None:
        self._animator, self._crop_mode, self._most, self._side = animator, crop_mode, most, side
        self._held: tuple[Path, Clip] | None = None

    def of(self, path: Path) -> Clip:
        """Return the head crops of a clip.

        Raises:
            MediaError: it cannot be read, is too short, or shows heads too small for crops larger than usual.
            NoFaceFound: it shows no face.
        """
        held = self._held
        if held is not None and held[0] == path:
            return held[1]
        self._held = None
        with TalkSquares(self._animator, path, crop_mode=self._crop_mode, sound=False) as squares:
            clip = Clip([self._cut(square, path) for square in islice(squares, self._most)], squares.rate)
        if len(clip.pictures) < SHORTEST:
            raise MediaError(path, f"has only {len(clip.pictures)} frames: give a clip of {SHORTEST} or more")
        self._held = (path, clip)
        return clip

    def _cut(self, square: HeadSquare, path: Path) -> Pixels:
        """Return a crop; what is larger than the networks' pictures is never enlarged."""
        if self._side > max(self._animator.size, square.own_side):
            raise MediaError(path, f"shows the head in {square.own_side} pixels: use a smaller --size")
        return square.at(self._side)


def clips_of(paths: Sequence[Path], most: int | None) -> list[EvaluationClip]:
    """Return the clips of files and folders, each under a name of its own.

    Raises:
        MediaError: there is none.
    """
    found: list[EvaluationClip] = []
    for path in paths:
        found += find_clips(path, most) if path.is_dir() else [EvaluationClip(path.stem, path, path.stem)]
    names = [clip.name for clip in found]
    return [
        clip if names.count(clip.name) == 1 else EvaluationClip(_distinct(clip), clip.path, clip.person)
        for clip in found
    ]


def _distinct(clip: EvaluationClip) -> str:
    """Return a name that tells clips of one file name apart."""
    return f"{clip.name}-{hashlib.sha256(name_bytes(str(clip.path.resolve()))).hexdigest()[:6]}"
