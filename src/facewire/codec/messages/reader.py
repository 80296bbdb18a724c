"""GFV messages to motion: the other half of `writer.py`. Any messages give motion or BitstreamError."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from facewire.base.errors import CorruptPacket, MissingReference, NotAStream, UnknownTable
from facewire.bitstream.header import FILE, PREFIX_BYTES, Header, header_length
from facewire.bitstream.sections import MOST_ANCHOR
from facewire.bitstream.sei.message import FEATURES, PAYLOAD_TYPE, GfvMessage
from facewire.bitstream.sei.nal import Message
from facewire.bitstream.sei.reader import GfvReader
from facewire.codec.decoder import FileDecoder
from facewire.codec.messages.writer import FACE, LEVEL_BITS, OURS, REST, TAG, URI, USER_DATA
from facewire.codec.modes import LARGEST_LEVEL
from facewire.codec.quantizer import Quantizer
from facewire.codec.state import MotionFrame
from facewire.codec.tables.artefact import CodecTables


@dataclass(frozen=True, slots=True)
class FaceBase:
    """The coded picture is a source: what names it, and its own motion."""

    id: int
    motion: MotionFrame


@dataclass(frozen=True, slots=True)
class FaceFrame:
    """A frame: what names the picture to render it from, its motion, and the bytes of its message."""

    id: int
    motion: MotionFrame
    size: int


@dataclass(frozen=True, slots=True)
class FaceRest:
    """What stands for rest from the next frame on."""

    motion: MotionFrame


def payload_of(message: Message) -> bytes | None:
    """Return the GFV payload of a message, whichever way it is carried; None if it has none."""
    if message.kind == PAYLOAD_TYPE:
        return message.payload
    mark = OURS + FACE
    private = message.kind == USER_DATA and message.payload.startswith(mark)
    return message.payload[len(mark) :] if private else None


class FaceMessages:
    """Reads messages in stream order.

    Args:
        find_tables: returns the tables of an id and the first 8 bytes of their hash, or None.

    Attributes:
        header: of the talk, None before its first base picture.
        private: whether they come as user data of ours.
    """

    def __init__(self, find_tables: Callable[[int, bytes], CodecTables | None]) -> None:
        self.header: Header | None = None
        self.private = False
        self._last = (-1, -1)
        self._find, self._reader = find_tables, GfvReader()
        self._quantizer: Quantizer | None = None
        self._decoder: FileDecoder | None = None

    @property
    def tables_name(self) -> str:
        """Of the tables that its header names, "" before it."""
        return self._quantizer.tables.name if self._quantizer else ""

    def take(self, message: Message) -> Iterator[FaceBase | FaceFrame | FaceRest]:
        """Yield what a message says, nothing if it is not for us.

        Raises:
            NotAStream: it is a face message, but none of a talk.
            UnsupportedVersion, UnknownTable: the talk needs something that is not here.
            CorruptPacket, TruncatedStream, MissingReference: the message is damaged, or one before it is missing.
        """
        payload = payload_of(message)
        if payload is not None:
            self.private = message.kind == USER_DATA
            yield self._face(self._reader.read(payload, message.offset), message)
        elif message.kind == USER_DATA and message.payload.startswith(OURS + REST):
            motion = message.payload[len(OURS + REST) :]
            if not 1 <= len(motion) <= MOST_ANCHOR or self._decoder is None:
                raise CorruptPacket(
                    message.offset, "a motion of rest is out of place or of impossible length"
                )
            yield FaceRest(self._decoder.reference(motion, message.offset))

    def _face(self, face: GfvMessage, message: Message) -> FaceBase | FaceFrame:
        if face.base and face.network is not None:
            self._begin(face.network, message.offset)
        if self._quantizer is None:
            raise NotAStream(
                message.offset, "these face messages name no talk of Facewire: decode another file"
            )
        if face.predict_matrices and face.count and self._last != (face.id, face.count - 1):
            raise MissingReference(message.offset, face.count - 1)
        levels = self._levels(face, message.offset)
        self._last = (face.id, face.count)
        motion = self._quantizer.frame(levels, self._quantizer.tables.keypoints)
        if face.base:
            return FaceBase(face.id, motion)
        return FaceFrame(face.id, motion, len(message.payload))

    def _begin(self, network: tuple[str, str] | bytes, offset: int) -> None:
        """Take the header of the talk from where the network is said to be."""
        if isinstance(network, bytes) or network[0] != TAG or not network[1].startswith(URI):
            raise NotAStream(
                offset, "the network of these face messages is none of Facewire's: decode another file"
            )
        header = _header(network[1][len(URI) :], offset)
        if self.header is not None:
            if header != self.header:
                raise CorruptPacket(offset, "another talk begins inside this one")
            return
        tables = self._find(header.table, header.table_hash)
        if tables is None or tables.keypoints != header.keypoints:
            raise UnknownTable(offset, header.table, header.table_hash)
        self.header, self._quantizer, self._decoder = header, Quantizer(tables), FileDecoder(tables)

    def _levels(self, face: GfvMessage, offset: int) -> Sequence[int]:
        """Return the coefficients of a message."""
        assert self._quantizer is not None
        matrices = face.matrices
        wanted = self._quantizer.tables.coefficients
        if matrices is None or matrices.precision != LEVEL_BITS or len(matrices.parts) != 1:
            raise CorruptPacket(offset, "a face message without coefficients")
        part = matrices.parts[0]
        if (part.kind, part.count, part.height, part.width) != (FEATURES, 1, 1, wanted):
            raise CorruptPacket(offset, f"a face message with other than {wanted} coefficients")
        if max(map(abs, part.elements)) > LARGEST_LEVEL:
            raise CorruptPacket(offset, "a coefficient is too large")
        return part.elements


def _header(text: str, offset: int) -> Header:
    """Return the header that a URI holds."""
    try:
        data = b64decode(text, validate=True)
    except (Error, ValueError):
        raise CorruptPacket(offset, "the talk's header is no base64") from None
    if len(data) < PREFIX_BYTES or header_length(data[:PREFIX_BYTES]) != len(data):
        raise CorruptPacket(offset, "the talk's header has another length")
    header = Header.parse(data)
    if header.profile != FILE:
        raise CorruptPacket(offset, "a talk beside pictures has profile file")
    return header
