"""How many pictures a second the networks of this machine draw, as measured while they do."""

from __future__ import annotations

import statistics
from collections import deque

LAST = 9
"""Pictures whose median counts; before so many nothing is known."""
AGAIN_SECONDS = 2.0
"""While none are asked for, one is drawn so often on a machine that draws few, to see whether it still does."""


class DrawingPace:
    """The pace of one stream; pictures may be noted in another thread than it is asked in."""

    def __init__(self) -> None:
        self._took: deque[float] = deque(maxlen=LAST)
        self._tried = float("-inf")

    def drew(self, seconds: float) -> None:
        """Note what a picture took."""
        self._took.append(seconds)

    @property
    def per_s(self) -> int | None:
        """Whole pictures a second; None if that is not known yet."""
        took = tuple(self._took)
        return int(1 / max(statistics.median(took), 1e-3)) if len(took) == LAST else None

    def due(self, now: float, enough: int) -> bool:
        """Say whether one should be drawn to see whether `enough` a second can be now, and note that it is."""
        per_s = self.per_s
        if per_s is None or per_s >= enough or now - self._tried < AGAIN_SECONDS:
            return False
        self._tried = now
        return True
