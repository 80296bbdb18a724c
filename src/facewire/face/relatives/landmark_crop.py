"""LivePortrait's squares: a turned square around landmarks.

eyes and lips -> the axes of the face; all landmarks -> its box along them; scale and shift -> the square
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facewire.base.errors import ConfigError
from facewire.face.region import SquareRegion

Floats = NDArray[np.float64]
ANCHORS: Mapping[int, tuple[tuple[int, ...], tuple[int, ...], tuple[int, int]]] = {
    203: ((0, 6, 12, 18), (24, 30, 36, 42), (48, 66)),
    106: ((33, 35, 40, 39), (87, 89, 94, 93), (52, 61)),
    478: ((33, 159, 133, 145), (362, 386, 263, 374), (61, 291)),
}
"""Landmarks of one eye, the other eye and the corners of the mouth, by how many there are; 478 is our own mesh."""
SMALLEST = 1e-3
"""Pixels between eyes and mouth below which the face counts as upright."""


@dataclass(frozen=True, slots=True)
class Square:
    """How a square is laid around a face.

    scale  side, in longer sides of the landmarks' box
    shift  of the middle, down the face, in sides
    turns  follows the roll of the head
    """

    scale: float
    shift: float
    turns: bool = True


SOURCE, DRIVING = Square(2.3, -0.125), Square(2.2, -0.1, turns=False)


def laid(landmarks: Floats, square: Square, enclosed: Floats | None = None) -> SquareRegion:
    """Return the square around landmarks.

    Args:
        landmarks: (N, 2) in pixels, N one of ANCHORS.
        square: how it lies.
        enclosed: (M, 2), what the square is measured by; None: all landmarks.

    Raises:
        ConfigError: so many landmarks are not known.
    """
    landmarks = np.asarray(landmarks, np.float64)
    down = _down(landmarks)
    right = np.array((down[1], -down[0]))
    middle, side = _box(landmarks if enclosed is None else enclosed, right, down, square)
    angle = float(np.arctan2(right[1], right[0])) if square.turns else 0.0
    return SquareRegion(float(middle[0]), float(middle[1]), side, angle)


def eyes_and_mouth(landmarks: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the middles (2,) of one eye, the other eye and the mouth.

    Raises:
        ConfigError: so many landmarks are not known.
    """
    if len(landmarks) not in ANCHORS:
        raise ConfigError("landmarks", len(landmarks), f"one of {', '.join(map(str, ANCHORS))}")
    one, other, mouth = (landmarks[list(part)].mean(axis=0) for part in ANCHORS[len(landmarks)])
    return one, other, mouth


def _down(landmarks: Floats) -> Floats:
    """Return the unit vector (2,) from eyes to mouth."""
    one, other, mouth = eyes_and_mouth(landmarks)
    away = mouth - (one + other) / 2
    length = float(np.hypot(*away))
    return np.array((0.0, 1.0)) if length <= SMALLEST else np.asarray(away / length)


def _box(landmarks: Floats, right: Floats, down: Floats, square: Square) -> tuple[Floats, float]:
    """Return middle (2,) and side of the square."""
    mean = landmarks.mean(axis=0)
    along = (landmarks - mean) @ np.stack((right, down), axis=1)
    low, high = along.min(axis=0), along.max(axis=0)
    side = float((high - low).max()) * square.scale
    x, y = (low + high) / 2
    return mean + right * x + down * (y + square.shift * side), side
