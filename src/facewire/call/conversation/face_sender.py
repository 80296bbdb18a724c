"""The sender's half of the face stream: motions in, packets of profile stream out, epochs in step with sources."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from facewire.bitstream.packet import FARTHEST
from facewire.codec.encoder import Choose, StreamEncoder
from facewire.codec.state import MotionFrame
from facewire.codec.sufficiency import adaptive
from facewire.codec.tables.artefact import CodecTables
from facewire.transport.face_message import LONGEST_HELD, NUMBERS, Acknowledgement
from facewire.transport.trailer import LONGEST_TRAILER
from facewire.transport.wrap import unwrap

MOST_FACE_BYTES = LONGEST_TRAILER - 6
"""Flags, acknowledgement, ages and a length stand in the same trailer."""


@dataclass(slots=True)
class Offer:
    """A source that the receiver does not hold yet: epoch, coded picture, the source's own motion, its anchor."""

    epoch: int
    picture: bytes
    motion: MotionFrame
    anchor: bytes


class FaceSender:
    """Codes one connection's face stream.

    A new source is offered first and used only when the receiver has confirmed it; until then frames go on with the
    source before. Nothing is coded before the first is confirmed.

    Args:
        tables: coding tables of the model.
    """

    def __init__(self, tables: CodecTables) -> None:
        self.tables = tables
        self.round_trip: float | None = None
        """Seconds, smoothed; None before the first acknowledgement."""
        self._encoder = StreamEncoder(tables)
        self._offer: Offer | None = None
        self._sent_at: dict[int, float] = {}

    @property
    def ready(self) -> bool:
        """True once the receiver holds a source."""
        return self._encoder.epoch >= 0

    @property
    def epoch(self) -> int:
        """Of the source in use; -1 before the first."""
        return self._encoder.epoch

    def offer(self, picture: bytes, motion: MotionFrame) -> Offer:
        """Return a new source with the bytes of its anchor; a second one replaces an unconfirmed one."""
        anchor = StreamEncoder(self.tables).source(motion)  # depends on the motion alone
        self._offer = Offer(self._encoder.epoch + 1, picture, motion, anchor)
        return self._offer

    def confirm(self, epoch: int) -> bool:
        """Note that the receiver holds the source of an epoch; say whether it is now in use."""
        if self._offer is None or epoch != self._offer.epoch:
            return False
        self._encoder.source(self._offer.motion)
        self._offer = None
        return True

    def encode(self, motion: MotionFrame, now: float, *, limit: float = 0.0, chained: bool = False) -> bytes:
        """Return the packet of the next frame, or b"" if it would not fit behind a sound packet.

        Args:
            motion: what to send.
            now: seconds.
            limit: pixels of a 256-pixel picture by which keypoints that are not sent may be off; 0: all are sent.
            chained: the frame before goes in the same message, and this one may build on it.
        """
        choose = _fewest(self.tables, limit) if limit else None
        packet = self._encoder.encode(motion, choose, chained=chained)
        self._sent_at[packet.number] = now
        self._sent_at.pop(packet.number - NUMBERS // 2, None)
        return packet.data if len(packet.data) <= MOST_FACE_BYTES else b""

    def acknowledge(self, ack: Acknowledgement, held: float, now: float) -> None:
        """Take an acknowledgement; `held` is how long the other side sat on it, seconds."""
        newest = self._encoder.number - 1
        if newest < 0:
            return
        number = unwrap(ack.number, newest, NUMBERS)
        sent = self._sent_at.pop(number, None)  # the same one is confirmed again while nothing newer comes
        if number > newest or sent is None:
            return
        if ack.held < LONGEST_HELD:
            measured = max(0.0, now - sent - held)
            before = self.round_trip
            self.round_trip = measured if before is None else 0.9 * before + 0.1 * measured
        if newest - number < FARTHEST:
            self._encoder.acknowledge(number)


@cache
def _fewest(tables: CodecTables, limit: float) -> Choose:
    """Return the rule for how many keypoints are sent; where they lie matters to turns only, which always are."""
    return adaptive(np.zeros((tables.keypoints, 3)), tables.columns, limit)
