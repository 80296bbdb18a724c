"""What stands in a trailer: mode and marks, an acknowledgement, one face packet or two (docs/call.md section 4).

u8   bit 0 synthesised (always 1)   bit 1 avatar   bit 2 acknowledgement follows   bit 3 face follows
     bits 4, 5 mode: 0 synthesis, 1 ordinary video, 2 camera off, 3 never   bit 6 an earlier face too
     bit 7 version, 0
u16  if acknowledged: bits 0 to 8 frame number modulo 512, bits 9 to 15 how long ago it came, units of 4 ms
u8, u8, ...  if an earlier face: its age as below, its length, its packet
u8   if a face: how much older the picture is than the end of the sound in the same packet, units of 4 ms
...  the packet of profile stream (docs/bitstream.md section 7), to the end
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from facewire.base.errors import CorruptPacket, TruncatedStream, UnsupportedVersion

SYNTHESIS, VIDEO, PAUSED = 0, 1, 2
NUMBERS = 512
"""Frame numbers wrap here."""
UNIT_MS = 4
LONGEST_HELD = 127
"""Units that an acknowledgement can say."""
OLDEST = 255
"""Units that an age can say: 1.02 s."""

_SYNTHESISED, _AVATAR, _ACK, _FACE, _EARLIER = 1, 2, 4, 8, 64


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The newest face frame that was decoded: its number modulo 512, and how long ago it came, in 4 ms."""

    number: int
    held: int


@dataclass(frozen=True, slots=True)
class FaceMessage:
    """One trailer.

    mode      SYNTHESIS, VIDEO or PAUSED: what the sender's picture is now
    avatar    True if the face shown need not be that of the person who moves it
    ack       what the sender of this message has received, or None
    age       of the picture against the end of the sound beside it, units of 4 ms; 0 without a face
    face      a packet of profile stream, or b""
    earlier   age and packet of the frame before, if both became ready since the last message; only beside a face
    """

    mode: int = SYNTHESIS
    avatar: bool = False
    ack: Acknowledgement | None = None
    age: int = 0
    face: bytes = b""
    earlier: tuple[int, bytes] | None = None

    def to_bytes(self) -> bytes:
        """Return the bytes of the wire; always marked as synthesised media."""
        flags = _SYNTHESISED | self.mode << 4
        flags |= (_AVATAR if self.avatar else 0) | (_ACK if self.ack else 0) | (_FACE if self.face else 0)
        out = bytes((flags,))
        if self.ack:
            out += struct.pack("<H", self.ack.number % NUMBERS | min(self.ack.held, LONGEST_HELD) << 9)
        if self.face and self.earlier:
            age, packet = self.earlier
            out = (
                bytes((flags | _EARLIER,)) + out[1:] + bytes((min(max(age, 0), OLDEST), len(packet))) + packet
            )
        if self.face:
            out += bytes((min(max(self.age, 0), OLDEST),)) + self.face
        return out

    @classmethod
    def parse(cls, data: bytes) -> FaceMessage:
        """Return the message of some bytes.

        Raises:
            TruncatedStream, CorruptPacket, UnsupportedVersion: it is none.
        """
        if not data:
            raise TruncatedStream(0)
        flags = data[0]
        if flags >> 7:
            raise UnsupportedVersion(0, f"version {flags >> 7} of the face messages")
        if not flags & _SYNTHESISED:
            raise CorruptPacket(0, "not marked as synthesised media")
        mode = flags >> 4 & 3
        if mode not in (SYNTHESIS, VIDEO, PAUSED):
            raise CorruptPacket(0, f"mode {mode} is unknown")
        rest, ack = data[1:], None
        if flags & _ACK:
            if len(rest) < 2:
                raise TruncatedStream(len(data))
            word = int.from_bytes(rest[:2], "little")
            ack, rest = Acknowledgement(word % NUMBERS, word >> 9), rest[2:]
        earlier = None
        if flags & _EARLIER:
            if len(rest) < 2 or not 0 < rest[1] <= len(rest) - 2 or not flags & _FACE:
                raise CorruptPacket(len(data) - len(rest), "an earlier face that does not fit")
            earlier, rest = (rest[0], rest[2 : 2 + rest[1]]), rest[2 + rest[1] :]
        if not flags & _FACE:
            if rest:
                raise CorruptPacket(len(data) - len(rest), "bytes after the end of a message without a face")
            return cls(mode, bool(flags & _AVATAR), ack)
        if len(rest) < 2:
            raise TruncatedStream(len(data))
        return cls(mode, bool(flags & _AVATAR), ack, rest[0], rest[1:], earlier)
