"""Unsigned LEB128 numbers: seven bits a byte, lowest first (docs/bitstream.md section 1)."""

from __future__ import annotations

from facewire.base.errors import CorruptPacket, TruncatedStream

LONGEST = 8
"""Bytes of the longest varint: 56 bits."""
LARGEST = (1 << 7 * LONGEST) - 1
"""Largest value."""


def write_varint(value: int) -> bytes:
    """Return the shortest encoding of `value`, 0 to 2^56 - 1."""
    if not 0 <= value <= LARGEST:
        raise ValueError(f"{value} does not fit a varint")
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data: bytes, at: int, base: int = 0) -> tuple[int, int]:
    """Return the number that starts at `data[at]` and the position after it.

    Args:
        data: the bytes.
        at: where to start.
        base: offset of `data[0]` in the whole stream, for error texts.

    Raises:
        TruncatedStream: the data end inside the number.
        CorruptPacket: the number is longer than 8 bytes or than it needs to be.
    """
    value = 0
    for index in range(LONGEST):
        if at + index >= len(data):
            raise TruncatedStream(base + len(data))
        byte = data[at + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            if byte == 0 and index:
                raise CorruptPacket(base + at, "a number is longer than it needs to be")
            return value, at + index + 1
    raise CorruptPacket(base + at, f"a number is longer than {LONGEST} bytes")
