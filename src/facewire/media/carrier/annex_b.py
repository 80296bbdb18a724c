"""NAL units of H.264 and H.265 streams in Annex B form, as encoders give them."""

from __future__ import annotations

from collections.abc import Iterator, Set


def units(packet: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield each NAL unit of an Annex B packet and its bytes with the start code."""
    starts = []
    at = packet.find(b"\0\0\1")
    while at >= 0:
        starts.append((at - 1 if at and packet[at - 1] == 0 else at, at + 3))
        at = packet.find(b"\0\0\1", at + 3)
    for (begin, inside), (end, _) in zip(starts, [*starts[1:], (len(packet), 0)]):
        yield packet[inside:end], end - begin


def without(types: Set[int], shift: int, packet: bytes) -> bytes:
    """Return a packet without units of these types; a type lies `shift` places above the lowest bit of the first byte
    (H.264 0, H.265 1)."""
    mask = 31 if shift == 0 else 63
    return b"".join(b"\0\0\0\1" + unit for unit, _ in units(packet) if unit[0] >> shift & mask not in types)
