"""The 16 bits in front of every packet of profile stream (docs/bitstream.md section 7)."""

from __future__ import annotations

from dataclasses import dataclass

from facewire.base.errors import CorruptPacket, TruncatedStream

NUMBER_BITS, DISTANCE_BITS, EPOCH_BITS = 9, 5, 2
NUMBERS = 1 << NUMBER_BITS
"""Frame numbers are sent modulo this."""
FARTHEST = (1 << DISTANCE_BITS) - 1
"""Largest distance to a reference, frames."""
HELD = FARTHEST + 32
"""A decoder holds the states of this many frames before the newest: for references and for late packets."""
EPOCHS = 1 << EPOCH_BITS
"""Epochs are sent modulo this."""
HEAD_BYTES = 2
LONGEST_PACKET = 1024
"""Bytes of a packet, head included."""


@dataclass(frozen=True, slots=True)
class PacketHead:
    """Where a packet stands.

    number    frame number modulo 512
    distance  frames back to the reference, 1 to 31; 0 is the anchor
    epoch     which source, modulo 4
    """

    number: int
    distance: int
    epoch: int

    def to_bytes(self) -> bytes:
        """Return the two bytes."""
        value = self.number | self.distance << NUMBER_BITS | self.epoch << NUMBER_BITS + DISTANCE_BITS
        return value.to_bytes(HEAD_BYTES, "little")

    @classmethod
    def parse(cls, packet: bytes) -> PacketHead:
        """Return the head of a packet.

        Raises:
            TruncatedStream: there are not even two bytes.
            CorruptPacket: the packet is longer than 1024 bytes.
        """
        if len(packet) < HEAD_BYTES:
            raise TruncatedStream(len(packet), "a packet is shorter than its head")
        if len(packet) > LONGEST_PACKET:
            raise CorruptPacket(0, f"a packet of {len(packet)} bytes is longer than {LONGEST_PACKET}")
        value = int.from_bytes(packet[:HEAD_BYTES], "little")
        return cls(value & NUMBERS - 1, value >> NUMBER_BITS & FARTHEST, value >> NUMBER_BITS + DISTANCE_BITS)


def unwrap(number: int, newest: int) -> int:
    """Return the frame number that agrees with `number` modulo 512 and lies nearest to `newest`.

    It is never negative: in front of frame 0 there is nothing.
    """
    ahead = (number - newest + NUMBERS // 2) % NUMBERS - NUMBERS // 2
    return newest + ahead if newest + ahead >= 0 else newest + ahead + NUMBERS
