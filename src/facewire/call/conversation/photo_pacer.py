"""The pieces of a photo that is on its way, cut and let go at a pace that leaves the line to sound and face."""

from __future__ import annotations

import math

from facewire.transport.overhead import acknowledgement_bytes, channel_bytes
from facewire.transport.pieces import HEAD_BYTES, PIECE_BYTES, piece

PIECE_SECONDS = 0.15
"""Longest that a piece may keep the line busy, so that sound waits no longer."""
LEAST_PIECE = 64
"""Bytes."""
LEAST_KBIT_PER_S = 0.5
"""For a line that has nothing to spare: a photo comes through one day."""


class PhotoPacer:
    """One photo at a time; a new one replaces what is left of the one before."""

    def __init__(self) -> None:
        self._epoch, self._data, self._offset = 0, b"", 0
        self._allowance, self._at = 0.0, -math.inf

    @property
    def busy(self) -> bool:
        """True while pieces are left."""
        return self._offset < len(self._data)

    def begin(self, epoch: int, data: bytes, now: float) -> None:
        """Take the photo of an epoch."""
        self._epoch, self._data, self._offset = epoch, data, 0
        self._allowance, self._at = 0.0, now

    def take(self, now: float, spare_kbit_per_s: float, line_kbit_per_s: float) -> list[bytes]:
        """Return the pieces to send now.

        Args:
            now: seconds.
            spare_kbit_per_s: what photos may take; infinite: everything goes at once.
            line_kbit_per_s: what the line carries in all.
        """
        out: list[bytes] = []
        if spare_kbit_per_s == math.inf:
            while self.busy:
                out.append(self._cut(PIECE_BYTES))
            return out
        bytes_a_second = 125 * max(LEAST_KBIT_PER_S, spare_kbit_per_s)
        self._allowance += (now - self._at) * bytes_a_second
        self._at = now
        count = _piece_bytes(line_kbit_per_s)
        cost = channel_bytes(HEAD_BYTES + count) + acknowledgement_bytes()  # those of the other side's photo
        while self.busy and self._allowance >= cost:
            self._allowance -= cost
            out.append(self._cut(count))
        self._allowance = min(self._allowance, cost)
        return out

    def _cut(self, count: int) -> bytes:
        out = piece(self._epoch, self._data, self._offset, count)
        self._offset += count
        return out


def _piece_bytes(line_kbit_per_s: float) -> int:
    """Return the bytes of a photo in a message that keeps the line busy for PIECE_SECONDS."""
    whole = min(line_kbit_per_s, 1e6) * 125 * PIECE_SECONDS
    return round(min(max(whole - channel_bytes(HEAD_BYTES), LEAST_PIECE), PIECE_BYTES))
