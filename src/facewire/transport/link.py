"""A model of a bad network, seeded: what a packet meets on its way, decided by arithmetic alone.

    send time, bytes -> queue of the bottleneck -> lost? -> delay + jitter -> arrival time

Loss follows Gilbert and Elliott's two states: packets are lost in the bad one, and the mean stay there is the mean
length of a burst. With bursts of 1 losses are independent. Jitter is exponential and keeps order, as queues do;
a reordered packet alone is held back and overtaken.

Sources: Gilbert, Capacity of a burst-noise channel (1960); Elliott, Estimates of error rates for codes on
burst-noise channels (1963).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, fields
from typing import Protocol

from facewire.base.errors import ConfigError

_LIMITS = {
    "loss": (0.0, 0.9),
    "burst": (1.0, 1000.0),
    "longest_burst": (0, 1000),
    "delay_ms": (0.0, 10_000.0),
    "jitter_ms": (0.0, 1_000.0),
    "reorder": (0.0, 0.5),
    "rate_kbit_per_s": (0.0, 1e6),
    "queue_ms": (1.0, 10_000.0),
    "cut_start_s": (-1.0, 1e9),
    "cut_s": (0.0, 1e9),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkSettings:
    """One direction of a link."""

    loss: float = 0.0
    """Share of packets lost on average, 0 to 0.9."""
    burst: float = 1.0
    """Mean number of packets lost in a row; with 1 losses are independent."""
    longest_burst: int = 0
    """After so many packets lost in a row one comes, so bursts are shorter on average; 0: no limit."""
    delay_ms: float = 0.0
    """That every packet takes."""
    jitter_ms: float = 0.0
    """Mean of what is added to it at random."""
    reorder: float = 0.0
    """Share of packets that are held back until some later one has passed, 0 to 0.5."""
    rate_kbit_per_s: float = 0.0
    """Of the bottleneck; 0 means none."""
    queue_ms: float = 300.0
    """The longest that a packet waits before the bottleneck; beyond it is dropped."""
    cut_start_s: float = -1.0
    """When the link goes dead altogether; below 0 never."""
    cut_s: float = 0.0
    """For how long."""

    def __post_init__(self) -> None:
        for field in fields(self):
            low, high = _LIMITS[field.name]
            if not low <= getattr(self, field.name) <= high:
                raise ConfigError(field.name, getattr(self, field.name), f"{low:g} to {high:g}")


class Shape(Protocol):
    """A link that changes with time."""

    def at(self, now: float) -> LinkSettings:
        """Return what it is like at a time, seconds."""


class Link:
    """One direction; the same seed and the same packets give the same fate.

    Args:
        settings: what the link is like, always or at any time.
        seed: of everything random.
    """

    HOLD_MS = 45.0
    """How much later a reordered packet comes: beyond the next packet 40 ms behind it."""

    def __init__(self, settings: LinkSettings | Shape, seed: int) -> None:
        self._shape = settings
        self.sent = self.lost = self.longest_run = self.bytes = 0
        """Packets sent; of them lost; the most that were lost in a row, cuts aside; bytes sent."""
        self._run = self._burst = 0
        self._random = random.Random(seed)
        self._bad = False
        self._free = 0.0
        self._last = 0.0

    def at(self, now: float) -> LinkSettings:
        """Return what the link is like at a time."""
        return self._shape if isinstance(self._shape, LinkSettings) else self._shape.at(now)

    def send(self, now: float, size: int) -> float | None:
        """Return when a packet arrives, in seconds, or None if it never does.

        Args:
            now: when it is sent, seconds; never decreasing.
            size: bytes on the wire, headers included.
        """
        self.sent += 1
        self.bytes += size
        arrival = self._arrival(now, size)
        if arrival is None:
            self.lost += 1
        self._run = self._run + 1 if arrival is None and not self.cut(now) else 0
        self.longest_run = max(self.longest_run, self._run)
        return arrival

    def cut(self, now: float) -> bool:
        """Say whether the link is dead at a time."""
        settings = self.at(now)
        begin = settings.cut_start_s
        return begin >= 0 and begin <= now < begin + settings.cut_s

    def _arrival(self, now: float, size: int) -> float | None:
        # The random numbers are drawn in the same order whatever happens, so one setting does not move the others.
        state, jitter, overtaken = self._random.random(), self._random.expovariate(1.0), self._random.random()
        settings = self.at(now)
        lost = self._is_lost(settings, state)
        out = self._through_bottleneck(now, size)
        if lost or out is None or self.cut(now):
            return None
        arrival = out + (settings.delay_ms + jitter * settings.jitter_ms) / 1000
        if overtaken < settings.reorder:
            return arrival + self.HOLD_MS / 1000
        self._last = max(self._last, arrival)
        return self._last

    def _is_lost(self, settings: LinkSettings, state: float) -> bool:
        loss, burst = settings.loss, settings.burst
        if burst <= 1:
            return state < loss
        leave, most = 1 / burst, settings.longest_burst
        mean = burst * (1 - (1 - leave) ** most) if most else burst
        enter = loss / (1 - loss) / mean
        over = most and self._burst >= most
        self._bad = (state >= leave and not over) if self._bad else state < enter
        self._burst = self._burst + 1 if self._bad else 0
        return self._bad

    def _through_bottleneck(self, now: float, size: int) -> float | None:
        settings = self.at(now)
        rate = settings.rate_kbit_per_s
        if rate <= 0:
            return now
        begin = max(now, self._free)
        if begin - now > settings.queue_ms / 1000:
            return None
        self._free = begin + 8 * size / (1000 * rate)
        return self._free
