"""A talk out of an H.264 or H.265 stream: like `codec.talk.TalkReader`, from a video file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeVar

from facewire.base.errors import CorruptPacket, MediaError, MissingReference, NotAStream, TruncatedStream
from facewire.bitstream import sections as kinds
from facewire.bitstream.bank import Bank
from facewire.bitstream.sections import Audio, AudioHead
from facewire.bitstream.sei.nal import H264, H265, Message, messages_of, with_messages
from facewire.codec.decoder import DecodedFrame
from facewire.codec.messages.reader import FaceBase, FaceFrame, FaceMessages, payload_of
from facewire.codec.tables.artefact import CodecTables
from facewire.codec.talk import Item, SourcePicture, TalkReference
from facewire.media.carrier.coded_video import CodedReader, SoundUnit, VideoUnit

Piece = TypeVar("Piece")
_CODECS = {codec.name: codec for codec in (H264, H265)}
_MIMES = {"h264": "video/h264", "hevc": "video/h265"}


def carries_face(unit: VideoUnit, codec: str) -> bool:
    """Return whether face messages lie beside a picture of a stream of libav's `codec`."""
    messages = messages_of(unit.data, _CODECS[codec], unit.offset)
    return any(payload_of(message) is not None for message in messages)


class CarrierReader:
    """Iterates over a talk; the first picture is read at once, since the header lies beside it.

    Args:
        source: file or pipe.
        find_tables: returns the tables of an id and the first 8 bytes of their hash, or None.
        name: for error texts.
        tolerant: pass over damaged messages, and those whose base is missing, instead of raising.

    Raises:
        MediaError: it is no video that can be read.
        NotAStream, UnknownTable, CorruptPacket, ...: it carries no talk, or none that can be read here.
    """

    def __init__(
        self,
        source: BinaryIO,
        find_tables: Callable[[int, bytes], CodecTables | None],
        *,
        name: str,
        tolerant: bool = False,
    ) -> None:
        self.section_bytes: dict[int, int] = {}
        self.section_counts: dict[int, int] = {}
        self.skipped = 0
        self._source, self._tolerant = source, tolerant
        self._video = CodedReader(source, name)
        self._codec = _CODECS[self._video.codec]
        self._messages = FaceMessages(find_tables)
        self._epochs: dict[int, int] = {}
        self._bank = Bank[bool]()
        self._epoch = self._shown = -1
        self._frames = self._seen = 0
        self._units = self._all_units()
        try:
            self._early = list(self._opening())
            if self._messages.header is None:
                raise NotAStream(0, "this video carries no talk of Facewire: check the file")
        except BaseException:
            self._video.close()
            raise
        self.header = self._messages.header
        kind = "user-data" if self._messages.private else "GFV"
        self.carrier = f"{self._codec.name}, {kind} messages"

    @property
    def tables_name(self) -> str:
        """Of the tables that give the steps of its motion."""
        return self._messages.tables_name

    @property
    def offset(self) -> int:
        """Bytes of the file; of a pipe those of pictures, messages and sound so far."""
        if not self._source.seekable():
            return self._seen
        here = self._source.tell()
        size = self._source.seek(0, 2)
        self._source.seek(here)
        return size

    def __iter__(self) -> Iterator[Item]:
        """Yield everything in file order.

        Raises:
            CorruptPacket, MissingReference, TruncatedStream: it is damaged; everything before was delivered.
        """
        try:
            yield from self._early
            for unit in self._units:
                yield from self._items(unit)
        finally:
            self._video.close()

    def _all_units(self) -> Iterator[VideoUnit | SoundUnit]:
        """Yield the units of the file; damage to the container is damage to the talk."""
        try:
            yield from self._video
        except MediaError as error:
            raise CorruptPacket(self._seen, error.problem) from error

    def _opening(self) -> Iterator[Item]:
        """Yield what there is up to the first picture and what goes with it."""
        sound = self._video.sound
        if sound is not None:
            yield AudioHead(sound.channels, sound.pre_skip, sound.rate)
        for unit in self._units:
            yield from self._items(unit)
            if isinstance(unit, VideoUnit):
                return

    def _items(self, unit: VideoUnit | SoundUnit) -> Iterator[Item]:
        if isinstance(unit, SoundUnit):
            self._count(kinds.AUDIO, len(unit.data))
            yield Audio(unit.start, (unit.data,))
            return
        plain = with_messages(unit.data, [], self._codec)
        messages = self._tolerated(messages_of(unit.data, self._codec, unit.offset))
        key = False
        for message in messages:
            for item in self._tolerated(self._said(message, plain)):
                key = key or (isinstance(item, SourcePicture) and item.mime is not None)
                yield item
        if not key:
            self._count(kinds.MOTION, len(plain))

    def _tolerated(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        """Yield pieces up to damage, which is raised or, if tolerant, counted."""
        try:
            yield from pieces
        except (CorruptPacket, MissingReference, TruncatedStream):
            if not self._tolerant:
                raise
            self.skipped += 1

    def _said(self, message: Message, picture: bytes) -> Iterator[Item]:
        """Yield what a message beside a picture says."""
        size = len(message.payload)
        for said in self._messages.take(message):
            if isinstance(said, FaceBase):
                self._count(kinds.SOURCE, len(picture) + size)
                yield self._picture(said, picture)
            elif isinstance(said, FaceFrame):
                self._count(kinds.MOTION, size)
                if said.id != self._shown:
                    yield self._recalled(said.id, message.offset)
                self._frames += 1
                yield DecodedFrame(self._frames - 1, self._epoch, said.motion, 8.0 * said.size)
            else:
                self._count(kinds.REFERENCE, size)
                yield TalkReference(self._frames, said.motion)

    def _picture(self, base: FaceBase, picture: bytes) -> SourcePicture:
        """Return a key picture as the source from now on."""
        self._epoch += 1
        self._shown = base.id
        self._bank.add(self._epoch, True)
        held = {epoch for epoch, _ in self._bank}
        self._epochs = {id: epoch for id, epoch in self._epochs.items() if epoch in held}
        self._epochs[base.id] = self._epoch
        return SourcePicture(self._epoch, self._frames, _MIMES[self._codec.name], picture, base.motion)

    def _recalled(self, id: int, offset: int) -> SourcePicture:
        """Return an earlier picture as the source from now on."""
        epoch = self._epochs.get(id)
        if epoch is None or self._bank.recall(epoch) is None:
            raise MissingReference(offset, id, "source")
        self._epoch += 1
        self._shown = id
        self._count(kinds.SOURCE, 0)
        return SourcePicture(self._epoch, self._frames, None, b"", None, epoch)

    def _count(self, kind: int, size: int) -> None:
        self._seen += size
        self.section_bytes[kind] = self.section_bytes.get(kind, 0) + size
        self.section_counts[kind] = self.section_counts.get(kind, 0) + 1
