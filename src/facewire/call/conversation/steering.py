"""One connection's line in both directions: what to say of what comes, and how to send what goes.

    packets that came -> LineMeter -> report, behind a sound packet or alone ------> the other side
    reports of the other side -> Controller -> step, protection, pace of photos

Until the other side has shown that it knows of reports it is an older one, and is sent the rich step without any.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from facewire.call.line.controller import SOME_WAIT, Controller
from facewire.call.line.line_meter import LineMeter
from facewire.call.line.steps import NONE, REPORT_SECONDS, RICH, STEPS, Protection, Step
from facewire.transport.line_report import LineReport

LATE_PACKETS = 12
"""Own packets of which the latest says how much of the waiting is this machine's and not the line's."""
ANNOUNCEMENTS, ANNOUNCE_SECONDS = 5, 0.5
"""How often a report goes alone while the other side has not been heard of, and every how many seconds."""
QUICK = 8
"""Pictures a second; a side that draws fewer says so."""
DRAWS_SECONDS, DRAWS_KEPT = 5.0, 12.0
"""Between two reports that say it, and how long one holds."""


class Steering:
    """Time is handed in.

    Args:
        thin: thin mode is wanted on this side.
    """

    def __init__(self, *, thin: bool) -> None:
        self.meter = LineMeter()
        self.controller = Controller(thin=thin)
        self.known = False
        """The other side knows of reports, packed faces and copies of sound."""
        self.draws: int | None = None
        """Pictures a second that this side draws; None if that is not known."""
        self._their_draws: tuple[int, float] | None = None
        self._announced, self._reported = 0, float("-inf")
        self._told_draws = float("-inf")
        self._heard_media = False
        self._late: deque[float] = deque((0.0,), LATE_PACKETS)

    @property
    def step(self) -> Step:
        """The step to send with."""
        return self.controller.step if self.known else STEPS[RICH]

    @property
    def protection(self) -> Protection:
        """What to send twice."""
        return self.controller.protection if self.known else NONE

    @property
    def reason(self) -> str:
        """Why the step is not the richest."""
        return self.controller.reason if self.known else ""

    def sent(self, late: float) -> None:
        """Note how late a sound packet left, seconds: a busy machine is no full line."""
        self._late.append(max(0.0, late))

    def announcement(self, now: float) -> bytes | None:
        """Return a report that goes alone, if one is due: the other side is not heard of yet, or this one slow."""
        if self.known and self.draws is not None and self.draws < QUICK:
            return self._slowness(now)
        if self.known or self._announced >= ANNOUNCEMENTS or now - self._reported < ANNOUNCE_SECONDS:
            return None
        self._announced += 1
        return self.alone(now)

    def alone(self, now: float) -> bytes:
        """Return a report that goes alone."""
        self._reported = now
        return self._report(now).alone()

    def _slowness(self, now: float) -> bytes | None:
        if now - self._told_draws < DRAWS_SECONDS:
            return None
        self._told_draws = now
        return replace(self._report(now), draws=self.draws).alone()

    def their_draws(self, now: float) -> int | None:
        """Return how many pictures a second the other side draws; None if it has not said so lately."""
        if self._their_draws is None or now - self._their_draws[1] > DRAWS_KEPT:
            return None
        return self._their_draws[0]

    def due(self, now: float) -> LineReport | None:
        """Return the report that goes behind the next sound packet: from time to time, and always on a full line."""
        if not self.known or (now - self._reported < REPORT_SECONDS and self.meter.wait < SOME_WAIT):
            return None
        self._reported = now
        return self._report(now)

    def hear_alone(self, message: bytes, now: float) -> bool:
        """Take a report that came alone; say whether it is the first sign of the other side.

        Raises:
            CorruptPacket: it is none.
        """
        report = LineReport.parse_alone(message)
        first, self.known = not self.known, True
        if report.draws is not None:
            self._their_draws = report.draws, now
        if not self._heard_media:
            self.controller.want_theirs(report.thin)
            self.controller.expect(report.kbit_per_s, now)
        return first

    def hear(self, report: LineReport, round_trip: float, now: float) -> None:
        """Take a report that came behind a sound packet."""
        self.known = self._heard_media = True
        self.controller.hear(self._without_own(report), round_trip, now)

    def _report(self, now: float) -> LineReport:
        return self._without_own(self.meter.report(now, thin=self.controller.wants_thin))

    def _without_own(self, report: LineReport) -> LineReport:
        """Return a report without the waiting that this machine causes itself, at either end."""
        return replace(report, wait=max(0.0, report.wait - max(self._late)))
