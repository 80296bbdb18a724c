"""How much sound an Opus packet holds, from its first bytes (RFC 6716, 3.1 and 3.2)."""

from __future__ import annotations

from facewire.base.errors import CorruptPacket

RATE = 48_000
LONGEST_SAMPLES = 5_760
"""120 ms."""
_SILK, _HYBRID, _CELT = (480, 960, 1920, 2880), (480, 960), (120, 240, 480, 960)


def opus_samples(packet: bytes) -> int:
    """Return the samples, at 48 kHz, that a packet holds.

    Raises:
        CorruptPacket: it is no Opus packet.
    """
    if not packet:
        raise CorruptPacket(0, "an empty sound packet")
    kind, code = packet[0] >> 3, packet[0] & 3
    frame = _SILK[kind % 4] if kind < 12 else _HYBRID[kind % 2] if kind < 16 else _CELT[kind % 4]
    if code == 3 and len(packet) < 2:
        raise CorruptPacket(1, "a sound packet without its number of frames")
    count = 1 if code == 0 else 2 if code < 3 else packet[1] & 63
    if not 0 < count * frame <= LONGEST_SAMPLES:
        raise CorruptPacket(0, f"a sound packet of {count} frames")
    return count * frame
