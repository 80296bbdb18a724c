"""Reading videos: upright RGB frames with their true times, one at a time.

    file -> video packets -> pictures -> RGB, upright, square pixels -> one size -> Frame

A stream may change the size, the rotation and the pixel shape of its pictures: each is shown by its own.

Memory does not grow with the length of the clip. Damage is survived where that makes sense: packets that
cannot be decoded are skipped and counted, and what precedes a cut is delivered. Files that are pictures
(still or animated) are read through Pillow, by the same rules as `load_image`.

Knows nothing about faces. Interlaced video is not deinterlaced.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self, cast

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.sidedata.sidedata import SideData
from av.sidedata.sidedata import Type as SideDataType
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from facewire.base.errors import MediaError
from facewire.base.files import check_regular_file
from facewire.media.colours.colour import RgbConverter
from facewire.media.fit import on_canvas, size_inside
from facewire.media.frame import Frame
from facewire.media.image import MAX_PIXELS, TimedPicture, animation, is_picture, resize
from facewire.media.libav_errors import FOREIGN, one_line, reading
from facewire.media.orientation import UPRIGHT, Orientation, from_display_matrix, from_rotation
from facewire.media.sound.choice import sound_of_file, sound_of_pipe

_log = logging.getLogger(__name__)

STILL_RATE = Fraction(25)
"""Frames per second stated for a single picture, and for a video that states nothing plausible."""

_HIGHEST_RATE = 1000
"""Frames per second; some recorders write their clock's ticks here instead of a frame rate."""

_RATE_ROUNDING = Fraction(1, 1_000_000)
"""Relative difference below which a rate is taken for a television rate."""

_TEXT_FORMATS = frozenset({"tty", "concat", "hls", "dash", "sdp", "lavfi"})
"""What libav reads as video although it is text: terminal art, and lists that make it open other files."""

_RAW_PICTURE_STREAMS = frozenset({".mjpeg", ".mjpg"})
"""Suffixes of videos that start like one picture."""

_SANE_PIXEL_ASPECT = (Fraction(1, 4), Fraction(4))
"""Pixel shapes outside are taken as a mistake in the file, and pixels as square."""

MOST_REORDERED = 16
"""Pictures by which the order of decoding and that of showing differ at most: no codec has more."""
MOST_DELAYED = 64
"""Pictures that a decoder holds back at most."""
_PIPE_BEGINNING = 4096
"""Bytes of a pipe that are kept to say what is wrong with it; more than precedes the pictures of an MP4."""

_HELD = 32768
"""Bytes of a pipe that libav can go back."""

_MICROSECOND = Fraction(1, 1_000_000)
_MILLISECOND = Fraction(1, 1000)


Hear = Callable[[AudioStream, "Packet[AudioStream]"], None]
"""Takes a sound stream and its next packet."""


class _Pipe:
    """The reading side of a pipe as libav wants it: it cannot seek, and says so by having no `seek`."""

    def __init__(self, source: BinaryIO) -> None:
        # What is there, not as much as was asked for: live pictures must not wait for a buffer to fill.
        self._read = getattr(source, "read1", source.read)
        self._beginning = b""
        self._taken = 0

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; b"" at the end."""
        data: bytes = self._read(size)
        self._taken += len(data)
        if len(self._beginning) < _PIPE_BEGINNING:
            self._beginning += data[:_PIPE_BEGINNING]
        return data

    @property
    def cannot_go_back(self) -> bool:
        """Whether the index came after pictures that are gone: more than libav holds was read to find it."""
        return self._taken > _HELD and _has_index_at_end(self._beginning)

    def advice(self) -> str:
        """Return what to do about bytes that could not be read as a video."""
        if not self._beginning:
            return "nothing came through the pipe: see what the command before it says"
        if _has_index_at_end(self._beginning):
            return (
                "this MP4 or MOV has its index at the end and cannot be read from a pipe: give the file itself, or "
                "rewrite it first (ffmpeg -i IN.mp4 -c copy -movflags +faststart OUT.mp4)"
            )
        return (
            "what came through the pipe cannot be read as a video: pipe Matroska, WebM, MPEG-TS or fragmented MP4, "
            "or give the file itself"
        )


def _has_index_at_end(data: bytes) -> bool:
    """Return whether a file that begins like this is ISO media whose pictures come before their index."""
    at, kinds = 0, list[bytes]()
    while at + 8 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        kinds.append(kind)
        if kind == b"mdat" or size < 8:
            break
        at += size
    return kinds[-1:] == [b"mdat"] and b"moov" not in kinds


class VideoReader:
    """An open video: what is known about it, and its frames in order, once.

        with VideoReader("clip.mp4") as reader:
            for frame in reader:
                ...

    Every frame has the size `size` and is upright and undistorted; one of another shape than the first one stands in
    the middle of black. Times strictly increase. Times are the file's own: they
    need not start at zero, and the file's sound runs on the same clock.

    Args:
        path: the file.
        pipe: read from there instead, as the bytes come; `path` then only stands in messages. The format must be
            one that can be read without going back: Matroska, WebM, MPEG-TS, fragmented MP4, Y4M.
        hear: called with the sound stream (sound_choice.py) and each of its packets, as they come between those
            of the video, from the first frame's packet on.

        own_sizes: leave each frame the size that it has in the file.

    Raises:
        MediaError: missing, empty, a folder, not a video, without a video stream or without a decodable
            frame; during iteration only if a picture is of a kind that cannot be converted.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        pipe: BinaryIO | None = None,
        hear: Hear | None = None,
        own_sizes: bool = False,
    ) -> None:
        self.path = Path(path)
        pictures = False
        if pipe is None:
            check_regular_file(self.path)
            pictures = self.path.suffix.lower() not in _RAW_PICTURE_STREAMS and is_picture(self.path)
        self._source: _Source = (
            _PictureSource(self.path, own_sizes)
            if pictures
            else _StreamSource(self.path, pipe, hear, own_sizes)
        )

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels, after rotation and with square pixels."""
        return self._source.size

    @property
    def rate(self) -> Fraction:
        """Average frames per second as the file states it, exact; 25 where it states nothing plausible."""
        return self._source.rate

    @property
    def frame_count(self) -> int | None:
        """Estimate of the number of frames; None if the file gives no hint."""
        return self._source.frame_count

    @property
    def duration(self) -> Fraction | None:
        """Length in seconds as the file states it, or None."""
        return self._source.duration

    @property
    def start_time(self) -> Fraction:
        """Time of the first frame in seconds on the file's clock."""
        return self._source.start_time

    @property
    def has_audio(self) -> bool:
        """Whether there is a sound stream as well."""
        return self._source.has_audio

    @property
    def sound(self) -> AudioStream | None:
        """The sound stream that `hear` hears."""
        return self._source.sound

    @property
    def dropped(self) -> int:
        """Packets and pictures skipped so far because they were damaged."""
        return self._source.dropped

    @property
    def truncated(self) -> bool:
        """Whether the file turned out to be cut off; known when the iteration has ended."""
        return self._source.truncated

    def __iter__(self) -> Iterator[Frame]:
        return self._source

    def seek(self, seconds: float) -> None:
        """Go to a moment, counted from the first frame: the next frame is that one or one before it, seldom many.

        Frames are those that reading from the beginning gives, bit for bit. Of what cannot be sought in (pictures,
        files without an index) the next frame is the first. Not for pipes.
        """
        self._source.seek(seconds)

    def close(self) -> None:
        """Close the file. Does no harm twice."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def count_frames(path: str | Path, most: int) -> int:
    """Return how many frames a video can have, counted up to `most`: packets are counted, none is decoded.

    Raises:
        MediaError: it cannot be read.
    """
    check_regular_file(Path(path))
    if is_picture(path):
        return sum(1 for _ in islice(animation(path), most))
    count = 0
    with reading(path), _open(path, None) as container:
        stream = _video_stream(container.streams.video, Path(path), bool(container.streams.audio))
        with suppress(*FOREIGN):  # damage ends the count as it ends the reading
            for packet in container.demux(stream):
                count += packet.size > 0
                if count == most:
                    break
    return count


def _open(path: str | Path, pipe: _Pipe | None) -> InputContainer:
    # The prefix keeps libav from taking "a:b.mp4" for an address; the whitelist from following one.
    return av.open(
        f"file:{path}" if pipe is None else pipe,
        "r",
        metadata_errors="replace",
        container_options={"protocol_whitelist": "file"},
    )


class _Source(Protocol):
    """What `VideoReader` shows, from a stream or from pictures."""

    size: tuple[int, int]
    rate: Fraction
    frame_count: int | None
    duration: Fraction | None
    start_time: Fraction
    has_audio: bool
    sound: AudioStream | None
    dropped: int
    truncated: bool

    def __iter__(self) -> Iterator[Frame]: ...
    def __next__(self) -> Frame: ...
    def seek(self, seconds: float) -> None: ...
    def close(self) -> None: ...


class _PictureSource:
    """A still picture, or an animation, which is read twice: for its rate and for its frames."""

    def __init__(self, path: Path, own_sizes: bool) -> None:
        self._path, self._own_sizes = path, own_sizes
        self.has_audio = False
        self.sound: AudioStream | None = None
        self.dropped = 0
        self.truncated = False
        self.start_time = Fraction(0)
        self.size, durations_ms = self._survey()
        self.frame_count: int | None = len(durations_ms)
        self.duration: Fraction | None = sum(durations_ms) * _MILLISECOND
        self.rate = len(durations_ms) / self.duration
        if len(durations_ms) == 1:
            self.rate, self.duration = STILL_RATE, 1 / STILL_RATE
        self._frames = self._read()

    def _survey(self) -> tuple[tuple[int, int], list[int]]:
        size = (0, 0)
        durations_ms: list[int] = []
        for picture in self._pictures():
            size = size if durations_ms else (picture.pixels.shape[1], picture.pixels.shape[0])
            durations_ms.append(picture.duration_ms)
        return size, durations_ms

    def _pictures(self) -> Iterator[TimedPicture]:
        """The intact pictures; raises only if the first one is not."""
        delivered = 0
        try:
            for picture in animation(self._path):
                yield picture
                delivered += 1
        except MediaError:
            if not delivered:
                raise
            self.truncated = True
            _log.warning("%s: the animation is cut off after %d pictures", self._path, delivered)

    def _read(self) -> Iterator[Frame]:
        pts = 0
        for picture in self._pictures():
            pixels = picture.pixels
            if not self._own_sizes:  # damaged files may change the canvas
                own = (pixels.shape[1], pixels.shape[0])
                fitting = pixels if own == self.size else resize(pixels, size_inside(own, self.size))
                pixels = on_canvas(fitting, self.size)
            yield Frame(pixels, pts, _MILLISECOND)
            pts += picture.duration_ms

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        return next(self._frames)

    def seek(self, seconds: float) -> None:
        """Go back to the first picture: they are few."""
        self._frames = self._read()

    def close(self) -> None:
        self._frames = iter(())


class _StreamSource:
    """The first decodable video stream of a media file."""

    def __init__(self, path: Path, pipe: BinaryIO | None, hear: Hear | None, own_sizes: bool) -> None:
        self._path, self._own_sizes = path, own_sizes
        self._hear, self._piped = hear, pipe is not None
        self.dropped = 0
        self.truncated = False
        piped = None if pipe is None else _Pipe(pipe)
        try:
            with reading(path):
                self._container = _open(path, piped)
        except MediaError as problem:
            raise problem if piped is None else MediaError(path, piped.advice()) from problem
        try:
            if piped is not None and piped.cannot_go_back:
                raise MediaError(path, piped.advice())
            with reading(path):
                self._survey()
        except BaseException:
            self._container.close()
            raise

    def _survey(self) -> None:
        container = self._container
        if container.format.name in _TEXT_FORMATS:
            raise MediaError(self._path, "is a text file or a list of files, not a video")
        self.has_audio = bool(container.streams.audio)
        self.sound = self._choose_sound() if self._hear is not None else None
        self._stream = _video_stream(container.streams.video, self._path, self.has_audio)
        self._time_base = self._stream.time_base or _MICROSECOND
        self.rate = _rate(self._stream)
        self._step = max(1, round(1 / self.rate / self._time_base))
        self._stated_end = _stated_end(container.start_time, container.duration)
        self.duration = _duration(self._stream, container.duration)
        self.frame_count = _frame_count(self._stream, self.duration, self.rate)
        self._convert = RgbConverter()
        self._last_pts: int | None = None
        self._aspects: dict[int | None, Fraction | None] = {}
        self._first_aspect: list[Fraction | None] = []
        """The shape of pixels that the first coded picture states, once that is known."""
        stated = self._stream.codec_context.sample_aspect_ratio
        self._file_states = self._stream.sample_aspect_ratio != stated
        pictures = self._decode()
        first = next(pictures, None)
        if first is None:
            raise MediaError(
                self._path, "no frame can be decoded: the video is empty or damaged, copy it again"
            )
        self._timed = first.pts is not None
        """Whether pictures say when they are shown; else only counting from the first tells which one it is."""
        self._orientation = UPRIGHT
        self._turn(first)
        aspect = self._aspects.get(first.pts)
        self.size = self._own_size(first)
        self._aspects[first.pts] = aspect
        first_frame = self._frame(first)
        self.start_time = first_frame.time
        self._frames: Iterator[Frame] = chain([first_frame], map(self._frame, pictures))

    def _choose_sound(self) -> AudioStream | None:
        if self._piped:
            return sound_of_pipe(self._container)
        return sound_of_file(self._path, self._container)

    def _frame(self, picture: VideoFrame) -> Frame:
        self._turn(picture)
        own = self._own_size(picture)
        shown = own if self._own_sizes else size_inside(own, self.size)
        pixels = self._orientation.apply(self._convert(picture, self._orientation.size(shown)))
        if not self._own_sizes:
            pixels = on_canvas(pixels, self.size)
        return Frame(pixels, self._next_pts(picture.pts), self._time_base)

    def _turn(self, picture: VideoFrame) -> None:
        """Take note of how a picture is turned; what a key frame says, or leaves out, holds until the next one."""
        stated = _orientation(picture)
        if stated is not None or picture.key_frame:
            self._orientation = stated or UPRIGHT

    def _own_size(self, picture: VideoFrame) -> tuple[int, int]:
        """Return the size of a picture upright and with square pixels."""
        own = self._orientation.size(_square_pixel_size(picture, self._aspect(picture)))
        _check_area(own, self._path)
        return own

    def _aspect(self, picture: VideoFrame) -> Fraction | None:
        """Return the shape of a picture's pixels: its own, but what the file states counts until that changes."""
        own = self._aspects.pop(picture.pts, self._stream.codec_context.sample_aspect_ratio)
        if not self._first_aspect:
            self._first_aspect.append(own)
        return self._stream.sample_aspect_ratio if self._file_states and own == self._first_aspect[0] else own

    def _next_pts(self, stated: int | None) -> int:
        """The stated time, moved as little as possible where it is missing or does not increase."""
        if self._last_pts is None:
            self._last_pts = stated or 0
        elif stated is None:
            self._last_pts += self._step
        else:
            self._last_pts = max(stated, self._last_pts + 1)
        return self._last_pts

    def _decode(self) -> Iterator[VideoFrame]:
        """The intact pictures in the order in which they are shown."""
        cut_packet = False
        for packet in self._packets():
            cut_packet = packet.is_corrupt
            yield from self._pictures(packet)
        yield from self._pictures(None)
        self.truncated |= cut_packet or self._ended_early()
        if self.truncated:
            _log.warning("%s: the video is cut off; what precedes the cut was read", self._path)
        if self.dropped:
            _log.warning("%s: %d damaged pictures were skipped", self._path, self.dropped)

    def _packets(self) -> Iterator[Packet[VideoStream]]:
        """The packets of the video stream. Reads all streams to see how far the file goes."""
        self._reached = Fraction(0)
        packets = self._container.demux()
        while True:
            try:
                packet = next(packets, None)
            except FOREIGN as error:
                _log.warning("%s: reading stopped: %s", self._path, one_line(error))
                self.truncated = True
                return
            if packet is None:
                return
            if packet.size == 0:
                continue
            if packet.pts is not None and packet.time_base:
                self._reached = max(self._reached, (packet.pts + (packet.duration or 0)) * packet.time_base)
            if packet.stream_index == self._stream.index:
                yield cast("Packet[VideoStream]", packet)
            elif (
                self.sound is not None and packet.stream_index == self.sound.index and self._hear is not None
            ):
                self._hear(self.sound, cast("Packet[AudioStream]", packet))

    def _pictures(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
        try:
            pictures = self._stream.decode(packet)
        except av.error.EOFError:
            return []
        except FOREIGN:
            self.dropped += 1
            return []
        if packet is not None and len(self._aspects) < MOST_DELAYED:
            self._aspects[packet.pts] = self._stream.codec_context.sample_aspect_ratio
        intact = [picture for picture in pictures if not picture.is_corrupt]
        self.dropped += len(pictures) - len(intact)
        return intact

    def _ended_early(self) -> bool:
        """Whether the packets of all streams together end well before the stated end."""
        tolerance = max(Fraction(1, 10), 2 / self.rate)
        return self._stated_end is not None and self._reached < self._stated_end - tolerance

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        with reading(self._path):
            return next(self._frames)

    def seek(self, seconds: float) -> None:
        """Go to the key frame before a moment, or where that is not found to the first frame."""
        wanted = self.start_time + Fraction(seconds)
        earlier = wanted - MOST_REORDERED / self.rate
        first = self._from(earlier) if self._timed and earlier > self.start_time else None
        if first is not None and first.time <= wanted + _MILLISECOND / 4:
            self._frames = chain([first], self._frames)
            return
        self._container.close()
        with reading(self._path):
            self._container = _open(self._path, None)
            self._survey()

    def _from(self, time: Fraction) -> Frame | None:
        """Return the first frame that is decoded from a time on; the others follow."""
        with suppress(*FOREIGN):  # where there is no index the next frames come from where the file stands
            self._container.seek(math.floor(time / self._time_base), stream=self._stream)
        self._last_pts = None
        self._aspects.clear()
        self._frames = map(self._frame, self._decode())
        return next(self._frames, None)

    def close(self) -> None:
        self._frames = iter(())
        self._container.close()


def _video_stream(streams: Iterable[VideoStream], path: Path, has_audio: bool) -> VideoStream:
    """The first video stream that is not a cover picture."""
    films = [stream for stream in streams if not stream.disposition & Disposition.attached_pic]
    if not films:
        remedy = "only sound: give a video" if has_audio else "or its index is cut off: copy it again"
        raise MediaError(path, f"has no video stream, {remedy}")
    decodable = [stream for stream in films if _has_decoder(stream)]
    if not decodable:
        raise MediaError(path, "no decoder for this kind of video: convert it to MP4 (H.264)")
    stream = decodable[0]
    _check_area((stream.codec_context.width, stream.codec_context.height), path)
    return stream


def _check_area(size: tuple[int, int], path: Path) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise MediaError(path, f"its frames have more than {MAX_PIXELS:,} pixels: make it smaller")


def _has_decoder(stream: Stream) -> bool:
    # PyAV's annotation says that there always is one; there is none for codecs unknown to its libav.
    context: object = stream.codec_context
    return context is not None


def _rate(stream: VideoStream) -> Fraction:
    candidates = (stream.average_rate, stream.guessed_rate, stream.base_rate)
    plausible = (rate for rate in candidates if rate is not None and 0 < rate < _HIGHEST_RATE)
    return _unrounded(next(plausible, STILL_RATE))


def _unrounded(rate: Fraction) -> Fraction:
    """The television rate (24000/1001, 60000/1001, ...) that `rate` is a rounded form of, or `rate` itself.

    Matroska stores the frame period in whole nanoseconds.
    """
    television = round(rate * Fraction(1001, 1000)) * Fraction(1000, 1001)
    return television if abs(television - rate) < rate * _RATE_ROUNDING else rate


def _stated_end(start_us: int | None, duration_us: int | None) -> Fraction | None:
    """The end that the file states, in seconds on its clock."""
    return None if duration_us is None else ((start_us or 0) + duration_us) * _MICROSECOND


def _duration(stream: VideoStream, container_us: int | None) -> Fraction | None:
    if stream.duration is not None and stream.time_base is not None:
        return stream.duration * stream.time_base
    return None if container_us is None else container_us * _MICROSECOND


def _frame_count(stream: VideoStream, duration: Fraction | None, rate: Fraction) -> int | None:
    if stream.frames > 0:
        return stream.frames
    return None if duration is None else round(duration * rate)


def _orientation(picture: VideoFrame) -> Orientation | None:
    """What a picture says about how it is turned; None if it says nothing."""
    try:
        # PyAV's annotation is that of a dictionary keyed by names; it is a mapping keyed by `Type`.
        side_data = cast("Mapping[SideDataType, SideData]", picture.side_data)
        matrix = side_data.get(SideDataType.DISPLAYMATRIX)
    except (
        ValueError
    ):  # one of the data is of a kind that PyAV does not know, as in stereoscopic phone videos
        return from_rotation(picture.rotation) if picture.rotation else None
    return None if matrix is None else from_display_matrix(bytes(matrix))


def _square_pixel_size(picture: VideoFrame, aspect: Fraction | None) -> tuple[int, int]:
    """(width, height) of the stored picture with its width stretched so that pixels are square."""
    lowest, highest = _SANE_PIXEL_ASPECT
    if aspect is None or not lowest <= aspect <= highest:
        return picture.width, picture.height
    return max(1, round(picture.width * aspect)), picture.height
