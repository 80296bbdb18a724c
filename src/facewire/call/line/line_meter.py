"""What comes over the line, measured where it arrives: losses, how long they last, waiting in queues, rate.

    sound packets with their media time, everything else with its size -> LineMeter -> LineReport

Waiting is told from distance without clocks that agree: it is by how much a packet came later than the quickest of
the last 30 s. Of the newest few packets the quickest counts, so that jitter is not taken for a queue.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import pairwise

from facewire.transport.line_report import LineReport
from facewire.transport.meter import RateMeter

RATE = 48_000
UNIT = 960
"""Samples in which losses are counted: 20 ms."""
WINDOW = 250
"""Units over which losses are counted: 5 s."""
AWAY = 1_000
"""Units after which the other side was away and not lost."""
NEWEST = 4
"""Packets of which the quickest says what waiting there is."""
BASELINE_SECONDS = 30
RATE_SECONDS = 1.0
BURST_SECONDS = 0.05
"""A photo that came within this came too fast for its rate to be told."""


class LineMeter:
    """Measures one direction; time is handed in."""

    def __init__(self) -> None:
        self._newest: int | None = None
        self._came = 0
        """Bit i: the unit i before the newest came."""
        self._valid = 0
        self._late: deque[float] = deque(maxlen=NEWEST)
        self._quickest: deque[tuple[int, float]] = deque()
        """Second and the quickest packet of it."""
        self._rate = RateMeter(RATE_SECONDS)
        self._photo: list[tuple[float, int]] | None = None
        """When the head and the pieces of the first photo came, and their bytes."""
        self._timed = False
        self.photo_kbit_per_s = math.inf
        """How fast the first pieces of a photo came, which were sent at once: what the line carries."""

    def sound_came(self, start: int, samples: int, now: float) -> None:
        """Note a sound packet of media time `start`; both multiples of UNIT."""
        first, count = start // UNIT, samples // UNIT
        end = first + count - 1
        if self._newest is None or end - self._newest > AWAY:
            self._newest, self._came, self._valid = first - 1, 0, 0
        ahead = end - self._newest
        if ahead > 0:
            self._newest, self._came = end, self._came << ahead
            self._valid = min(WINDOW, self._valid + ahead)
        self._came |= (1 << count) - 1 << self._newest - end
        self._came &= (1 << self._valid) - 1
        self._waited(now - (start + samples) / RATE, now)

    def came(self, start: int) -> bool:
        """Say whether the sound of media time `start`, of the last 5 s, came."""
        back = -1 if self._newest is None else self._newest - start // UNIT
        return back >= 0 and bool(self._came >> back & 1)

    def bytes_came(self, size: int, now: float) -> None:
        """Note the bytes of anything that came, headers included."""
        self._rate.add(now, size)

    def photo_begins(self, now: float) -> None:
        """Note that a photo was announced; the pieces of the first follow at once."""
        self._photo = None if self._timed else [(now, 0)]

    def photo_piece(self, size: int, now: float) -> None:
        """Note a piece of that photo, headers included; the first photo's rate is kept."""
        if self._photo is None:
            return
        self._photo.append((now, size))
        gaps = sorted((after[0] - before[0], after[1]) for before, after in pairwise(self._photo))
        usual = gaps[:-1] or gaps  # the longest may be the wait for a piece that was lost and sent again
        seconds = sum(gap for gap, _ in usual)
        if seconds > BURST_SECONDS:
            self.photo_kbit_per_s = 8 * sum(count for _, count in usual) / seconds / 1000

    def photo_ends(self) -> bool:
        """Note that the photo is whole, and say whether its rate is new; later ones are paced and say nothing."""
        first, self._photo = self._photo is not None and not self._timed, None
        self._timed = True
        return first

    @property
    def wait(self) -> float:
        """Seconds that packets wait now."""
        quickest = min((late for _, late in self._quickest), default=0.0)
        return min(self._late) - quickest if self._late else 0.0

    @property
    def loss(self) -> float:
        """Share of sound lost in the last 5 s, 0 to 1."""
        return 1 - self._came.bit_count() / self._valid if self._valid else 0.0

    def report(self, now: float, *, thin: bool = False) -> LineReport:
        """Return what to tell the other side; `thin` if this side wants thin mode."""
        gaps = [len(gap) for gap in format(self._came, f"0{max(1, self._valid)}b").split("1") if gap]
        return LineReport(
            loss=self.loss,
            run=UNIT / RATE * sum(gaps) / len(gaps) if self._valid and gaps else 0.0,
            wait=self.wait,
            kbit_per_s=self._rate.kbit_per_s(now) if self._valid else self.photo_kbit_per_s,
            thin=thin,
        )

    def _waited(self, late: float, now: float) -> None:
        self._late.append(late)
        second = int(now)
        if self._quickest and self._quickest[-1][0] == second:
            self._quickest[-1] = second, min(late, self._quickest[-1][1])
        else:
            self._quickest.append((second, late))
        while self._quickest[0][0] <= second - BASELINE_SECONDS:
            self._quickest.popleft()
