"""What to show while nothing comes: hold, then ease towards rest, then come back without a jump.

Rest is the source's own expression, and half of the way back to its pose: a frozen grimace looks broken, a calm
face only silent.
"""

from __future__ import annotations

import numpy as np

from facewire.codec.state import MotionFrame

EASE_AFTER = 0.3
"""Seconds that the last frame is held."""
EASE_SECONDS = 1.2
"""How long the way to rest takes."""
RETURN_SECONDS = 0.16
"""How long the way back to the true motion takes."""
POSE_SHARE = 0.5
"""How far the pose goes back to the source's own."""


def between(first: MotionFrame, second: MotionFrame, share: float) -> MotionFrame:
    """Return the motion at a share of the way from one to the other; angles are small enough to mix as they are."""
    mixed = (1 - share) * first.vector() + share * second.vector()
    return MotionFrame.from_vector(mixed.astype(np.float32), first.kept)


class Concealment:
    """Remembers where the face was left, for one connection."""

    def __init__(self) -> None:
        self.rest: MotionFrame | None = None
        """The source's own motion."""
        self._eased: MotionFrame | None = None
        self._returned = 0.0

    def ease(self, last: MotionFrame, silence: float, now: float) -> MotionFrame | None:
        """Return the motion after `silence` seconds without frames; None when the way is done."""
        if self.rest is None or self.rest.keypoints != last.keypoints:
            return None
        share = min(1.0, (silence - EASE_AFTER) / EASE_SECONDS)
        if share >= 1.0 and self._eased is not None and self._returned < 0:
            return None
        smooth = share * share * (3 - 2 * share)
        goal = between(last, self.rest, POSE_SHARE)
        goal = MotionFrame(goal.angles, goal.translation, self.rest.expression, last.kept)
        self._eased = between(last, goal, smooth)
        self._returned = -1.0 if share >= 1.0 else 0.0
        return self._eased

    def arrive(self, motion: MotionFrame, now: float) -> MotionFrame:
        """Return what to show of a frame that came: itself, or on the way back from rest a mixture."""
        if self._eased is None:
            return motion
        if self._returned <= 0:
            self._returned = now
        share = (now - self._returned + 0.04) / RETURN_SECONDS
        if share >= 1:
            self._eased, self._returned = None, 0.0
            return motion
        return between(self._eased, motion, share)
