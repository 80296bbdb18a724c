"""Bits of a message, highest first, and the Exp-Golomb numbers that video standards write with them."""

from __future__ import annotations

from facewire.base.errors import CorruptPacket, TruncatedStream

MOST_ZEROS = 32
"""Leading zeros of an Exp-Golomb number: values are below 2^32 - 1."""


class BitWriter:
    """Collects bits."""

    def __init__(self) -> None:
        self._value = self.count = 0

    def fixed(self, value: int, bits: int) -> None:
        """Append `value` in so many bits."""
        if not 0 <= value < 1 << bits:
            raise ValueError(f"{value} does not fit into {bits} bits")
        self._value = self._value << bits | value
        self.count += bits

    def flag(self, value: bool) -> None:
        """Append one bit."""
        self.fixed(int(value), 1)

    def golomb(self, value: int) -> None:
        """Append ue(v): as many zeros as value + 1 has bits after its first, then value + 1."""
        if not 0 <= value < (1 << MOST_ZEROS) - 1:
            raise ValueError(f"{value} is no number of ue(v)")
        self.fixed(value + 1, 2 * (value + 1).bit_length() - 1)

    def align(self) -> None:
        """Append zeros up to a whole byte."""
        self.fixed(0, -self.count % 8)

    def text(self, text: str) -> None:
        """Append UTF-8 and a zero byte; only where a byte begins."""
        for byte in (*text.encode(), 0):
            self.fixed(byte, 8)

    def payload(self) -> bytes:
        """Return everything; an unfinished byte is filled up by a one and zeros, as in every SEI payload."""
        missing = -self.count % 8
        value = self._value << missing | (1 << missing >> 1)
        return value.to_bytes((self.count + missing) // 8, "big")


class BitReader:
    """Reads bits of `data`, which begins at byte `base` of the whole stream; errors know where."""

    def __init__(self, data: bytes, base: int = 0) -> None:
        self._data, self._base = data, base
        self.at = 0
        self._value = int.from_bytes(data, "big")

    @property
    def offset(self) -> int:
        """Byte of the whole stream that the next bit lies in."""
        return self._base + self.at // 8

    @property
    def remaining(self) -> int:
        """Bits not read yet."""
        return 8 * len(self._data) - self.at

    def fixed(self, bits: int) -> int:
        """Return the number in the next bits.

        Raises:
            TruncatedStream: there are not that many.
        """
        if bits > self.remaining:
            raise TruncatedStream(self._base + len(self._data))
        self.at += bits
        return self._value >> self.remaining & (1 << bits) - 1

    def flag(self) -> bool:
        """Return the next bit."""
        return bool(self.fixed(1))

    def golomb(self, what: str, highest: int) -> int:
        """Return ue(v), at most `highest`.

        Raises:
            CorruptPacket: it is more.
            TruncatedStream: the data end inside it.
        """
        start, zeros = self.offset, 0
        while not self.flag():
            zeros += 1
            if zeros > MOST_ZEROS:
                raise CorruptPacket(start, f"{what} is no number")
        value = (1 << zeros) - 1 + self.fixed(zeros)
        if value > highest:
            raise CorruptPacket(start, f"{what} is {value}, more than {highest}")
        return value

    def align(self) -> None:
        """Go on at the next whole byte.

        Raises:
            CorruptPacket: one of the bits passed over is not zero.
        """
        if self.fixed(-self.at % 8):
            raise CorruptPacket(self.offset, "bits that must be zero are not")

    def text(self, longest: int) -> str:
        """Return UTF-8 up to a zero byte.

        Raises:
            CorruptPacket: it is longer than `longest` bytes, or no UTF-8.
            TruncatedStream: no zero byte follows.
        """
        start, found = self.offset, bytearray()
        while byte := self.fixed(8):
            found.append(byte)
            if len(found) > longest:
                raise CorruptPacket(start, f"a text of more than {longest} bytes")
        try:
            return found.decode()
        except UnicodeDecodeError:
            raise CorruptPacket(start, "a text that is no UTF-8") from None

    def end(self, what: str) -> None:
        """Raise CorruptPacket unless only the filling of the last byte is left."""
        left = self.remaining
        if left > 7 or (left and self.fixed(left) != 1 << left - 1):
            raise CorruptPacket(self.offset, f"more than {what} in its message")
