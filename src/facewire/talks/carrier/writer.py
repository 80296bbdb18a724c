"""A talk as an H.264 or H.265 stream: like `codec.talk.TalkWriter`, into a video file.

source picture -> key picture, its own motion beside it
frames         -> messages; every second a picture that repeats the key picture, so that it stays to be seen
sound          -> Opus in the container
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from facewire.base.errors import ConfigError
from facewire.bitstream.bank import Bank
from facewire.bitstream.header import Header
from facewire.bitstream.sections import Audio, AudioHead, Patch
from facewire.bitstream.sei.nal import H264, H265, Codec, Message, with_messages
from facewire.codec.encoder import Choose, FileEncoder
from facewire.codec.messages.writer import MotionMessages, Place
from facewire.codec.state import MotionFrame
from facewire.codec.tables.artefact import CodecTables
from facewire.media.carrier.coded_video import BARE, MUXERS, CodedWriter
from facewire.media.carrier.key_picture import repeats
from facewire.media.sound.opus_track import OpusFeed, OpusHead

CODECS: Final[dict[str, Codec]] = {"h264": H264, "h265": H265}
GFV, USER_DATA = "gfv", "user-data"
TICKS: Final = 8
"""Of the stream's clock in a frame: two pictures of one frame lie one tick apart."""
SECOND_PICTURES: Final = 1
"""Seconds after which the picture is repeated."""

Where = Callable[[MotionFrame], Sequence[Place]]
"""Says where a motion has the keypoints of the person who is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """How a talk is carried.

    codec     "h264" or "h265"
    messages  "gfv" as the standard has it, or "user-data" as anybody may define them
    suffix    what the file ends in: .mp4, .mkv, .h264, .h265
    """

    codec: str
    messages: str = GFV
    suffix: str = ".mp4"

    def __post_init__(self) -> None:
        if self.codec not in CODECS:
            reason = ", ".join(CODECS)
            if self.codec == "h266":
                reason += "; no encoder for H.266 can be driven picture by picture here"
            raise ConfigError("carrier", self.codec, reason)
        if self.messages not in (GFV, USER_DATA):
            raise ConfigError("messages", self.messages, f"{GFV}, {USER_DATA}")
        if self.suffix not in suffixes_of(self.codec):
            raise ConfigError("output", self.suffix, ", ".join(suffixes_of(self.codec)))

    @property
    def has_sound(self) -> bool:
        """Whether sound can go along."""
        return MUXERS[self.suffix] not in BARE


def suffixes_of(codec: str) -> list[str]:
    """Return what files with a stream of a codec may end in."""
    return [".mp4", ".mkv", f".{codec}"]


class CarrierWriter:
    """Writes a talk.

    Args:
        sink: where the file goes; it stays open.
        header: of the talk, profile file.
        tables: that the header names.
        carrier: how.
        qualities: of the first picture and of later ones; a repeat is made by the settings of what it repeats.
        where: of keypoints.
        group: frames after which coefficients are quantised anew from the source, as in a file.
    """

    def __init__(
        self,
        sink: BinaryIO,
        header: Header,
        tables: CodecTables,
        carrier: Carrier,
        *,
        qualities: tuple[int, int],
        where: Where,
        group: int,
    ) -> None:
        self.frames = 0
        """Frames so far."""
        self._size, self._qualities = (header.width, header.height), qualities
        self._carrier, self._where = carrier, where
        self._codec, self._second = CODECS[carrier.codec], max(1, round(SECOND_PICTURES * header.fps))
        self._encoder = FileEncoder(tables, group)
        self._messages = MotionMessages(header, private=carrier.messages == USER_DATA)
        self._bank = Bank[bool]()
        muxer = MUXERS[carrier.suffix]
        self._video = CodedWriter(sink, f"a {muxer} file", muxer, self._codec.name, TICKS * header.fps)
        self._repeats: Iterator[bytes] = iter(())
        self._unit: _Unit | None = None
        self._shown = -1

    @property
    def latest(self) -> MotionFrame:
        """What the receiver makes of the frame given last."""
        return self._encoder.latest

    @property
    def written(self) -> int:
        """Bytes of the file so far."""
        return self._video.written

    def source(self, motion: MotionFrame | None, picture: bytes, mime: int = 0) -> int:
        """Write a source image, the access unit of a key picture; return the bytes, its message included."""
        if self._unit is not None and self._unit.key:
            self._repeat()  # two IDR pictures of one number may not follow each other
        self._anchor(motion)
        self._shown = self._encoder.epoch
        self._bank.add(self._shown, True)
        quality = self._qualities[self._shown > 0]
        self._repeats = repeats(self._size, self._carrier.codec, quality)
        self._begin(picture, key=True)
        return len(picture) + self._say(self._messages.base(self._shown, *self._said()))

    def recall(self, motion: MotionFrame | None, epoch: int) -> int:
        """Write that an earlier picture is the source from the next frame on; return the bytes."""
        if self._bank.recall(epoch) is None:
            raise ValueError(f"the receiver does not hold the picture of epoch {epoch}")
        self._anchor(motion)
        self._shown = epoch
        if self._unit is not None and self._unit.frames:
            return self._repeat()
        self._messages.repeated(epoch)
        return 0

    def reference(self, motion: MotionFrame) -> int:
        """Write what stands for rest from the next frame on, and return the bytes."""
        if self._unit is None or self._unit.frames == self._second:
            self._repeat()
        return self._say(self._messages.rest(self._encoder.reference(motion)))

    def frame(self, motion: MotionFrame, choose: Choose | None = None) -> None:
        """Add the next frame; `choose` decides how many keypoints are sent."""
        if self._unit is None or self._unit.frames == self._second:
            self._repeat()
        assert self._unit is not None
        self._encoder.encode(motion, choose)
        self._say(self._messages.frame(*self._said()))
        self._unit.frames += 1
        self.frames += 1

    def audio_head(self, head: AudioHead) -> int:
        """Take how the sound is coded, before the first frame."""
        if self._carrier.has_sound:
            self._video.feed = OpusFeed(OpusHead(head.channels, head.pre_skip, head.rate))
        return 0

    def audio(self, audio: Audio) -> int:
        """Take Opus packets and return their bytes."""
        if self._video.feed is None:
            return 0
        at = audio.time
        for packet in audio.packets:
            at += self._video.feed.put(packet, at)
        return sum(map(len, audio.packets))

    def patch(self, patch: Patch) -> int:
        """Patches have no place in a video stream."""
        raise ValueError("a carrier takes no patches")

    def finish(self) -> None:
        """Write what is left. The sink stays open."""
        self._end()
        self._video.finish(TICKS * self.frames)

    def _anchor(self, motion: MotionFrame | None) -> None:
        self._encoder.flush()
        self._encoder.source(motion)

    def _said(self) -> tuple[Sequence[int], Sequence[Place]]:
        """Return coefficients and places of what was coded last."""
        return self._encoder.levels, self._where(self._encoder.latest)

    def _say(self, message: Message) -> int:
        assert self._unit is not None
        self._unit.messages.append(message)
        return len(message.payload)

    def _repeat(self) -> int:
        self._messages.repeated(self._shown)
        data = next(self._repeats)
        self._begin(data, key=False)
        return len(data)

    def _begin(self, data: bytes, *, key: bool) -> None:
        last = -1 if self._unit is None else self._unit.start
        self._end()
        self._unit = _Unit(data, max(TICKS * self.frames, last + 1), key, [])

    def _end(self) -> None:
        unit, self._unit = self._unit, None
        if unit is not None:
            self._video.put(with_messages(unit.data, unit.messages, self._codec), unit.start, key=unit.key)


@dataclass(slots=True)
class _Unit:
    """An access unit in the making: picture, first tick, whether decoding can begin here, messages, frames in it."""

    data: bytes
    start: int
    key: bool
    messages: list[Message]
    frames: int = 0
