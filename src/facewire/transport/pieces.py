"""A source picture in pieces, with its length and hash said first (docs/call.md section 5).

PhotoHead(epoch, bytes, sha256, ...) -> piece 0, 1, 2, ... over a reliable, ordered channel -> Assembly
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator

from facewire.base.errors import CorruptPacket

PIECE_BYTES = 1_000
LARGEST_PHOTO = 256 * 1024
"""Bytes of a coded photo; one of 256x256 takes some 10 to 20 thousand."""

_HEAD = struct.Struct("<BHI")
HEAD_BYTES = _HEAD.size
PIECE_MARK = 0x50


def digest(data: bytes) -> bytes:
    """Return the SHA-256 of a photo."""
    return hashlib.sha256(data).digest()


def piece(epoch: int, data: bytes, offset: int, count: int) -> bytes:
    """Return the binary message with `count` bytes of a photo from `offset` on: mark, epoch, offset, bytes."""
    return _HEAD.pack(PIECE_MARK, epoch, offset) + data[offset : offset + count]


def pieces(epoch: int, data: bytes) -> Iterator[bytes]:
    """Yield the binary messages that carry a photo, with at most 1000 bytes of it each."""
    for offset in range(0, len(data), PIECE_BYTES):
        yield piece(epoch, data, offset, PIECE_BYTES)


class Assembly:
    """Puts a photo together. Memory is taken only for what has come, never for what was announced.

    Args:
        epoch: its epoch.
        length: of the whole in bytes.
        sha256: of the whole.

    Raises:
        CorruptPacket: the announced length is impossible.
    """

    def __init__(self, epoch: int, length: int, sha256: bytes) -> None:
        if not 1 <= length <= LARGEST_PHOTO:
            raise CorruptPacket(0, f"a photo of {length} bytes: at most {LARGEST_PHOTO}")
        self.epoch, self.length, self.sha256 = epoch, length, sha256
        self._data = bytearray()

    @property
    def progress(self) -> float:
        """Share that has come."""
        return len(self._data) / self.length

    def add(self, piece: bytes) -> bytes | None:
        """Take a piece and return the photo when it is complete and its hash is right.

        Raises:
            CorruptPacket: not the next piece of this photo, or the whole has another hash.
        """
        if len(piece) <= _HEAD.size:
            raise CorruptPacket(0, "an empty piece")
        mark, epoch, offset = _HEAD.unpack_from(piece)
        body = piece[HEAD_BYTES:]
        if mark != PIECE_MARK or epoch != self.epoch or offset != len(self._data):
            raise CorruptPacket(0, "not the next piece of the photo that was announced")
        if len(body) > PIECE_BYTES or offset + len(body) > self.length:
            raise CorruptPacket(_HEAD.size, "a piece that reaches beyond the photo")
        self._data += body
        if len(self._data) < self.length:
            return None
        whole = bytes(self._data)
        if digest(whole) != self.sha256:
            raise CorruptPacket(0, "the photo's hash is not the one announced")
        return whole
