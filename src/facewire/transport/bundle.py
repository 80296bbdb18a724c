"""What stands in a trailer when more than two faces, a report or a copy of sound go along (docs/call.md section 10).

u8   as in version 0, but bit 3 report follows, bit 6 a copy of earlier sound stands at the end, bit 7 version, 1
u16  if acknowledged, as in version 0
4 x u8  if a report, see line_report.py
u8   bits 0 to 2: number of faces   bit 3: frames are left out; the receiver draws those between
u8, u8, ...  for each: its age (units of 4 ms), its length (1 to 255), its packet
u8, ...  if a copy: how much before the sound beside it that of the copy begins (units of 20 ms), an Opus packet

A face may build on one that stands before it in the same message.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from facewire.base.errors import CorruptPacket, TruncatedStream, UnsupportedVersion
from facewire.transport.face_message import (
    LONGEST_HELD,
    NUMBERS,
    OLDEST,
    PAUSED,
    SYNTHESIS,
    VIDEO,
    Acknowledgement,
    FaceMessage,
)
from facewire.transport.line_report import REPORT_BYTES, LineReport

MOST_FACES = 7
LONGEST_BACK = 255
"""Units of 20 ms."""
BACK_SAMPLES = 960

_SYNTHESISED, _AVATAR, _ACK, _REPORT, _COPY, _VERSION = 1, 2, 4, 8, 64, 128
_THINNED = 8


@dataclass(frozen=True, slots=True)
class Bundle:
    """One trailer, of either version.

    mode    SYNTHESIS, VIDEO or PAUSED
    avatar  True if the face shown need not be that of the person who moves it
    ack     what the sender of this message has received, or None
    faces   age (units of 4 ms) and packet of each, in the order in which they are decoded, at most 7
    report  on the line to the sender of this message, or None
    copy    how much earlier its sound begins (units of 20 ms), and an Opus packet; or None
    thinned frames are left out
    """

    mode: int = SYNTHESIS
    avatar: bool = False
    ack: Acknowledgement | None = None
    faces: tuple[tuple[int, bytes], ...] = ()
    report: LineReport | None = None
    copy: tuple[int, bytes] | None = None
    thinned: bool = False

    def to_bytes(self) -> bytes:
        """Return the bytes of the wire: version 0 where it can say the same."""
        if len(self.faces) <= 2 and self.report is None and self.copy is None and not self.thinned:
            return self._version_0().to_bytes()
        flags = _SYNTHESISED | self.mode << 4 | _VERSION | (_AVATAR if self.avatar else 0)
        flags |= (_ACK if self.ack else 0) | (_REPORT if self.report else 0) | (_COPY if self.copy else 0)
        out = bytearray((flags,))
        if self.ack:
            out += struct.pack("<H", self.ack.number % NUMBERS | min(self.ack.held, LONGEST_HELD) << 9)
        if self.report:
            out += self.report.to_bytes()
        out.append(len(self.faces) | (_THINNED if self.thinned else 0))
        for age, packet in self.faces:
            out += bytes((_age(age), len(packet))) + packet
        if self.copy:
            out += bytes((self.copy[0],)) + self.copy[1]
        return bytes(out)

    @classmethod
    def parse(cls, data: bytes) -> Bundle:
        """Return the message of some bytes, of either version.

        Raises:
            TruncatedStream, CorruptPacket, UnsupportedVersion: it is none.
        """
        if not data or not data[0] & _VERSION:
            return cls._of_version_0(FaceMessage.parse(data))
        flags, mode = data[0], data[0] >> 4 & 3
        if not flags & _SYNTHESISED:
            raise CorruptPacket(0, "not marked as synthesised media")
        if mode not in (SYNTHESIS, VIDEO, PAUSED):
            raise CorruptPacket(0, f"mode {mode} is unknown")
        rest = _Rest(data, 1)
        ack = report = copy = None
        if flags & _ACK:
            word = int.from_bytes(rest.take(2), "little")
            ack = Acknowledgement(word % NUMBERS, word >> 9)
        if flags & _REPORT:
            report = LineReport.parse(rest.take(REPORT_BYTES))
        count = rest.take(1)[0]
        if count > (MOST_FACES | _THINNED):
            raise UnsupportedVersion(rest.at - 1, "marks that are unknown")
        faces = tuple(rest.entry() for _ in range(count & MOST_FACES))
        if flags & _COPY:
            back = rest.take(1)[0]
            copy = back, rest.take(len(data) - rest.at)
            if not back or not copy[1]:
                raise CorruptPacket(rest.at, "a copy of sound that is none")
        if rest.at != len(data):
            raise CorruptPacket(rest.at, "bytes after the end of a message")
        return cls(mode, bool(flags & _AVATAR), ack, faces, report, copy, bool(count & _THINNED))

    def _version_0(self) -> FaceMessage:
        if not self.faces:
            return FaceMessage(self.mode, self.avatar, self.ack)
        earlier = self.faces[0] if len(self.faces) == 2 else None
        return FaceMessage(self.mode, self.avatar, self.ack, *self.faces[-1], earlier)

    @classmethod
    def _of_version_0(cls, message: FaceMessage) -> Bundle:
        faces = ((message.age, message.face),) if message.face else ()
        earlier = (message.earlier,) if message.earlier else ()
        return cls(message.mode, message.avatar, message.ack, (*earlier, *faces))


class _Rest:
    """Bytes that are taken from the front."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self.at = data, at

    def take(self, count: int) -> bytes:
        """Return the next bytes.

        Raises:
            TruncatedStream: there are not so many.
        """
        if self.at + count > len(self._data):
            raise TruncatedStream(len(self._data))
        self.at += count
        return self._data[self.at - count : self.at]

    def entry(self) -> tuple[int, bytes]:
        """Return the next face: its age and its packet."""
        age, length = self.take(2)
        if not length:
            raise CorruptPacket(self.at - 1, "a face without bytes")
        return age, self.take(length)


def _age(age: int) -> int:
    return min(max(age, 0), OLDEST)
