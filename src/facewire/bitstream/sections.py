"""The sections of a `.fwv` file: values, their bytes, and back (docs/bitstream.md section 9).

Every `parse` takes the payload and its offset in the file and returns a value or raises CorruptPacket or
TruncatedStream. What is inside a coded frame or a picture is not looked at here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from facewire.base.errors import CorruptPacket
from facewire.bitstream.packet import LONGEST_PACKET
from facewire.bitstream.reader import ByteReader, checked
from facewire.bitstream.varint import write_varint

SOURCE: Final = 1
MOTION: Final = 2
AUDIO_HEAD: Final = 3
AUDIO: Final = 4
PATCH: Final = 5
INDEX: Final = 6
END: Final = 7
REFERENCE: Final = 128
RECALL: Final = 129
ANCILLARY: Final = 128
"""From this id on unknown sections are skipped."""

MIME_NONE, MIME_PNG, MIME_JPEG, MIME_WEBP, MIME_AVIF, MIME_JXL, MIME_AV1 = range(7)
MIME_TYPES: Final = {
    MIME_PNG: "image/png",
    MIME_JPEG: "image/jpeg",
    MIME_WEBP: "image/webp",
    MIME_AVIF: "image/avif",
    MIME_JXL: "image/jxl",
    MIME_AV1: "image/av1",
}
"""By id; id 0 is no picture."""
OPUS: Final = 1

MIB = 1 << 20
PAYLOAD_LIMITS: Final = {
    MOTION: MIB,
    AUDIO_HEAD: 8,
    AUDIO: MIB,
    INDEX: MIB,
    END: 8,
    REFERENCE: 1029,
    RECALL: 6,
}
"""Bytes by section type; all others may have 16 MiB."""
OTHER_LIMIT = 16 * MIB
MOST_FRAMES, MOST_ANCHOR = 1024, 1024
MOST_AUDIO, LONGEST_AUDIO = 4096, 8192
MOST_ENTRIES = 65536
LAST_EPOCH, LAST_FRAME, LAST_TIME = 0xFFFF, 0xFFFFFFFF, (1 << 48) - 1


@dataclass(frozen=True, slots=True)
class Source:
    """A source image and its own motion: the start of an epoch.

    epoch    0, 1, 2, ...
    frame    number of the first frame that uses it
    mime     kind of `picture`, a key of MIME_TYPES; 0 keeps the last picture
    anchor   the source's motion, coded; b"" is the zero state
    picture  bytes of a still-picture file
    """

    epoch: int
    frame: int
    mime: int
    anchor: bytes
    picture: bytes

    def to_bytes(self) -> bytes:
        """Return the payload."""
        return b"".join(
            (
                *(write_varint(self.epoch), write_varint(self.frame), bytes((self.mime,))),
                *(write_varint(len(self.anchor)), self.anchor, self.picture),
            )
        )

    @classmethod
    def parse(cls, payload: bytes, offset: int) -> Source:
        """Return the section of a payload that begins at `offset` of the file."""
        reader = ByteReader(payload, offset)
        epoch = reader.varint("the epoch", 0, LAST_EPOCH)
        frame = reader.varint("the frame number", 0, LAST_FRAME)
        mime = checked(reader.uint(1), "the picture type", 0, MIME_AV1, reader.offset - 1)
        anchor = reader.take(reader.varint("the anchor length", 0, MOST_ANCHOR))
        if (mime == MIME_NONE) != (reader.remaining == 0):
            raise CorruptPacket(reader.offset, "picture and picture type contradict each other")
        if epoch == 0 and (mime == MIME_NONE or frame):
            raise CorruptPacket(offset, "the first source needs a picture and starts at frame 0")
        return cls(epoch, frame, mime, anchor, reader.rest())


@dataclass(frozen=True, slots=True)
class Reference:
    """What stands for the talker's rest: a receiver that shows somebody else starts from it.

    frame   number of the first frame that it holds for
    motion  the motion, coded like an anchor; in profile raw like a packet
    """

    frame: int
    motion: bytes

    def to_bytes(self) -> bytes:
        """Return the payload."""
        return write_varint(self.frame) + self.motion

    @classmethod
    def parse(cls, payload: bytes, offset: int) -> Reference:
        """Return the section of a payload that begins at `offset` of the file."""
        reader = ByteReader(payload, offset)
        frame = reader.varint("the frame number", 0, LAST_FRAME)
        if not 1 <= reader.remaining <= MOST_ANCHOR:
            raise CorruptPacket(reader.offset, f"a reference of {reader.remaining} bytes")
        return cls(frame, reader.rest())


@dataclass(frozen=True, slots=True)
class Recall:
    """The source section that follows keeps not the last picture but an earlier one.

    epoch    of that source section
    picture  the epoch that the picture came with
    """

    epoch: int
    picture: int

    def to_bytes(self) -> bytes:
        """Return the payload."""
        return write_varint(self.epoch) + write_varint(self.picture)

    @classmethod
    def parse(cls, payload: bytes, offset: int) -> Recall:
        """Return the section of a payload that begins at `offset` of the file."""
        reader = ByteReader(payload, offset)
        epoch = reader.varint("the epoch", 1, LAST_EPOCH)
        picture = reader.varint("the picture's epoch", 0, epoch - 1)
        reader.finish("a recall")
        return cls(epoch, picture)


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive frames in one range coder run (profile file)."""

    first: int
    count: int
    epoch: int
    data: bytes

    def to_bytes(self) -> bytes:
        """Return the payload, padded with zero bytes to an eighth of the frames."""
        head = write_varint(self.first) + write_varint(self.count) + write_varint(self.epoch)
        return head + self.data.ljust(self.count // 8, b"\0")

    @classmethod
    def parse(cls, payload: bytes, offset: int) -> Run:
        """Return the section of a payload that begins at `offset` of the file."""
        reader = ByteReader(payload, offset)
        first, count = _numbers(reader)
        return cls(first, count, reader.varint("the epoch", 0, LAST_EPOCH), reader.rest())

    def check_length(self, offset: int) -> None:
        """Raise CorruptPacket if there are more than 8 frames a byte."""
        if len(self.data) < self.count // 8:
            raise CorruptPacket(offset, f"{len(self.data)} bytes are too few for {self.count} frames")


@dataclass(frozen=True, slots=True)
class Packets:
    """Packets with their own lengths (profiles stream and raw); `offsets` are their places in the file."""

    first: int
    packets: tuple[bytes, ...]
    offsets: tuple[int, ...] = ()

    def to_bytes(self) -> bytes:
        """Return the payload."""
        head = write_varint(self.first) + write_varint(len(self.packets))
        return head + b"".join(write_varint(len(packet)) + packet for packet in self.packets)

    @classmethod
    def parse(cls, payload: bytes, offset: int, *, complete: bool = True) -> Packets:
        """Return the section of a payload that begins at `offset`; of a cut one, the whole packets in it."""
        reader = ByteReader(payload, offset)
        first, count = _numbers(reader)
        packets, offsets = list[bytes](), list[int]()
        for _ in range(count):
            if not complete and not _holds_packet(reader):
                return cls(first, tuple(packets), tuple(offsets))
            size = reader.varint("the packet length", 0, LONGEST_PACKET)
            offsets.append(reader.offset)
            packets.append(reader.take(size))
        reader.finish("a motion section")
        return cls(first, tuple(packets), tuple(offsets))


@dataclass(frozen=True, slots=True)
class AudioHead:
    """How the sound is coded.

    channels  1 or 2
    pre_skip  samples at 48 kHz to discard at the start
    rate      samples a second of the original, informative
    """

    channels: int
    pre_skip: int
    rate: int

    def to_bytes(self) -> bytes:
        """Return the payload."""
        fields = bytes((OPUS, self.channels)) + self.pre_skip.to_bytes(2, "little")
        return fields + self.rate.to_bytes(4, "little")

    @classmethod
    def parse(cls, payload: bytes, offset: int) -> AudioHead:
        """Return the section of a payload that begins at `offset` of the file."""
        reader = ByteReader(payload, offset)
        checked(reader.uint(1), "the audio codec", OPUS, OPUS, offset)
        channels = checked(reader.uint(1), "the number of audio channels", 1, 2, offset + 1)
        pre_skip = reader.uint(2)
        rate = checked(reader.uint(4), "the audio rate", 8000, 192000, offset + 4)
        reader.finish("the audio head")
        return cls(channels, pre_skip, rate)


@dataclass(frozen=True, slots=True)
class Audio:
    """Opus packets without gaps; `time` of the first in samples at 48 kHz since frame 0."""

    time: int
    packets: tuple[bytes, ...]

    def to_bytes(self) -> bytes:
        """Return the payload."""
        head = write_varint(self.time) + write_varint(len(self.packets))
        return head + b"".join(write_varint(len(packet)) + packet for packet in self.packets)

    @classmethod
    def parse(cls, payload: bytes, offset: int) -> Audio:
        """Return the section of a payload that begins at `offset` of the file."""
        reader = ByteReader(payload, offset)
        time = reader.varint("the audio time", 0, LAST_TIME)
        count = reader.varint("the number of audio packets", 1, MOST_AUDIO)
        packets = tuple(
            reader.take(reader.varint("the audio packet length", 0, LONGEST_AUDIO)) for _ in range(count)
        )
        reader.finish("an audio section")
        return cls(time, packets)


@dataclass(frozen=True, slots=True)
class Patch:
    """A still picture to lay over a region of the synthesised one.

    frame     first frame that shows it
    duration  frames; 0 until the next source
    x y       left upper corner, pixels
    picture   bytes of a still-picture file of width x height pixels
    """

    frame: int
    duration: int
    x: int
    y: int
    width: int
    height: int
    mime: int
    picture: bytes

    def to_bytes(self) -> bytes:
        """Return the payload."""
        box = b"".join(value.to_bytes(2, "little") for value in (self.x, self.y, self.width, self.height))
        head = write_varint(self.frame) + write_varint(self.duration)
        return head + box + bytes((self.mime,)) + self.picture

    @classmethod
    def parse(cls, payload: bytes, offset: int, size: tuple[int, int]) -> Patch:
        """Return the section of a payload at `offset` of the file; `size` is width and height of pictures."""
        reader = ByteReader(payload, offset)
        frame = reader.varint("the frame number", 0, LAST_FRAME)
        duration = reader.varint("the duration", 0, LAST_FRAME)
        at = reader.offset
        x, y, width, height = (reader.uint(2) for _ in range(4))
        checked(width, "the patch width", 1, max(0, size[0] - x), at + 4)
        checked(height, "the patch height", 1, max(0, size[1] - y), at + 6)
        mime = checked(reader.uint(1), "the picture type", MIME_PNG, MIME_AV1, at + 8)
        if not reader.remaining:
            raise CorruptPacket(reader.offset, "a patch has no picture")
        return cls(frame, duration, x, y, width, height, mime, reader.rest())


@dataclass(frozen=True, slots=True)
class Index:
    """Where motion sections begin: pairs of first frame and file offset, in file order."""

    entries: tuple[tuple[int, int], ...]

    def to_bytes(self) -> bytes:
        """Return the payload."""
        out, frame, place = [write_varint(len(self.entries))], 0, 0
        for first, offset in self.entries:
            out += (write_varint(first - frame), write_varint(offset - place))
            frame, place = first, offset
        return b"".join(out)

    @classmethod
    def parse(cls, payload: bytes, offset: int) -> Index:
        """Return the section of a payload that begins at `offset` of the file."""
        reader = ByteReader(payload, offset)
        entries, frame, place = [], 0, 0
        for _ in range(reader.varint("the number of index entries", 0, MOST_ENTRIES)):
            frame += reader.varint("an index entry", 0, LAST_FRAME - frame)
            place += reader.varint("an index entry", 0, LAST_TIME - place)
            entries.append((frame, place))
        reader.finish("the index")
        return cls(tuple(entries))


@dataclass(frozen=True, slots=True)
class End:
    """The last section: number of frames, and bytes of the index section before it (0: none)."""

    frames: int
    index: int

    def to_bytes(self) -> bytes:
        """Return the payload."""
        return self.frames.to_bytes(4, "little") + self.index.to_bytes(4, "little")

    @classmethod
    def parse(cls, payload: bytes, offset: int) -> End:
        """Return the section of a payload that begins at `offset` of the file."""
        reader = ByteReader(payload, offset)
        end = cls(reader.uint(4), reader.uint(4))
        reader.finish("the end")
        return end


def _numbers(reader: ByteReader) -> tuple[int, int]:
    """Return the first frame number and the number of frames of a motion section."""
    first = reader.varint("the frame number", 0, LAST_FRAME)
    return first, reader.varint("the number of frames", 1, min(MOST_FRAMES, LAST_FRAME - first + 1))


def _holds_packet(reader: ByteReader) -> bool:
    """Return whether a length and a whole packet lie ahead."""
    ahead = ByteReader(reader.data[reader.at : reader.at + 8], reader.offset)
    if ahead.remaining < 8 and all(byte & 0x80 for byte in ahead.data):
        return False
    return reader.remaining >= ahead.varint("the packet length", 0, LONGEST_PACKET) + ahead.at
