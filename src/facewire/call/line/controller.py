"""Which step to send with: down as soon as the line is full, up carefully, protected as much as is lost.

    reports of the other side -> Controller -> step, protection, pace for photos, why

A line is full when packets begin to wait; then the step is taken that fits what came through. Losses alone are no
sign of that: radio loses packets on empty lines too, and sending less would help nobody. They decide what is sent
twice, as far as that fits.
"""

from __future__ import annotations

import math
from collections import deque

from facewire.call.line.steps import (
    COPY_BIT_RATES,
    GUARD_BIT_RATE,
    GUARDED,
    NONE,
    RICH,
    STEPS,
    THIN,
    Protection,
    Step,
    fitting,
)
from facewire.transport.line_report import LineReport

FULL_WAIT, SOME_WAIT, CALM_WAIT = 0.12, 0.05, 0.04
"""Seconds of waiting: the line is full; it is if packets are lost as well; it is not."""
LONG_WAIT = 0.4
"""Seconds of waiting at which the thinnest step is taken at once, so that the queue runs dry soon."""
FULL_LOSS = 0.08
"""Share lost that makes some waiting a full line: its queue is short."""
DEAD_LOSS = 0.6
"""Share lost at which less is sent whatever the reason."""
SHARE = 0.85
"""Of what came through a full line that is used from then on."""
FIRST_HOLD, BEYOND_HOLD, LONGEST_HOLD = 4.0, 20.0, 120.0
"""Seconds of calm before a step up, and before one to more than the line carried; after one that failed twice as
many."""
PROBATION, TRIED_WAIT = 8.0, 0.06
"""Seconds within which a step up can fail, and seconds of waiting at which it has failed."""
TREND_SECONDS, DRAINED = 0.6, 0.03
"""A queue that became shorter by so many seconds of waiting within this time needs no further step down."""
SETTLE = 1.0
"""Seconds, and a round trip, until a step shows in the reports."""
SILENCE = 2.0
"""Seconds without a report after which the line counts as full."""
THIN_LINE = 16.0
"""kbit/s that a line is taken for whose user wants thin mode."""
FACES_FROM, SOUND_FROM, CLEAR_FROM = 0.008, 0.02, 0.08
"""Shares lost from which faces and sound are sent twice, and the copies of sound as clearly as the line allows."""
GUARD_FROM, GUARD_UNTIL = 0.08, 0.03
"""Shares lost at which the thin step begins to leave out faces for copies of sound, and ceases to."""
BACK_SECONDS = 20.0
"""For so long copies stay as far back as losses once asked for: each change moves the playout delay."""
LONGEST_BACK_MS, LONGEST_BACK = 360, 4
"""How much earlier the sound of a copy may be, and how many long packets at least: it delays everything by that."""


class Controller:
    """Chooses for one direction; time is handed in.

    Args:
        thin: thin mode is wanted on this side.
    """

    def __init__(self, *, thin: bool = False) -> None:
        self.place = RICH
        """In STEPS."""
        self.protection = NONE
        self.reason = ""
        """Why the step is not the richest, for people."""
        self.wait = 0.0
        """As last reported, seconds."""
        self._carries = math.inf
        self._own = self._theirs = False
        self._changed = self._heard = self._rose = -math.inf
        self._hold = FIRST_HOLD
        self._loss = 0.0
        self._runs: deque[tuple[float, float]] = deque()
        """When a longer length of losses was reported than before, and that length, seconds."""
        self._waits: deque[tuple[float, float]] = deque()
        self.want(thin)

    @property
    def step(self) -> Step:
        """The step to send with."""
        guarded = self.place == THIN and self.protection.sound == GUARD_BIT_RATE
        return GUARDED if guarded else STEPS[self.place]

    @property
    def limit(self) -> float:
        """kbit/s that the line carries as far as is known; infinite while it was never full."""
        return min(self._carries, THIN_LINE) if self._thin else self._carries

    @property
    def wants_thin(self) -> bool:
        """True if this side wants thin mode."""
        return self._own

    @property
    def media_kbit_per_s(self) -> float:
        """What step and protection take."""
        return self.step.kbit_per_s(self.protection)

    @property
    def spare_kbit_per_s(self) -> float:
        """What photos may take beside sound and face; infinite on a line that was never full."""
        if self.wait > FULL_WAIT:
            return 0.0
        return max(0.0, SHARE * self.limit - self.media_kbit_per_s)

    def want(self, thin: bool) -> None:
        """Note whether this side wants thin mode."""
        self._own = thin
        self._by_hand()

    def want_theirs(self, thin: bool) -> None:
        """Note whether the other side wants thin mode."""
        if thin != self._theirs:
            self._theirs = thin
            self._by_hand()

    def expect(self, kbit_per_s: float, now: float) -> None:
        """Note what the line carries before anything but a photo went over it; the first step is chosen by that."""
        if kbit_per_s == math.inf:
            return
        self._carries = kbit_per_s
        self._hold = FIRST_HOLD / 2
        self._go(
            max(self.place, fitting(SHARE * kbit_per_s)), now, f"the line carries {kbit_per_s:.0f} kbit/s"
        )

    def hear(self, report: LineReport, round_trip: float, now: float) -> None:
        """Take a report of the other side.

        Args:
            report: on what this side sends.
            round_trip: seconds.
            now: seconds.
        """
        self._heard, self.wait = now, report.wait
        self._loss = report.loss
        self._note_run(report.run, now)
        self.want_theirs(report.thin)
        settled = now - self._changed > SETTLE + round_trip
        tried = now - self._rose < PROBATION
        full = report.wait > (TRIED_WAIT if tried else FULL_WAIT)
        full = full or (report.wait > SOME_WAIT and report.loss > FULL_LOSS)
        drains = self._drains(report.wait, now)
        urgent = report.wait > LONG_WAIT and self.place < THIN
        if (full or report.loss > DEAD_LOSS) and (settled or tried or urgent) and not drains:
            self._fall(report, now)
        elif settled and report.wait < CALM_WAIT and now - self._changed > self._patience:
            self._rise(now)
        self._protect()

    def pass_time(self, now: float) -> None:
        """Note that time passed; without reports the line counts as full."""
        if self._heard > -math.inf and now - max(self._heard, self._changed) > SILENCE and self.place < THIN:
            self._go(THIN, now, "nothing is heard of the line")

    @property
    def _thin(self) -> bool:
        return self._own or self._theirs

    def _drains(self, wait: float, now: float) -> bool:
        """Note a waiting time and say whether it is falling."""
        self._waits.append((now, wait))
        while self._waits[0][0] < now - TREND_SECONDS:
            self._waits.popleft()
        return wait < self._waits[0][1] - DRAINED

    @property
    def _patience(self) -> float:
        """Seconds of calm before the next step up."""
        beyond = self.place > RICH and STEPS[self.place - 1].kbit_per_s(self.protection) > self.limit
        return min(LONGEST_HOLD, self._hold * BEYOND_HOLD / FIRST_HOLD) if beyond else self._hold

    def _by_hand(self) -> None:
        if self._thin:
            self.place = THIN
            self.reason = "thin mode was chosen" + ("" if self._own else " by the other side")
        else:
            self._hold = FIRST_HOLD

    def _fall(self, report: LineReport, now: float) -> None:
        lost = report.wait <= SOME_WAIT
        if lost and self.place == THIN:  # less cannot be sent, and what came says nothing of the line
            return
        if now - self._rose < PROBATION:
            self._hold = min(LONGEST_HOLD, 2 * self._hold)
        self._rose = -math.inf
        self._carries = min(report.kbit_per_s, 4 * STEPS[RICH].kbit_per_s())
        place = max(min(self.place + 1, THIN), fitting(SHARE * self.limit, self.protection))
        place = THIN if report.wait > LONG_WAIT else place
        why = f"{100 * report.loss:.0f} % are lost" if lost else f"packets wait {1000 * report.wait:.0f} ms"
        self._go(place, now, why)

    def _rise(self, now: float) -> None:
        if now - self._rose > PROBATION and self._rose > -math.inf:
            self._hold = max(FIRST_HOLD, self._hold / 2)
        if self._thin:
            if self._carries < math.inf:
                self._carries, self._rose, self._changed = math.inf, now, now
            return
        if self.place == RICH:
            self._carries, self.reason = math.inf, ""
            return
        self._carries = max(self._carries, self.media_kbit_per_s / SHARE)
        self._rose = now
        self._go(self.place - 1, now, "" if self.place == RICH + 1 else "the line is being tried")

    def _go(self, place: int, now: float, why: str) -> None:
        self._changed = now
        if not self._thin:
            self.place, self.reason = place, "" if place == RICH else why

    def _protect(self) -> None:
        """Choose what is sent twice: by the loss, and so that it fits the line."""
        guarded, self.protection = self.step is GUARDED, NONE
        if self.wait > LONG_WAIT:  # whatever goes twice makes the queue longer
            return
        faces = self._loss >= FACES_FROM
        sound = (
            Protection(faces, rate, self._back) for rate in self._copy_rates() if self._loss >= SOUND_FROM
        )
        fits = (one for one in sound if self.step.kbit_per_s(one) <= self._room)
        self.protection = next(fits, Protection(faces, 0, self._back))
        if self.place == THIN and self._loss >= (GUARD_UNTIL if guarded else GUARD_FROM):
            guard = Protection(False, GUARD_BIT_RATE, self._back)
            if GUARDED.kbit_per_s(guard) <= self._room:
                self.protection = guard

    @property
    def _room(self) -> float:
        """kbit/s that step and protection may take; a line that was never full is not known to carry less."""
        if self._carries < math.inf:
            return SHARE * self.limit
        return THIN_LINE if self._thin else math.inf

    def _copy_rates(self) -> list[int]:
        """Return how clear copies of sound may be, best first; where little is lost the plainest will do."""
        rates = [rate for rate in COPY_BIT_RATES if rate <= self.step.sound_bit_rate]
        return rates if self._loss >= CLEAR_FROM else rates[-1:]

    @property
    def _back(self) -> int:
        """How many packets earlier a copy is: losses in a row are twice as long as on average now and then."""
        packet = self.step.packet_ms
        run = self._runs[0][1] if self._runs else 0.0
        return max(1, min(round(2000 * run / packet) - 1, max(LONGEST_BACK, LONGEST_BACK_MS // packet)))

    def _note_run(self, run: float, now: float) -> None:
        """Keep how long losses lasted lately, the longest first."""
        while self._runs and self._runs[-1][1] <= run:
            self._runs.pop()
        self._runs.append((now, run))
        while self._runs[0][0] < now - BACK_SECONDS:
            self._runs.popleft()
