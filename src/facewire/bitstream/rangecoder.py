"""A range coder on 32-bit integers (docs/bitstream.md section 6.1).

    symbol = part [start, start + size) of 2^bits
    [low, low + range) --- narrowed to that part ---> [low', low' + range')

Bytes leave at the top once they cannot change, except for a carry, which walks back through the bytes already
written. The tail is as short as the last interval allows and zero bytes at the end are not written: the
decoder reads zeros behind the end. Nothing here depends on the machine: all values are below 2^49.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from math import log2

TOP = 0xFFFFFFFF
"""Largest value of the 32-bit state."""
REFILL = 1 << 24
"""Below this the range is too coarse for 16-bit totals, and a byte moves on."""
BITS = 16
"""Totals of all tables are 2^16."""


class RangeEncoder:
    """Collects symbols and returns their bytes."""

    __slots__ = ("_low", "_out", "_range")

    def __init__(self) -> None:
        self._low, self._range, self._out = 0, TOP, bytearray()

    def encode(self, start: int, size: int, bits: int = BITS) -> None:
        """Add the symbol [start, start + size) of 2^bits, size >= 1, bits <= 16."""
        scale = self._range >> bits
        width = scale * size
        low = self._low + scale * start
        if low > TOP:
            low &= TOP
            self._carry()
        while width < REFILL:
            self._out.append(low >> 24)
            low = low << 8 & TOP
            width <<= 8
        self._low, self._range = low, width

    def finish(self) -> bytes:
        """Return the bytes; the encoder must not be used afterwards."""
        out = self._out
        for count in range(5):
            below = TOP >> 8 * count
            value = (self._low + below) & ~below
            if value < self._low + self._range:
                break
        if value > TOP:
            self._carry()
        out += (value & TOP).to_bytes(4, "big")[:count]
        return bytes(out).rstrip(b"\0")

    def _carry(self) -> None:
        """Add 1 to the number written so far; one of its bytes is below 0xFF, for low + range has a limit."""
        out, at = self._out, len(self._out) - 1
        while out[at] == 0xFF:
            out[at] = 0
            at -= 1
        out[at] += 1


class RangeDecoder:
    """Returns the symbols of a RangeEncoder; any bytes give some symbols."""

    __slots__ = ("_at", "_code", "_data", "_range")

    def __init__(self, data: bytes) -> None:
        self._data, self._at, self._range = data, 4, TOP
        self._code = int.from_bytes(data[:4].ljust(4, b"\0"), "big")

    @property
    def position(self) -> int:
        """Bytes looked at so far; more than the data hold once zeros behind the end were used."""
        return self._at

    @property
    def bits(self) -> float:
        """Information taken out so far, bits."""
        return 8 * self._at - log2(self._range)

    def decode(self, cdf: Sequence[int]) -> int:
        """Return the index of the next symbol of `cdf`: 0, increasing, 2^16."""
        scale = self._range >> BITS
        target = self._code // scale
        index = bisect_right(cdf, target) - 1 if target < 1 << BITS else len(cdf) - 2
        start = cdf[index]
        self._code -= scale * start
        self._range = scale * (cdf[index + 1] - start)
        if self._range < REFILL:
            self._refill()
        return index

    def decode_bits(self, count: int) -> int:
        """Return a number of `count` plain bits, 1 to 16."""
        scale = self._range >> count
        value = min(self._code // scale, (1 << count) - 1)
        self._code -= scale * value
        self._range = scale
        if scale < REFILL:
            self._refill()
        return value

    def _refill(self) -> None:
        while self._range < REFILL:
            byte = self._data[self._at] if self._at < len(self._data) else 0
            self._code = (self._code << 8 & TOP) | byte
            self._range <<= 8
            self._at += 1
