"""How other families of models lay the square of a head, by the points of our own mesh.

    photo   a square that may turn with the head
    video   an upright one; where it stands or how it follows is animation/survey.py's business

LivePortrait and SadTalker say how they cut (landmark_crop.py). ZLH and ZK take pictures that are cut: ours are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from facewire.face.crop import CropBox, crop_box_from_faces
from facewire.face.finder import Face
from facewire.face.region import SquareRegion
from facewire.face.relatives.landmark_crop import DRIVING, SOURCE, Square, eyes_and_mouth, laid

# fmt: off
OUTLINE = (
    127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454, 356,
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,
)
# fmt: on
"""Mesh points of jaw and brows: what the landmarks of others enclose, who know no forehead."""
BETWEEN, DOWN, BELOW = 2.0, 1.8, 0.1
"""SadTalker's: distances between the eyes and from them to the mouth in half a side, and how far below the eyes its
middle lies."""


@dataclass(frozen=True, slots=True)
class Framing:
    """A family's way to lay squares.

    still    the square of a head in a photo
    moving   the upright square of a head in a frame of a video
    padding  what a photo shows outside, see `SquareRegion.sample`
    """

    still: Callable[[Face], SquareRegion]
    moving: Callable[[Face], SquareRegion]
    padding: str = "border"


def row_of(face: Face, framing: Framing, scale: float = 1.0) -> tuple[float, float, float]:
    """Return left, top and side of a face's upright square, in pixels `scale` times as small."""
    square = framing.moving(face)
    return (
        scale * (square.x - square.side / 2),
        scale * (square.y - square.side / 2),
        scale * square.side,
    )


def upright_box(face: Face, framing: Framing | None, height: int, width: int) -> CropBox:
    """Return the upright square of a face in a picture; None frames it as ours."""
    if framing is None:
        return crop_box_from_faces([face], height, width)
    left, top, side = row_of(face, framing)
    return CropBox(round(left), round(top), max(1, round(side)))


def scaled(region: SquareRegion, scale: float) -> SquareRegion:
    """Return a square in a photo of another size."""
    return replace(region, x=scale * region.x, y=scale * region.y, side=scale * region.side)


def _liveportrait(square: Square) -> Callable[[Face], SquareRegion]:
    return lambda face: laid(face.landmarks[:, :2], square, face.landmarks[list(OUTLINE), :2])


def _sadtalker(face: Face) -> SquareRegion:
    """Return the upright square around a square that turns with eyes and mouth."""
    left, right, mouth = eyes_and_mouth(face.landmarks[:, :2])
    eyes = (left + right) / 2
    between, down = right - left, mouth - eyes
    along = between - down[::-1] * (-1, 1)
    half = along / np.hypot(*along) * max(BETWEEN * np.hypot(*between), DOWN * np.hypot(*down))
    middle = eyes + BELOW * down
    return SquareRegion(float(middle[0]), float(middle[1]), 2 * float(np.abs(half).sum()), 0.0)


FRAMINGS: Mapping[str, Framing] = {
    "liveportrait": Framing(_liveportrait(SOURCE), _liveportrait(DRIVING), padding="zeros"),
    "sadtalker": Framing(_sadtalker, _sadtalker),
}
"""By name of the family; the others are framed as ours."""
