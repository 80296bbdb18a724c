"""The receiver's own view of the remote face: turned by dragging, or looking at the viewer; costs no bits."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from facewire.codec.state import MotionFrame
from facewire.geometry.pose import rotation_from_angles

GLIDE = 0.35
"""Share of the way that the view goes with each picture."""
Turn = NDArray[np.float32]
STILL = math.radians(0.05)


class FreeView:
    """Where the viewer wants to look from, and where the view is on its way there."""

    def __init__(self) -> None:
        self._goal = (0.0, 0.0, 0.0)
        self._now = (0.0, 0.0, 0.0)
        self._frontal = False
        self._share = 0.0

    def aim(self, yaw: float, pitch: float, roll: float, frontal: bool) -> None:
        """Set the goal: angles in degrees, added to the head's own, or with `frontal` instead of them."""
        self._goal = (math.radians(yaw), math.radians(pitch), math.radians(roll))
        self._frontal = frontal

    @property
    def moving(self) -> bool:
        """True while the view is on its way: then the picture changes though the head may not."""
        away = max(abs(goal - now) for goal, now in zip(self._goal, self._now, strict=True))
        return away > STILL or abs(self._share - self._frontal) > 0.01

    def turn(self, motion: MotionFrame) -> Turn | None:
        """Return R_u, (3, 3), for the next picture of a head in this motion; None for its own view."""
        self._now = (
            self._now[0] + GLIDE * (self._goal[0] - self._now[0]),
            self._now[1] + GLIDE * (self._goal[1] - self._now[1]),
            self._now[2] + GLIDE * (self._goal[2] - self._now[2]),
        )
        self._share += GLIDE * (self._frontal - self._share)
        if self._share < 0.01 and max(map(abs, self._now)) < STILL:
            return None
        own = _rotation(*(float(angle) for angle in motion.angles))
        kept = _rotation(*((1 - self._share) * float(angle) for angle in motion.angles))
        return np.asarray(_rotation(*self._now) @ kept @ own.T)


def _rotation(yaw: float, pitch: float, roll: float) -> Turn:
    rotation: Turn = rotation_from_angles(*np.array(((yaw,), (pitch,), (roll,)), np.float32))[0]
    return rotation
