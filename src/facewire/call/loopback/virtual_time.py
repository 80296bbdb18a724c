"""Events in virtual time, and a reliable channel over a modelled link."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable

from facewire.transport.link import Link
from facewire.transport.overhead import acknowledgement_bytes, channel_bytes

RESEND_SECONDS = 1.0
"""SCTP's shortest (RFC 9260, 16)."""
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
    """The reliable, ordered channel over a lossy link: messages are sent again until they are through.

    Args:
        line: the time.
        link: the way there.
        back: the way back, which carries the confirmations.
        deliver: takes what came, in order.
    """

    def __init__(
        self, line: Timeline, link: Link, back: Link, deliver: Callable[[str | bytes], None]
    ) -> None:
        self.bytes = 0
        self.closed = False
        self._line, self._link, self._back, self._deliver = line, link, back, deliver
        self._waiting: deque[tuple[int, str | bytes]] = deque()
        self._came: dict[int, str | bytes] = {}
        self._sent = self._delivered = self._under_way = 0

    def send(self, message: str | bytes) -> None:
        """Send a message."""
        self._waiting.append((self._sent, message))
        self._sent += 1
        self._go_on()

    def _go_on(self) -> None:
        while self._waiting and self._under_way < RELIABLE_WINDOW:
            self._under_way += 1
            self._transmit(*self._waiting.popleft())

    def _transmit(self, number: int, message: str | bytes) -> None:
        if self.closed:
            return
        size = channel_bytes(len(message))
        self.bytes += size
        arrival = self._link.send(self._line.now, size)
        if arrival is None:
            self._line.at(self._line.now + RESEND_SECONDS, lambda: self._transmit(number, message))
        else:
            self._line.at(arrival, lambda: self._arrived(number, message))

    def _arrived(self, number: int, message: str | bytes) -> None:
        self._came[number] = message
        confirmed = self._back.send(self._line.now, acknowledgement_bytes())
        self._line.at(self._line.now + RESEND_SECONDS if confirmed is None else confirmed, self._confirmed)
        while not self.closed and self._delivered in self._came:
            self._delivered += 1
            self._deliver(self._came.pop(self._delivered - 1))

    def _confirmed(self) -> None:
        self._under_way -= 1
        if not self.closed:
            self._go_on()
