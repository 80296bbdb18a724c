"""Second looks while a call goes on: few of them, and what they teach holds for all motions between.

    a motion, how far its keypoints stand beside their places   now and then: a look costs as much as receiving
    -> how far they do in general, at any motion                least squares that forget
    any motion -> corrected                                     every picture, nothing to speak of

A motion read off a picture puts shoulders and hair beside their places, mostly in the same direction for seconds;
what changes goes along with pose and place. So a correction is a constant, a slope along either, and most of what the
last look found besides (docs/lab/2026-11-30-looks-in-a-call.md).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from facewire.codec.state import MotionFrame
from facewire.networks.compact.guides import GUIDES

Array = NDArray[np.float64]

REMEMBERED = 0.9
"""Of what looks said, at every further one: half of it is of the last seven."""
RIDGE, SLOPE_RIDGE = 0.1, 3.0
"""What pulls the constant, and the slopes, to no correction, in looks."""
BESIDES = 0.7
"""How much of what the last look found, and the rest does not explain, is corrected."""
STEP = 0.4
"""Of the way to what a look teaches that is gone with every picture: no correction jumps."""
MOST = 0.1
"""Picture units by which a place is corrected at most, however far a motion leads from those that were looked at."""
ANGLES, PLACES = 0.2, 0.1
"""What counts as one step of an angle, radians, and of a place, picture units."""


class Looks:
    """What looks at one person before one camera have taught. `hear` may have a thread of its own."""

    def __init__(self) -> None:
        self._first: Array | None = None
        self._ridge: Array = np.empty(0)
        self._products: Array = np.empty(0)
        self._sums: Array = np.empty(0)
        self._goal: Array | None = None
        """(1 + N, 2 K): a row for 1 and for everything that a motion says; the first also has what the last look
        found besides. Replaced, never changed."""
        self._now: Array | None = None
        """The same as it is applied, on its way there."""

    def hear(self, motion: MotionFrame, beside: NDArray[np.float32]) -> None:
        """Learn from a look.

        Args:
            motion: as it was read.
            beside: (K, 2), how far each keypoint should move, picture units; see `second_look.corrections`.
        """
        said = _said(motion)
        if self._first is None:
            self._first = said
            self._ridge = np.diag([RIDGE] + [SLOPE_RIDGE] * len(said))
            self._products = self._ridge
            self._sums = np.zeros((1 + len(said), beside.size))
        known, found = self._known(said), beside.astype(np.float64).ravel()
        kept = REMEMBERED * self._products + (1 - REMEMBERED) * self._ridge
        self._products = kept + np.outer(known, known)
        self._sums = REMEMBERED * self._sums + np.outer(known, found)
        goal = np.asarray(np.linalg.solve(self._products, self._sums), np.float64)
        goal[0] += BESIDES * (found - known @ goal)
        self._goal = goal

    def corrected(self, motion: MotionFrame) -> MotionFrame:
        """Return the camera's next motion, corrected; before the first look as it is."""
        goal = self._goal
        if goal is None:
            return motion
        now = np.zeros_like(goal) if self._now is None else self._now
        now = np.asarray(now + STEP * (goal - now), np.float64)
        self._now = now
        by = np.clip((self._known(_said(motion)) @ now).reshape(-1, 2), -MOST, MOST)
        return replace(motion, expression=motion.expression + np.pad(by, ((0, 0), (0, 1))))

    def _known(self, said: Array) -> Array:
        assert self._first is not None
        return np.concatenate(((1.0,), said - self._first))


def _said(motion: MotionFrame) -> Array:
    """Return what a motion says of pose, place and free keypoints, about 1 for what is much."""
    free = motion.expression[len(GUIDES) :, :2].ravel()
    return np.concatenate((motion.angles / ANGLES, motion.translation / PLACES, free / PLACES)).astype(float)
