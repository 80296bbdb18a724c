"""Writing and reading `.fwv` files section by section (docs/bitstream.md sections 8 to 10).

    header | source | motion audio motion audio ... | index | end

Both directions work on pipes: nothing is sought, nothing is patched afterwards, at most one section is held.
Knows nothing about what is inside a coded frame; `facewire.codec.talk` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol
from zlib import crc32

from facewire.base.errors import CorruptPacket, TruncatedStream, UnsupportedVersion
from facewire.base.files import Readable
from facewire.bitstream import header as head
from facewire.bitstream import sections as kinds
from facewire.bitstream.header import Header
from facewire.bitstream.reader import checked
from facewire.bitstream.varint import LONGEST, read_varint, write_varint

CRC_BYTES = 4
PIECE = 1 << 16
"""Bytes asked of the source at once, so that a false length costs no memory."""
END_SECTION_BYTES = 1 + 1 + 8 + CRC_BYTES
"""Type, length, payload and CRC of the end section."""


class Sink(Protocol):
    """Anything with `write(bytes)`: a file, a pipe, a socket file, `io.BytesIO`."""

    def write(self, data: bytes, /) -> object:
        """Take all of `data`."""


class _HasPayload(Protocol):
    def to_bytes(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Section:
    """One section as it stands in the file.

    kind      its type id
    offset    place of the type byte in the file
    start     place of the first payload byte
    payload   its bytes, fewer than announced if `whole` is False
    complete  False: the file ends inside, and the CRC could not be checked
    whole     False: the file ends inside the payload
    intact    False: the CRC does not fit (only from a reader that tolerates damage)
    """

    kind: int
    offset: int
    start: int
    payload: bytes
    complete: bool = True
    whole: bool = True
    intact: bool = True


class FwvWriter:
    """Writes header, sections, index and end to `sink`, each as soon as it is given."""

    def __init__(self, sink: Sink, header: Header) -> None:
        self.header = header
        self.written = 0
        """Bytes so far."""
        self._sink = sink
        self._entries: list[tuple[int, int]] = []
        self._put(header.to_bytes())

    def write(self, kind: int, content: _HasPayload) -> int:
        """Write one section and return its bytes in the file."""
        payload = content.to_bytes()
        if len(payload) > kinds.PAYLOAD_LIMITS.get(kind, kinds.OTHER_LIMIT):
            raise ValueError(f"a section of type {kind} cannot hold {len(payload)} bytes")
        if isinstance(content, kinds.Run | kinds.Packets):
            self._entries.append((content.first, self.written))
        start = bytes((kind,)) + write_varint(len(payload))
        check = crc32(payload, crc32(start))
        before = self.written
        self._put(start + payload + check.to_bytes(CRC_BYTES, "little"))
        return self.written - before

    def finish(self, frames: int, *, index: bool = True) -> None:
        """Write the index (if wanted and if its entries fit) and the end section. The sink stays open."""
        size = 0
        if index and self._entries:
            size = self.write(kinds.INDEX, kinds.Index(tuple(_thinned(self._entries))))
        self.write(kinds.END, kinds.End(frames, size))

    def _put(self, data: bytes) -> None:
        self._sink.write(data)
        self.written += len(data)


class FwvReader:
    """Iterates over the sections of a file or pipe; `header` is read at once.

    Args:
        source: anything with `read(n)`.
        tolerant: deliver sections whose CRC does not fit with `intact=False` instead of raising.

    Raises:
        NotAStream, UnsupportedVersion, CorruptPacket, TruncatedStream: the header cannot be read.
    """

    def __init__(self, source: Readable, *, tolerant: bool = False) -> None:
        self._source, self._tolerant = source, tolerant
        self.offset = 0
        """Bytes read so far."""
        prefix = self._read(head.PREFIX_BYTES)
        if len(prefix) < head.PREFIX_BYTES and prefix[:4] == head.MAGIC[: len(prefix)]:
            raise TruncatedStream(len(prefix))
        length = head.header_length(prefix.ljust(head.PREFIX_BYTES, b"\0"))
        rest = self._read(length - head.PREFIX_BYTES)
        if len(rest) < length - head.PREFIX_BYTES:
            raise TruncatedStream(self.offset)
        self.header = Header.parse(prefix + rest)

    def __iter__(self) -> Iterator[Section]:
        """Yield sections up to and including the end section.

        A motion section that the file cuts is delivered with `complete=False`; then comes TruncatedStream.

        Raises:
            TruncatedStream: the file ends before its end section.
            CorruptPacket: a CRC does not fit, a length is too large, or bytes follow the end.
            UnsupportedVersion: a critical section of unknown type.
        """
        while True:
            section = self._section()
            if section.complete or section.kind == kinds.MOTION:
                yield section
            if not section.complete:
                raise TruncatedStream(self.offset)
            if section.kind == kinds.END and section.intact:
                if self._read(1):
                    raise CorruptPacket(self.offset - 1, "bytes follow the end of the stream")
                return

    def _section(self) -> Section:
        """Return the next section; `complete=False` if the file ends inside its payload or CRC."""
        offset = self.offset
        start = self._start()
        kind = start[0]
        if not kind:
            raise CorruptPacket(offset, "a section has type 0")
        if kinds.END < kind < kinds.ANCILLARY:
            raise UnsupportedVersion(offset, f"section type {kind}")
        size, _ = read_varint(start, 1, offset)
        checked(size, "the section length", 0, kinds.PAYLOAD_LIMITS.get(kind, kinds.OTHER_LIMIT), offset + 1)
        payload = self._read(size)
        check = self._read(CRC_BYTES)
        place = offset + len(start)
        if len(check) < CRC_BYTES:
            return Section(kind, offset, place, payload, complete=False, whole=len(payload) == size)
        if crc32(payload, crc32(start)) == int.from_bytes(check, "little"):
            return Section(kind, offset, place, payload)
        if not self._tolerant:
            raise CorruptPacket(place + size, f"the checksum of a section of type {kind} does not fit")
        return Section(kind, offset, place, payload, intact=False)

    def _start(self) -> bytes:
        """Return type byte and length of the next section."""
        start = self._read(1)
        while len(start) <= LONGEST:
            byte = self._read(1)
            if not byte:
                raise TruncatedStream(self.offset)
            start += byte
            if byte[0] < 0x80:
                return start
        raise CorruptPacket(self.offset, f"a section length is longer than {LONGEST} bytes")

    def _read(self, size: int) -> bytes:
        """Return `size` bytes, or fewer at the end of the source."""
        pieces = []
        missing = size
        while missing:
            piece = self._source.read(min(missing, PIECE))
            if piece is None:
                raise BlockingIOError("a .fwv stream is read from a blocking source")
            if not piece:
                break
            pieces.append(piece)
            missing -= len(piece)
        self.offset += size - missing
        return b"".join(pieces)


def stated_frames(source: BinaryIO) -> int | None:
    """Return how many frames the end section of a seekable file states, None if there is no whole one.

    The position of `source` is put back.
    """
    place = source.tell()
    try:
        size = source.seek(0, 2)
        source.seek(max(0, size - END_SECTION_BYTES))
        end = _whole_section(source.read(END_SECTION_BYTES), kinds.END)
        return None if end is None else kinds.End.parse(end, 0).frames
    except (CorruptPacket, TruncatedStream):
        return None
    finally:
        source.seek(place)


def read_index(source: BinaryIO) -> tuple[tuple[int, int], ...]:
    """Return (first frame, file offset) of the motion sections of a seekable file, or () if it has no index.

    The position of `source` is put back. Damage of the index or the end counts as having none: the file can
    still be read from its start.
    """
    place = source.tell()
    try:
        size = source.seek(0, 2)
        source.seek(max(0, size - END_SECTION_BYTES))
        end = _whole_section(source.read(END_SECTION_BYTES), kinds.END)
        if end is None:
            return ()
        length = kinds.End.parse(end, 0).index
        if not CRC_BYTES < length <= min(size, kinds.MIB + 16):
            return ()
        source.seek(size - END_SECTION_BYTES - length)
        payload = _whole_section(source.read(length), kinds.INDEX)
        return () if payload is None else kinds.Index.parse(payload, 0).entries
    except (CorruptPacket, TruncatedStream, ValueError):
        return ()
    finally:
        source.seek(place)


def _whole_section(data: bytes, kind: int) -> bytes | None:
    """Return the payload if `data` is exactly one intact section of this kind."""
    if len(data) < 2 + CRC_BYTES or data[0] != kind:
        return None
    size, at = read_varint(data, 1)
    if at + size + CRC_BYTES != len(data):
        return None
    check = int.from_bytes(data[-CRC_BYTES:], "little")
    return data[at:-CRC_BYTES] if crc32(data[:-CRC_BYTES]) == check else None


def _thinned(entries: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return at most 65536 entries, evenly chosen."""
    step = -(-len(entries) // kinds.MOST_ENTRIES)
    return entries[::step]
