"""A whole talk: motion, source images, sound and patches in one `.fwv` file or pipe.

    TalkWriter: source() frame() frame() audio() ... finish()
    TalkReader: for item in reader: SourcePicture | DecodedFrame | AudioHead | Audio | Patch
    Talk: whatever is read like a TalkReader
    UpToDamage: the same up to a cut or damage, which it keeps instead of raising

The writer sends each motion section when its group is full, the reader yields frames as sections come, so
both work on pipes. Pictures and sound are bytes of their own codecs and are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from facewire.base.errors import (
    BitstreamError,
    CorruptPacket,
    MissingReference,
    TruncatedStream,
    UnknownTable,
)
from facewire.base.files import Readable
from facewire.bitstream import sections as kinds
from facewire.bitstream.bank import Bank
from facewire.bitstream.container import FwvReader, FwvWriter, Section, Sink
from facewire.bitstream.header import (
    BARE_PICTURES,
    FILE,
    FINGERPRINT_BYTES,
    MINOR,
    RAW,
    RECALLS,
    REFERENCES,
    STREAM,
    Header,
    Profile,
)
from facewire.bitstream.packet import HEAD_BYTES, NUMBERS, PacketHead
from facewire.bitstream.sections import Audio, AudioHead, End, Packets, Patch, Recall, Reference, Run, Source
from facewire.codec.decoder import DecodedFrame, FileDecoder, StreamDecoder
from facewire.codec.encoder import Choose, FileEncoder, StreamEncoder
from facewire.codec.raw import decode_raw, encode_raw
from facewire.codec.state import MotionFrame
from facewire.codec.tables.artefact import CodecTables

FILE_GROUP, PACKET_GROUP = 250, 50
"""Frames a motion section in profile file, and in the others: 10 s and 2 s at 25 fps."""


@dataclass(frozen=True, slots=True)
class SourcePicture:
    """A source image as it came off the wire.

    epoch    0, 1, 2, ...
    frame    number of the first frame that uses it
    mime     for example "image/webp"; None if the last picture stays, or the one of `recalls`
    picture  bytes of that type
    motion   the source's own motion
    recalls  the epoch that the picture came with, if it is an earlier one
    """

    epoch: int
    frame: int
    mime: str | None
    picture: bytes
    motion: MotionFrame | None
    recalls: int | None = None


@dataclass(frozen=True, slots=True)
class TalkReference:
    """What stands for the talker's rest from frame `frame` on."""

    frame: int
    motion: MotionFrame


Item = SourcePicture | TalkReference | DecodedFrame | AudioHead | Audio | Patch


def talk_header(
    profile: Profile,
    tables: CodecTables | None,
    *,
    weights_sha256: bytes,
    size: tuple[int, int],
    fps: Fraction,
    keypoints: int,
    references: bool = False,
    recalls: bool = False,
    bare: bool = False,
) -> Header:
    """Return the header of a talk.

    Args:
        profile: STREAM, FILE or RAW of `bitstream.header`.
        tables: coding tables; None in profile raw.
        weights_sha256: SHA-256 of the model's weights file, 32 bytes.
        size: picture width and height, pixels.
        fps: frames a second.
        keypoints: K of the model.
        references: whether there will be reference sections, which came with version 1.1.
        recalls: whether there may be recalls, which came with version 1.2.
        bare: whether pictures may be key frames without a container, which came with version 1.3.
    """
    if (tables is None) != (profile == RAW):
        raise ValueError("profile raw has no tables, the others need some")
    return Header(
        profile=profile,
        fingerprint=weights_sha256[:FINGERPRINT_BYTES],
        table=tables.id if tables else 0,
        table_hash=tables.fingerprint if tables else bytes(FINGERPRINT_BYTES),
        width=size[0],
        height=size[1],
        fps=fps,
        keypoints=keypoints,
        minor=BARE_PICTURES if bare else RECALLS if recalls else REFERENCES if references else MINOR,
    )


class TalkWriter:
    """Writes a talk to `sink` (file or pipe), in the profile that the header names.

    Args:
        sink: anything with `write(bytes)`; it stays open.
        header: see `talk_header`.
        tables: the tables that the header names; None in profile raw.
        group: frames a motion section, 1 to 1024, and so how far a reader lags behind on a pipe; None: 250 in
            profile file, where each costs about 40 bytes and a reader can start at each, else 50.
        confirm_after: in profile stream, frames after which a packet counts as received (the round trip of
            the call that is being recorded); None: never, so every packet builds on the source alone.
    """

    def __init__(
        self,
        sink: Sink,
        header: Header,
        tables: CodecTables | None = None,
        *,
        group: int | None = None,
        confirm_after: int | None = None,
    ) -> None:
        self.motion_bytes = 0
        """Bytes written in motion sections so far."""
        self.frames = 0
        """Frames given so far."""
        self._group = group or (FILE_GROUP if header.profile == FILE else PACKET_GROUP)
        if not 1 <= self._group <= kinds.MOST_FRAMES:
            raise ValueError(f"a group of {group} frames is not possible: 1 to {kinds.MOST_FRAMES}")
        self._file = FileEncoder(tables, self._group) if tables and header.profile == FILE else None
        self._stream = StreamEncoder(tables) if tables and header.profile == STREAM else None
        self._confirm_after = confirm_after
        self._epoch = -1
        self._bank = Bank[bool]()
        self._waiting: list[bytes] = []
        self._writer = FwvWriter(sink, header)

    @property
    def written(self) -> int:
        """Bytes written so far."""
        return self._writer.written

    @property
    def latest(self) -> MotionFrame:
        """What the receiver makes of the frame given last (profiles file and stream)."""
        encoder = self._file or self._stream
        if encoder is None:
            raise ValueError("profile raw has no states")
        return encoder.latest

    def source(self, motion: MotionFrame | None, picture: bytes, mime: int) -> int:
        """Write a source image, the first, or a new one from the next frame on; return the section's bytes.

        Args:
            motion: the source's own motion, against which frames are coded; None: unknown.
            picture: bytes of a still-picture file; b"" with mime 0 keeps the last picture.
            mime: its type, MIME_PNG to MIME_AV1 of `bitstream.sections`.
        """
        self._flush()
        self._epoch += 1
        encoder = self._file or self._stream
        anchor = encoder.source(motion) if encoder else b""
        if mime != kinds.MIME_NONE:
            self._bank.add(self._epoch, True)
        return self._write_checked(kinds.SOURCE, Source(self._epoch, self.frames, mime, anchor, picture))

    def recall(self, motion: MotionFrame | None, epoch: int) -> int:
        """Write that an earlier picture is the source from the next frame on; return the bytes.

        Args:
            motion: the picture's own motion.
            epoch: that the picture came with; a `Bank` that is told of every source and recall holds it.
        """
        if self._writer.header.minor < RECALLS:
            raise ValueError("the header does not say that there are recalls")
        if self._bank.recall(epoch) is None:
            raise ValueError(f"the receiver does not hold the picture of epoch {epoch}")
        self._flush()
        size = self._write_checked(kinds.RECALL, Recall(self._epoch + 1, epoch))
        return size + self.source(motion, b"", kinds.MIME_NONE)

    def reference(self, motion: MotionFrame) -> int:
        """Write what stands for rest from the next frame on, and return the section's bytes."""
        if self._epoch < 0 or self._writer.header.minor < REFERENCES:
            raise ValueError("a source comes first, and the header says that there are references")
        self._flush()
        encoder = self._file or self._stream
        data = encoder.reference(motion) if encoder else encode_raw(motion)
        return self._write_checked(kinds.REFERENCE, Reference(self.frames, data))

    def frame(self, motion: MotionFrame, choose: Choose | None = None) -> None:
        """Add the next frame; `choose` decides how many keypoints are sent (not in profile raw)."""
        if self._epoch < 0:
            raise ValueError("a source comes first")
        self.frames += 1
        if self._file:
            self._put(self._file.encode(motion, choose))
            return
        self._waiting.append(self._packet(motion, choose))
        if len(self._waiting) == self._group:
            self._flush()

    def audio_head(self, head: AudioHead) -> int:
        """Write how the sound is coded, once, before any of it; return the bytes."""
        return self._write_checked(kinds.AUDIO_HEAD, head)

    def audio(self, audio: Audio) -> int:
        """Write Opus packets and return the bytes. Give them about as they are spoken: sections stand in the order
        of calls."""
        return self._write_checked(kinds.AUDIO, audio)

    def patch(self, patch: Patch) -> int:
        """Write a patch and return the bytes."""
        return self._write_checked(kinds.PATCH, patch)

    def finish(self, *, index: bool = True) -> None:
        """Write what is left and the end. The sink stays open."""
        self._flush()
        self._writer.finish(self.frames, index=index)

    def _write_checked(
        self, kind: int, content: Source | Recall | Reference | Patch | Audio | AudioHead
    ) -> int:
        """Write a section that a decoder will take, return its bytes; what it would refuse is a ValueError here."""
        payload, size = content.to_bytes(), (self._writer.header.width, self._writer.header.height)
        bare = isinstance(content, Source | Patch) and content.mime == kinds.MIME_AV1
        if bare and self._writer.header.minor < BARE_PICTURES:
            raise ValueError("the header does not say that there are pictures without a container")
        try:
            if isinstance(content, Patch):
                Patch.parse(payload, 0, size)
            else:
                type(content).parse(payload, 0)
        except BitstreamError as error:
            raise ValueError(error.problem) from None
        return self._writer.write(kind, content)

    def _packet(self, motion: MotionFrame, choose: Choose | None) -> bytes:
        if not self._stream:
            if choose is not None:
                raise ValueError("profile raw sends the keypoints that the frame says")
            return encode_raw(motion)
        if self._confirm_after is not None:
            self._stream.acknowledge(self._stream.number - self._confirm_after)
        return self._stream.encode(motion, choose).data

    def _flush(self) -> None:
        if self._file:
            self._put(self._file.flush())
        elif self._waiting:
            self._put(Packets(self.frames - len(self._waiting), tuple(self._waiting)))
            self._waiting = []

    def _put(self, motion: Run | Packets | None) -> None:
        if motion is not None:
            self.motion_bytes += self._writer.write(kinds.MOTION, motion)


class TalkReader:
    """Iterates over a talk; the header is read at once.

    Args:
        source: anything with `read(n)`: file, pipe, BytesIO.
        find_tables: returns the tables of an id and the first 8 bytes of their hash, or None.
        tolerant: skip damaged sections, and packets whose references are missing, instead of raising.
        start: frames before this number are not yielded; groups before it are not even decoded.

    Raises:
        NotAStream, UnsupportedVersion, UnknownTable, CorruptPacket, TruncatedStream: the header is no good.
    """

    def __init__(
        self,
        source: Readable,
        find_tables: Callable[[int, bytes], CodecTables | None],
        *,
        tolerant: bool = False,
        start: int = 0,
    ) -> None:
        self._sections = FwvReader(source, tolerant=tolerant)
        self.header = self._sections.header
        self.carrier = ""
        self.section_bytes: dict[int, int] = {}
        """Bytes read so far by section type, heads and checksums included."""
        self.section_counts: dict[int, int] = {}
        """How many of each type."""
        self.skipped = 0
        """Sections and packets passed over because of damage (only if tolerant)."""
        self._tolerant, self._start = tolerant, start
        self._epoch, self._next_frame, self._heads = -1, 0, 0
        self._bank = Bank[bool]()
        self._recall: Recall | None = None
        self._file: FileDecoder | None = None
        self._stream: StreamDecoder | None = None
        self.tables_name = ""
        """Of the coding tables; "" in profile raw."""
        if self.header.profile != RAW:
            tables = self._tables(find_tables)
            self.tables_name = tables.name
            self._file = FileDecoder(tables) if self.header.profile == FILE else None
            self._stream = StreamDecoder(tables) if self.header.profile == STREAM else None

    @property
    def offset(self) -> int:
        """Bytes read so far."""
        return self._sections.offset

    def __iter__(self) -> Iterator[Item]:
        """Yield everything in file order; see `bitstream.container.FwvReader` for what is raised when."""
        before = self._sections.offset
        for section in self._sections:
            used = self._sections.offset - before
            self.section_bytes[section.kind] = self.section_bytes.get(section.kind, 0) + used
            self.section_counts[section.kind] = self.section_counts.get(section.kind, 0) + 1
            before = self._sections.offset
            if not section.intact:
                self.skipped += 1
                continue
            try:
                yield from self._items(section)
            except (CorruptPacket, MissingReference):
                if not self._tolerant:
                    raise
                self.skipped += 1

    def _tables(self, find: Callable[[int, bytes], CodecTables | None]) -> CodecTables:
        tables = find(self.header.table, self.header.table_hash)
        if tables is None or tables.keypoints != self.header.keypoints:
            raise UnknownTable(20, self.header.table, self.header.table_hash)
        return tables

    def _items(self, section: Section) -> Iterator[Item]:
        if self._epoch < 0 and kinds.SOURCE < section.kind < kinds.END:
            raise CorruptPacket(section.offset, "the first section is not a source")
        if section.kind == kinds.SOURCE:
            yield self._source(section)
        elif section.kind == kinds.MOTION:
            yield from self._motion(section)
        elif section.kind == kinds.AUDIO_HEAD:
            self._heads += 1
            if self._heads > 1:
                raise CorruptPacket(section.offset, "a second audio head")
            yield AudioHead.parse(section.payload, section.start)
        elif section.kind == kinds.AUDIO:
            if not self._heads:
                raise CorruptPacket(section.offset, "sound without an audio head")
            yield Audio.parse(section.payload, section.start)
        elif section.kind == kinds.PATCH:
            yield Patch.parse(section.payload, section.start, (self.header.width, self.header.height))
        elif section.kind == kinds.REFERENCE:
            yield self._reference(section)
        elif section.kind == kinds.RECALL:
            self._recall = Recall.parse(section.payload, section.start)
        elif section.kind == kinds.INDEX:
            kinds.Index.parse(section.payload, section.start)
        elif section.kind == kinds.END:
            End.parse(section.payload, section.start)

    def _source(self, section: Section) -> SourcePicture:
        source = Source.parse(section.payload, section.start)
        expected = self._epoch + 1
        if source.epoch != expected and not (self._tolerant and source.epoch > expected):
            raise CorruptPacket(section.start, f"source {source.epoch} stands where {expected} should")
        recalls = self._recalled(source, section.start)
        motion = None
        decoder = self._file or self._stream
        if decoder:
            motion = decoder.source(source.epoch, source.anchor, section.start)
        elif source.anchor:
            raise CorruptPacket(section.start, "profile raw has no anchors")
        self._epoch = source.epoch
        if source.mime != kinds.MIME_NONE:
            self._bank.add(source.epoch, True)
        mime = kinds.MIME_TYPES.get(source.mime)
        return SourcePicture(source.epoch, source.frame, mime, source.picture, motion, recalls)

    def _recalled(self, source: Source, offset: int) -> int | None:
        """Return the epoch that a source's picture came with if the section before named one."""
        recall, self._recall = self._recall, None
        if recall is None or (self._tolerant and recall.epoch < source.epoch):
            return None
        if recall.epoch != source.epoch or source.mime != kinds.MIME_NONE:
            raise CorruptPacket(offset, f"the recall of epoch {recall.epoch} belongs to another source")
        if self._bank.recall(recall.picture) is None:
            raise MissingReference(offset, recall.picture, "source")
        return recall.picture

    def _reference(self, section: Section) -> TalkReference:
        if self._epoch < 0:
            raise CorruptPacket(section.offset, "the first section is not a source")
        reference = Reference.parse(section.payload, section.start)
        decoder, offset = (
            self._file or self._stream,
            section.start + len(section.payload) - len(reference.motion),
        )
        if decoder:
            return TalkReference(reference.frame, decoder.reference(reference.motion, offset))
        return TalkReference(reference.frame, decode_raw(reference.motion, self.header.keypoints, offset))

    def _motion(self, section: Section) -> Iterator[DecodedFrame]:
        if self._file:
            frames = self._run(section, self._file)
        else:
            packets = Packets.parse(section.payload, section.start, complete=section.whole)
            self._ordered(packets.first, section.start)
            frames = self._raw(packets) if not self._stream else self._packets(packets, self._stream)
        for frame in frames:
            if frame.number >= self._start:
                yield frame

    def _run(self, section: Section, decoder: FileDecoder) -> Iterator[DecodedFrame]:
        run = Run.parse(section.payload, section.start)
        self._ordered(run.first, section.start)
        self._next_frame = run.first + run.count
        if run.epoch != self._epoch:
            raise MissingReference(section.start, run.epoch, "source")
        if self._next_frame > self._start:
            yield from decoder.decode(run, section.start, complete=section.whole)

    def _packets(self, packets: Packets, decoder: StreamDecoder) -> Iterator[DecodedFrame]:
        near = packets.first
        head = packets.packets[0] if packets.packets else b""
        if len(head) >= HEAD_BYTES and PacketHead.parse(head).number != near % NUMBERS:
            raise CorruptPacket(packets.offsets[0], "the first packet has another number than its section")
        for packet, offset in zip(packets.packets, packets.offsets):
            try:
                frame = decoder.decode(packet, offset, near)
            except (CorruptPacket, MissingReference, TruncatedStream):
                if not self._tolerant:
                    raise
                self.skipped += 1
                continue
            near = frame.number
            yield frame

    def _raw(self, packets: Packets) -> Iterator[DecodedFrame]:
        self._next_frame = packets.first + len(packets.packets)
        numbered = enumerate(zip(packets.packets, packets.offsets), packets.first)
        for number, (packet, offset) in numbered:
            motion = decode_raw(packet, self.header.keypoints, offset)
            yield DecodedFrame(number, self._epoch, motion, 8.0 * len(packet))

    def _ordered(self, first: int, offset: int) -> None:
        """Check that motion sections do not go back."""
        if first < self._next_frame:
            raise CorruptPacket(offset, f"frame {first} comes after frame {self._next_frame - 1}")
        self._next_frame = first


class Talk(Protocol):
    """A talk that is being read, however it is carried.

    carrier         what it is inside of, "" for a file of its own
    section_bytes   bytes read so far by section type; 0 or more of `offset` belong to none
    section_counts  how many of each type
    skipped         damaged pieces that were passed over
    """

    header: Header
    carrier: str
    section_bytes: dict[int, int]
    section_counts: dict[int, int]
    skipped: int

    @property
    def tables_name(self) -> str:
        """Name of its coding tables, "" where it has none."""

    @property
    def offset(self) -> int:
        """Bytes read so far."""

    def __iter__(self) -> Iterator[Item]: ...


class UpToDamage:
    """The items of a talk up to its end, or up to where it is cut off or damaged.

    `problem` is why it ended early, None as long as nothing is wrong.
    """

    def __init__(self, reader: Talk) -> None:
        self.problem: BitstreamError | None = None
        self._reader = reader

    def __iter__(self) -> Iterator[Item]:
        try:
            yield from self._reader
        except BitstreamError as problem:
            self.problem = problem
