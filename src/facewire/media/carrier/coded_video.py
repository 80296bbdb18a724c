"""Access units that are there already, and Opus packets, in a container; and out of one again.

access unit + its first tick --CodedWriter--> .mp4, .mkv, or the bare stream --CodedReader--> the same, in order
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Any, BinaryIO, Final, Self, cast

import av
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.codec.context import CodecContext
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from facewire.base.errors import MediaError
from facewire.media.libav_errors import FOREIGN, reading, writing
from facewire.media.sound.audio_track import AudioRule
from facewire.media.sound.opus_track import OpusFeed, OpusHead, OpusTrack, packet_samples

MUXERS: Final = {".mp4": "mp4", ".mkv": "matroska", ".h264": "h264", ".h265": "hevc"}
"""What suffixes stand for; the last two are the streams alone."""
BARE: Final = frozenset({"h264", "hevc"})
SOUND_RATE: Final = 48000
_OPTIONS: Final = {"mp4": {"movie_timescale": "90000"}}
_UNCHANGED: Final = AudioRule(frozenset({"opus"}), "libopus")
_ANNEX_B: Final = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}
_OPUS_HEAD_BYTES = 19
_ROUNDED = 480
"""Samples by which a container's times may be off without meaning a gap: 10 ms."""


@dataclass(frozen=True, slots=True)
class VideoUnit:
    """An access unit in Annex B form, and where it lies in the file."""

    data: bytes
    offset: int


@dataclass(frozen=True, slots=True)
class SoundUnit:
    """An Opus packet and its first sample at 48 kHz since the first picture, before pre-skip is taken off."""

    data: bytes
    start: int


class _Pipe:
    """A sink as libav wants it: it cannot seek, and says so by having no `seek`. `size` is what was written."""

    def __init__(self, sink: BinaryIO) -> None:
        self.size = 0
        self._sink = sink

    def write(self, data: bytes) -> int:
        self._sink.write(data)
        self._sink.flush()
        self.size += len(data)
        return len(data)


class _File:
    """A sink that libav can go back in; `size` is how far it reaches."""

    def __init__(self, sink: BinaryIO) -> None:
        self.size = 0
        self._sink = sink

    def write(self, data: bytes) -> int:
        self._sink.write(data)
        self.size = max(self.size, self._sink.tell())
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._sink.seek(offset, whence)

    def tell(self) -> int:
        return self._sink.tell()


class CodedWriter:
    """Writes one video stream and perhaps sound.

    Args:
        sink: where the file goes; it stays open. MP4 and Matroska files are gone back in, where that is possible.
        name: of the output, for error texts.
        muxer: one of `MUXERS`' values.
        codec: "h264" or "hevc".
        rate: ticks a second.
    """

    def __init__(self, sink: BinaryIO, name: str, muxer: str, codec: str, rate: Fraction) -> None:
        self._output = _File(sink) if sink.seekable() else _Pipe(sink)
        self._name, self._muxer, self._codec, self._rate = name, muxer, codec, rate
        self.feed: OpusFeed | None = None
        """Of the sound; to be set before the first access unit."""
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._track: OpusTrack | None = None
        self._waiting: tuple[bytes, int, bool] | None = None

    @property
    def written(self) -> int:
        """Bytes of the file so far."""
        return self._output.size

    def put(self, data: bytes, start: int, *, key: bool) -> None:
        """Add an access unit that is shown from tick `start` on.

        Raises:
            OutputError: it cannot be written.
        """
        with writing(self._name):
            if self._container is None:
                self._open(data)
            self._write(start)
        self._waiting = (data, start, key)

    def finish(self, end: int) -> None:
        """Write what is left; the last access unit is shown until tick `end`."""
        with writing(self._name):
            self._write(end)
            if self._track is not None:
                self._track.finish(end / self._rate)
            if self._container is not None:
                self._container.close()

    def _open(self, first: bytes) -> None:
        """Begin the container with the parameters of the first access unit."""
        piped = isinstance(self._output, _Pipe)
        options = {"live": "1"} if piped else _OPTIONS.get(self._muxer, {})
        container = av.open(cast("Any", self._output), "w", format=self._muxer, options=options)
        with av.open(io.BytesIO(first), format=self._codec) as template:
            stream = container.add_stream_from_template(template.streams.video[0])
        stream.time_base = 1 / self._rate
        if self.feed is not None and self._muxer not in BARE:
            self._track = self.feed.add_to(container, _UNCHANGED, Fraction(0))
        self._container, self._stream = container, stream

    def _write(self, until: int) -> None:
        if self._waiting is None:
            return
        assert self._container is not None
        data, start, key = self._waiting
        if self._track is not None:
            self._track.pump(until / self._rate)
        packet: Packet[Any] = Packet(data)
        packet.stream, packet.time_base = self._stream, 1 / self._rate
        packet.pts = packet.dts = start
        packet.duration, packet.is_keyframe = until - start, key
        self._container.mux(packet)
        self._waiting = None


class _Source:
    """The reading side of a pipe as libav wants it."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe

    def read(self, size: int) -> bytes:
        return self._pipe.read(size)


class CodedReader:
    """An open file whose video is H.264 or H.265; iterates over access units and sound in file order.

    Args:
        source: the file or pipe; it stays open.
        name: for error texts.

    Raises:
        MediaError: it is no video, or one of another codec.
    """

    def __init__(self, source: BinaryIO, name: str) -> None:
        self._name, self._close = name, ExitStack()
        with reading(name):
            container = av.open(cast("Any", source if source.seekable() else _Source(source)), "r")
            assert isinstance(container, InputContainer)
            self._container = self._close.enter_context(container)
        try:
            self._choose()
        except MediaError:
            self._close.close()
            raise

    def _choose(self) -> None:
        video = self._container.streams.video
        self.codec = _codec_of(video[0]) if video else ""
        if self.codec not in _ANNEX_B:
            raise MediaError(self._name, "holds no H.264 or H.265 video")
        self._video = video[0]
        sound = [stream for stream in self._container.streams.audio if _codec_of(stream) == "opus"]
        self._sound = sound[0] if sound else None
        self.sound = None if self._sound is None else _head_of(self._sound.codec_context.extradata or b"")
        """How the sound is coded, None if there is none in Opus."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free what libav holds. Does no harm twice."""
        with suppress(*FOREIGN):
            self._close.close()

    def __iter__(self) -> Iterator[VideoUnit | SoundUnit]:
        """Yield everything in file order.

        Raises:
            MediaError: the file is damaged beyond reading on.
        """
        with reading(self._name):
            plain = BitStreamFilterContext(_ANNEX_B[self.codec], self._video)
            origin: Fraction | None = None
            heard = 0
            for packet in self._container.demux():
                if packet.stream is self._video and packet.size:
                    if origin is None and packet.pts is not None:
                        origin = packet.pts * packet.time_base
                    offset = max(0, packet.pos or 0)
                    yield from (VideoUnit(bytes(out), offset) for out in plain.filter(packet))
                elif self.sound is not None and packet.stream is self._sound and packet.pts is not None:
                    at = round((packet.pts * packet.time_base - (origin or 0)) * SOUND_RATE)
                    start = at + self.sound.pre_skip
                    heard = heard if abs(start - heard) <= _ROUNDED else max(0, start)
                    if packet.size:
                        yield SoundUnit(bytes(packet), heard)
                        heard += packet_samples(bytes(packet))


def _codec_of(stream: VideoStream | AudioStream) -> str:
    """Return libav's name of a stream's codec, "" if it knows none."""
    context = cast("CodecContext | None", stream.codec_context)
    return "" if context is None else context.name


def _head_of(extradata: bytes) -> OpusHead | None:
    """Return what a container says of Opus sound (RFC 7845, 5.1), None if that is nothing we can use."""
    if len(extradata) < _OPUS_HEAD_BYTES or extradata[9] not in (1, 2):
        return None
    pre_skip = int.from_bytes(extradata[10:12], "little")
    return OpusHead(extradata[9], pre_skip, int.from_bytes(extradata[12:16], "little"))
