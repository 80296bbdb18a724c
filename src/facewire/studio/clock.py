"""The moment that is shown: it stands, or runs through the chosen part again and again."""

from __future__ import annotations

import time


class Clock:
    """Plays a part of a driver, or of keyframes; all in seconds of the driver."""

    def __init__(self) -> None:
        self.playing = False
        self._seconds = self._since = 0.0

    def set(self, playing: bool, seconds: float) -> None:
        """Play or stand from a moment on."""
        self.playing, self._seconds, self._since = playing, seconds, time.monotonic()

    def now(self, start: float, end: float) -> float:
        """Return the moment in the part from `start` to `end`; at its end it begins again."""
        at = self._seconds + (time.monotonic() - self._since if self.playing else 0.0)
        if self.playing and at >= end > start:
            at = start + (at - start) % (end - start)
        return min(max(at, start), end)
