"""What a receiver says of the line to it (docs/call.md section 10), 4 bytes.

u8  share of sound that did not come in the last 5 s, of 255
u8  bits 0 to 6: how long losses last on average, units of 20 ms   bit 7: thin mode is wanted
u8  how much longer packets take now than the quickest lately, units of 8 ms
u8  what came in the last second, headers included, units of 0.5 kbit/s; 255: more, or not known

A report that goes alone may say one thing more, in version 2 of its message: how many pictures a second its sender
draws.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from facewire.base.errors import CorruptPacket

REPORT_BYTES = 4
RUN_MS, WAIT_MS, RATE_UNIT = 20, 8, 0.5
LINE_MARK = 0x4C
"""First byte of a report that goes alone, on the channel that may lose."""
LINE_VERSION, DRAWS_VERSION = 1, 2
_THIN = 0x80


@dataclass(frozen=True, slots=True)
class LineReport:
    """One report.

    loss         share lost, 0 to 1
    run          seconds that losses last on average
    wait         seconds that packets wait in queues
    kbit_per_s   what came; infinite if that is not known
    thin         the sender of the report wants thin mode
    draws        pictures a second that its networks draw, None if that is not known; said in reports that go alone
    """

    loss: float = 0.0
    run: float = 0.0
    wait: float = 0.0
    kbit_per_s: float = math.inf
    thin: bool = False
    draws: int | None = None

    def to_bytes(self) -> bytes:
        """Return the 4 bytes; what does not fit is cut to what does."""
        rate = self.kbit_per_s / RATE_UNIT
        return bytes(
            (
                round(255 * min(max(self.loss, 0.0), 1.0)),
                _units(self.run, RUN_MS, 127) | (_THIN if self.thin else 0),
                _units(self.wait, WAIT_MS, 255),
                255 if rate >= 255 else max(0, round(rate)),
            )
        )

    @classmethod
    def parse(cls, data: bytes) -> LineReport:
        """Return the report of 4 bytes.

        Raises:
            CorruptPacket: they are not 4.
        """
        if len(data) != REPORT_BYTES:
            raise CorruptPacket(0, f"a report on the line of {len(data)} bytes")
        loss, run, wait, rate = data
        return cls(
            loss / 255,
            (run & ~_THIN) * RUN_MS / 1000,
            wait * WAIT_MS / 1000,
            math.inf if rate == 255 else rate * RATE_UNIT,
            bool(run & _THIN),
        )

    def alone(self) -> bytes:
        """Return the message that carries it on the channel that may lose: mark, version, report, what is drawn."""
        if self.draws is None:
            return bytes((LINE_MARK, LINE_VERSION)) + self.to_bytes()
        return bytes((LINE_MARK, DRAWS_VERSION)) + self.to_bytes() + bytes((min(max(self.draws, 0), 255),))

    @classmethod
    def parse_alone(cls, message: bytes) -> LineReport:
        """Return the report of such a message; later versions may append to it.

        Raises:
            CorruptPacket: it is none.
        """
        if len(message) < 2 + REPORT_BYTES or message[0] != LINE_MARK or message[1] < LINE_VERSION:
            raise CorruptPacket(0, "no report on the line")
        report, more = cls.parse(message[2 : 2 + REPORT_BYTES]), message[2 + REPORT_BYTES :]
        return replace(report, draws=more[0]) if message[1] >= DRAWS_VERSION and more else report


def _units(seconds: float, unit_ms: int, most: int) -> int:
    return min(most, max(0, round(1000 * seconds / unit_ms)))
