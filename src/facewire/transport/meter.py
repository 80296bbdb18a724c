"""How much comes by: bits per second over a sliding window, and losses by sequence numbers."""

from __future__ import annotations

from collections import deque

from facewire.transport.wrap import unwrap

BUCKETS = 10
"""Pieces that a window is kept in; memory does not grow with traffic."""


class RateMeter:
    """Bits and events per second over the last seconds.

    Args:
        window: seconds.
    """

    def __init__(self, window: float = 2.0) -> None:
        self.total_bytes = self.total_events = 0
        self._step = window / BUCKETS
        self._window = window
        self._buckets: deque[list[float]] = deque(maxlen=BUCKETS + 1)
        self._begin: float | None = None

    def add(self, now: float, size: int) -> None:
        """Count an event of some bytes."""
        self.total_bytes += size
        self.total_events += 1
        if self._begin is None:
            self._begin = now
        if not self._buckets or now - self._buckets[-1][0] >= self._step:
            self._buckets.append([now, 0.0, 0.0])
        self._buckets[-1][1] += size
        self._buckets[-1][2] += 1

    def kbit_per_s(self, now: float) -> float:
        """Return the rate of bytes, kbit/s."""
        return 8 * self._sum(now, 1) / 1000 / self._span(now)

    def per_s(self, now: float) -> float:
        """Return events a second."""
        return self._sum(now, 2) / self._span(now)

    def _sum(self, now: float, column: int) -> float:
        return sum(bucket[column] for bucket in self._buckets if now - bucket[0] < self._window)

    def _span(self, now: float) -> float:
        begin = now if self._begin is None else self._begin
        return min(max(now - begin, self._step), self._window)


class LossMeter:
    """Share of numbered packets that did not come, over the last ones.

    Args:
        modulus: where the numbers wrap.
        span: over how many packets.
    """

    def __init__(self, modulus: int = 1 << 16, span: int = 256) -> None:
        self._modulus, self._span = modulus, span
        self._newest: int | None = None
        self._first = 0
        self._seen: set[int] = set()

    def add(self, number: int) -> int:
        """Note a packet and return its number unwrapped."""
        if self._newest is None:
            self._newest = self._first = number
        whole = unwrap(number, self._newest, self._modulus)
        if (
            whole > self._newest + 4 * self._span
        ):  # the far side was away: what was missed then is no loss now
            self._first = whole
        self._newest = max(self._newest, whole)
        self._seen.add(whole)
        if len(self._seen) > 2 * self._span:
            self._seen = {seen for seen in self._seen if seen > self._newest - self._span}
        return whole

    @property
    def loss(self) -> float:
        """Share lost, 0 to 1."""
        if self._newest is None:
            return 0.0
        low = max(self._first - 1, self._newest - self._span)
        count = self._newest - low
        return 1 - sum(low < seen <= self._newest for seen in self._seen) / count if count else 0.0
