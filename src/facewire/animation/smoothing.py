"""Taking the tremble out of a live motion without making it late: the one-euro filter.

A low-pass filter whose cutoff rises with speed: a still head is held still, a fast one is followed at once. It looks
back only, so it can run in a call. Every keypoint has its own speed: a blink is not delayed because the jaw rests.

    cutoff = least cutoff + slope * smoothed speed,     y += alpha (x - y),     alpha = 1 / (1 + 1 / (2 pi cutoff dt))

Source: Casiez, Roussel, Vogel, 1-euro filter: a simple speed-based low-pass filter for noisy input (CHI 2012).
What it does to jitter and lag on real clips is measured in docs/lab/2026-11-22-engines.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facewire.geometry.head_motion import HeadMotion

Array = NDArray[np.float64]

SPEED_CUTOFF = 2.0
"""Hertz; how quickly the estimate of the speed itself follows."""
GAP = 0.5
"""Seconds without a motion after which the filter starts anew."""


@dataclass(frozen=True, slots=True)
class Smoothness:
    """How one kind of number is filtered.

    cutoff  hertz at rest
    slope   hertz more per unit per second
    """

    cutoff: float
    slope: float


ROTATION = Smoothness(1.5, 12.0)
"""Units: radians, nearly (entries of the matrix)."""
TRANSLATION = Smoothness(1.5, 25.0)
"""Units: half the picture's side, as for all coordinates."""
EXPRESSION = Smoothness(2.0, 60.0)


class OneEuro:
    """Filters rows of numbers; the entries of a row belong together and have one speed."""

    def __init__(self, smoothness: Smoothness) -> None:
        self.smoothness = smoothness
        self._value: Array | None = None
        self._slope: Array | None = None

    def __call__(self, rows: Array, seconds: float) -> Array:
        """Return the filtered rows (N, C), `seconds` after the ones before; the first ones come back as they are."""
        if self._value is None or self._slope is None:
            self._value, self._slope = rows.copy(), np.zeros_like(rows)
            return rows
        slope = (rows - self._value) / seconds
        self._slope = self._slope + _share(SPEED_CUTOFF, seconds) * (slope - self._slope)
        speed = np.linalg.norm(self._slope, axis=1, keepdims=True)
        cutoff = self.smoothness.cutoff + self.smoothness.slope * speed
        self._value = self._value + _share(cutoff, seconds) * (rows - self._value)
        return self._value

    def reset(self) -> None:
        """Forget everything."""
        self._value = self._slope = None


class MotionSmoother:
    """Filters a stream of head motions as they come, one at a time."""

    def __init__(
        self,
        rotation: Smoothness = ROTATION,
        translation: Smoothness = TRANSLATION,
        expression: Smoothness = EXPRESSION,
    ) -> None:
        self._rotation = OneEuro(rotation)
        self._translation = OneEuro(translation)
        self._expression = OneEuro(expression)
        self._time: float | None = None

    def __call__(self, motion: HeadMotion, time: float) -> HeadMotion:
        """Return the smoothed motion (batch of one).

        Args:
            motion: of one frame.
            time: of the frame in seconds; a time that does not advance starts anew, as a gap does.
        """
        seconds = math.inf if self._time is None else time - self._time
        if not 0 < seconds < GAP:
            self.reset()
            seconds = 1.0
        self._time = time
        now = motion.arrays()
        turned = self._rotation(now.rotation[0].reshape(1, 9).astype(np.float64), seconds)
        moved = self._translation(now.translation.astype(np.float64), seconds)
        delta = self._expression(now.expression[0].astype(np.float64), seconds)
        return _single(_nearest_rotation(turned.reshape(3, 3))[None], moved, delta[None]).like(motion)

    def reset(self) -> None:
        """Start anew: the next motion is taken as it is (another person, another camera)."""
        for part in (self._rotation, self._translation, self._expression):
            part.reset()
        self._time = None


def smoothed(motions: HeadMotion, seconds: Sequence[float], stretches: Sequence[int] = ()) -> HeadMotion:
    """Return recorded motions without their tremble: filtered forth and back, so that nothing comes late.

    Args:
        motions: (T).
        seconds: T moments.
        stretches: (T) the part of the recording that each belongs to; each is filtered by itself. Empty: one.
    """
    forth = _pass(motions, seconds, stretches or [0] * len(seconds))
    again = list(range(len(seconds) - 1, -1, -1))
    back = _pass(
        motions[again], [-at for at in reversed(seconds)], [*reversed(stretches or [0] * len(seconds))]
    )
    back = back[again]
    rotations = ((forth.rotation + back.rotation) / 2).astype(np.float64)
    return _single(
        np.stack([_nearest_rotation(matrix) for matrix in rotations]),
        (forth.translation + back.translation) / 2,
        (forth.expression + back.expression) / 2,
    ).like(motions)


def _pass(motions: HeadMotion, seconds: Sequence[float], stretches: Sequence[int]) -> HeadMotion:
    smoother, rows, motions = MotionSmoother(), [], motions.arrays()
    for row, (at, stretch) in enumerate(zip(seconds, stretches, strict=True)):
        if row and stretch != stretches[row - 1]:
            smoother.reset()
        rows.append(smoother(motions[row : row + 1], at))
    return HeadMotion.cat(rows)


def _single(rotation: Array, translation: Array, expression: Array) -> HeadMotion:
    """Return a motion in single precision."""
    return HeadMotion(*(part.astype(np.float32) for part in (rotation, translation, expression)))


def _share(cutoff: Array | float, seconds: float) -> Array | float:
    return 1 / (1 + 1 / (2 * math.pi * cutoff * seconds))


def _nearest_rotation(matrix: Array) -> Array:
    """Return the rotation nearest to a matrix (3, 3)."""
    left, _, right = np.linalg.svd(matrix)
    sign = np.sign(np.linalg.det(left @ right))
    result: Array = (left * (1.0, 1.0, sign)) @ right
    return result
