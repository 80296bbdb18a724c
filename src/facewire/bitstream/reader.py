"""A cursor over one section or packet: every read is checked and every error knows its offset."""

from __future__ import annotations

from facewire.base.errors import CorruptPacket, TruncatedStream
from facewire.bitstream.varint import read_varint


class ByteReader:
    """Reads numbers and pieces off `data`, which begins at byte `base` of the whole stream."""

    def __init__(self, data: bytes, base: int = 0) -> None:
        self.data, self.base, self.at = data, base, 0

    @property
    def offset(self) -> int:
        """Position in the whole stream, bytes."""
        return self.base + self.at

    @property
    def remaining(self) -> int:
        """Bytes not read yet."""
        return len(self.data) - self.at

    def uint(self, size: int) -> int:
        """Return a little-endian unsigned number of `size` bytes."""
        return int.from_bytes(self.take(size), "little")

    def varint(self, what: str, lowest: int, highest: int) -> int:
        """Return a varint, which must lie in [lowest, highest].

        Raises:
            CorruptPacket: it does not.
            TruncatedStream: the data end inside it.
        """
        start = self.offset
        value, self.at = read_varint(self.data, self.at, self.base)
        return checked(value, what, lowest, highest, start)

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes.

        Raises:
            TruncatedStream: there are not that many.
        """
        if size > self.remaining:
            raise TruncatedStream(self.base + len(self.data))
        self.at += size
        return self.data[self.at - size : self.at]

    def rest(self) -> bytes:
        """Return everything not read yet."""
        return self.take(self.remaining)

    def finish(self, what: str) -> None:
        """Raise CorruptPacket unless everything was read."""
        if self.remaining:
            raise CorruptPacket(self.offset, f"{self.remaining} bytes too many in {what}")


def checked(value: int, what: str, lowest: int, highest: int, offset: int) -> int:
    """Return `value` if it lies in [lowest, highest], otherwise raise CorruptPacket."""
    if not lowest <= value <= highest:
        raise CorruptPacket(offset, f"{what} is {value}, allowed are {lowest} to {highest}")
    return value
