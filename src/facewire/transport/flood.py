"""How often a peer may speak: a bucket of permits that fills with time."""

from __future__ import annotations


class Permits:
    """Allows `rate` events a second on average and `burst` at once.

    Args:
        rate: permits a second.
        burst: permits that can be saved up.
    """

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._level = burst
        self._at: float | None = None

    def take(self, now: float, count: float = 1.0) -> bool:
        """Take permits and say whether there were enough."""
        if self._at is not None:
            self._level = min(self._burst, self._level + max(0.0, now - self._at) * self._rate)
        self._at = now
        if self._level < count:
            return False
        self._level -= count
        return True
