"""What to show while nothing comes: hold a moment, ease towards rest, then come back without a jump.

Rest is how this head was held and this face looked on average over the last two seconds. In 23 clips of 12 people
that guess is as near to the truth as the held last frame where the head is concerned, and from 0.2 s on nearer where
the expression is concerned; carrying the motion on is no better than holding from 0.2 s on, and the way back to the
source photo is worse than either (docs/lab/2026-11-22-call.md).
"""

from __future__ import annotations

import numpy as np

from facewire.codec.state import MotionFrame

EASE_SECONDS = 1.2
"""How long the way to rest takes, at an even pace: the best share of the way, measured, grows like that."""
RETURN_SECONDS = 0.16
"""How long the way back to the true motion takes."""
MEMORY = 50
"""Frames that rest is the mean of: 2 s."""
FIRST_MEMORY = 5
"""Frames that the source's own motion counts for at the beginning."""


def between(first: MotionFrame, second: MotionFrame, share: float) -> MotionFrame:
    """Return the motion at a share of the way from one to the other; angles are small enough to mix as they are."""
    mixed = (1 - share) * first.vector() + share * second.vector()
    return MotionFrame.from_vector(mixed.astype(np.float32), first.kept)


class Concealment:
    """Remembers where the face rests and where it was left, for one source of one connection.

    Args:
        own: the source's own motion, at which rest begins.
    """

    def __init__(self, own: MotionFrame) -> None:
        self.rest = own
        self._count = FIRST_MEMORY
        self._eased: MotionFrame | None = None
        self._done = False
        self._returned: float | None = None

    def ease(self, last: MotionFrame, silence: float) -> MotionFrame | None:
        """Return the motion `silence` seconds after easing began; None when the way is done."""
        share = min(1.0, max(0.0, silence) / EASE_SECONDS)
        if share >= 1.0 and self._done:
            return None
        self._done, self._returned = share >= 1.0, None
        self._eased = between(last, self.rest, share)
        return self._eased

    def back(self) -> None:
        """Note that the picture found back to the true motion by another way."""
        self._eased, self._done = None, False

    def arrive(self, motion: MotionFrame, now: float) -> MotionFrame:
        """Return what to show of a frame that came: itself, or on the way back from rest a mixture."""
        self._count += 1
        self.rest = between(self.rest, motion, 1 / min(self._count, MEMORY))
        if self._eased is None:
            return motion
        if self._returned is None:
            self._returned, self._done = now, False
        share = (now - self._returned + 0.04) / RETURN_SECONDS
        if share >= 1:
            self._eased = None
            return motion
        return between(self._eased, motion, share)
