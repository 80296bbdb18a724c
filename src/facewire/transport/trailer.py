"""Face bytes behind a sound packet, so that they cost only themselves (docs/call.md section 3).

    Opus packet | trailer, 0 to 255 bytes | length of the trailer, 1 byte

A packet of its own would cost the face about 60 bytes of IP, UDP, RTP and SRTP headers, a data channel message some
190; behind sound it costs one.
"""

from __future__ import annotations

from facewire.base.errors import CorruptPacket

LONGEST_TRAILER = 255
LONGEST_PACKET = 1275 + LONGEST_TRAILER + 1
"""Bytes: the largest Opus packet (RFC 6716), a trailer and its length."""


def join(sound: bytes, trailer: bytes) -> bytes:
    """Return a sound packet with a trailer."""
    if len(trailer) > LONGEST_TRAILER:
        raise ValueError(f"a trailer of {len(trailer)} bytes is too long: at most {LONGEST_TRAILER}")
    return sound + trailer + bytes((len(trailer),))


def split(packet: bytes) -> tuple[bytes, bytes]:
    """Return the sound and the trailer of a packet.

    Raises:
        CorruptPacket: no packet with a trailer looks like this.
    """
    if not 2 <= len(packet) <= LONGEST_PACKET:
        raise CorruptPacket(0, f"{len(packet)} bytes are no sound packet with a trailer")
    length = packet[-1]
    if length + 1 >= len(packet):
        raise CorruptPacket(len(packet) - 1, f"a trailer of {length} bytes leaves no sound")
    cut = len(packet) - 1 - length
    return packet[:cut], packet[cut:-1]
