"""Events in virtual time, and a reliable channel over a modelled link."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from facewire.transport.link import Link
from facewire.transport.overhead import channel_bytes

RESEND_SECONDS = 0.25
RELIABLE_WINDOW = 8
"""Messages under way at once on the reliable channel."""


class Timeline:
    """Events in virtual time."""

    def __init__(self) -> None:
        self.now = 0.0
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, when: float, what: Callable[[], None]) -> None:
        """Let something happen at a time, not before now."""
        self._count += 1
        heapq.heappush(self._queue, (max(when, self.now), self._count, what))

    def run(self, until: float) -> None:
        """Let everything happen up to a time."""
        while self._queue and self._queue[0][0] <= until:
            self.now, _, what = heapq.heappop(self._queue)
            what()
        self.now = until


class ReliablePipe:
    """The reliable, ordered channel over a lossy link: messages are sent again until they are through."""

    def __init__(self, line: Timeline, link: Link, deliver: Callable[[str | bytes], None]) -> None:
        self.bytes = 0
        self._line, self._link, self._deliver = line, link, deliver
        self._arrivals: list[float] = []
        self._last = 0.0
        self.closed = False

    def send(self, message: str | bytes) -> None:
        """Send a message."""
        size = channel_bytes(len(message))
        self.bytes += size
        free = self._arrivals[-RELIABLE_WINDOW] if len(self._arrivals) >= RELIABLE_WINDOW else 0.0
        at = max(self._line.now, free)
        arrival = self._link.send(at, size)
        while arrival is None:
            at += RESEND_SECONDS
            arrival = self._link.send(at, size)
        self._last = max(self._last, arrival)
        self._arrivals = [*self._arrivals[-RELIABLE_WINDOW:], self._last]
        self._line.at(self._last, lambda: None if self.closed else self._deliver(message))
