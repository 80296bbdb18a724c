"""Writing videos: RGB frames with their times, and the sound of another file in step with them.

    Frame -> BT.709 yuv420p or yuv444p -> H.264 / VP9 (or palette -> GIF) --+
                                                                 +-> container, interleaved -> atomic file
    another file -> sound packets, shifted and cut --------------+

Frames keep their times: a variable frame rate stays variable, so sound that was in step stays in step. The
first frame is at zero in the output (.mkv: or as late as a sound packet before it makes necessary). Only
rounding
is undone: times within one tick of the stated rate are put on it.

Knows nothing about faces.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import gcd
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import av
from av.codec.codec import Codec, UnknownCodecError
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from facewire.base import processors
from facewire.base.errors import ConfigError, OutputError, ShapeError
from facewire.base.files import atomic_output
from facewire.media.colours.colour import (
    FULL_COLOUR,
    HALF_COLOUR,
    YuvConverter,
    pad_to_even,
    tag_bt709,
    to_palette,
)
from facewire.media.frame import Frame, Pixels
from facewire.media.libav_errors import FOREIGN, one_line, writing
from facewire.media.marks.content_credentials import configured, sign
from facewire.media.marks.synthetic_mark import container_tags, mark_container
from facewire.media.sound.audio_track import AudioRule, AudioSource, AudioTrack
from facewire.media.sound.opus_track import OpusFeed, OpusTrack
from facewire.media.timing.steady_clock import SteadyClock

_log = logging.getLogger(__name__)

_PictureMaker = Callable[[Pixels], VideoFrame]

_MAX_CRF = 51
_MAX_CRF_VP9 = 63

_LARGEST_TIMESCALE = 10_000_000
"""Most ticks per second of a video stream; encoders calculate with 32 bits."""

_FINE_TICK = Fraction(1, 90_000)
"""For frames whose own times are too fine."""

_GIF_TICK = Fraction(1, 100)  # seconds; the format's unit of time
_GIF_SHORTEST = 2  # ticks; viewers slow shorter frames down to 10 ticks

_AAC_RATES = frozenset({44100})
_MP4_SOUND = AudioRule(frozenset({"aac", "mp3", "ac3", "eac3", "alac", "flac", "opus"}), "aac", _AAC_RATES)
_MOV_SOUND = AudioRule(
    frozenset({"aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s16be", "pcm_s24le"}), "aac", _AAC_RATES
)
_MKV_SOUND = AudioRule(None, "aac", _AAC_RATES)
_WEBM_SOUND = AudioRule(frozenset({"opus", "vorbis"}), "libopus")

# faststart: the index goes to the front, so that playing starts before the download ends.
# movie_timescale: the unit of the sound's delay against the picture; by default a whole millisecond.
_MOV_OPTIONS = {"movflags": "+faststart", "movie_timescale": "90000"}


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a suffix stands for."""

    muxer: str
    encoder: str
    sound: AudioRule | None
    options: dict[str, str] = field(default_factory=dict)


_KINDS = {
    ".mp4": _Kind("mp4", "libx264", _MP4_SOUND, _MOV_OPTIONS),
    ".mov": _Kind("mov", "libx264", _MOV_SOUND, _MOV_OPTIONS),
    ".mkv": _Kind("matroska", "libx264", _MKV_SOUND),
    ".webm": _Kind("webm", "libvpx-vp9", _WEBM_SOUND),
    ".gif": _Kind("gif", "gif", None),
}


_PIPE = replace(_KINDS[".mkv"], options={"live": "1"})
"""Matroska can be written without going back."""


class _Pipe:
    """The writing side of a pipe as libav wants it: it cannot seek, and says so by having no `seek`."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink

    def write(self, data: bytes) -> int:
        self._sink.write(data)
        self._sink.flush()
        return len(data)


class VideoWriter:
    """A video file in the making; it takes its name only when all of it is written.

        with VideoReader(source) as reader:
            with VideoWriter("out.mp4", (256, 256), reader.rate, audio_from=source) as writer:
                for frame in reader:
                    writer.write(Frame(animate(frame.pixels), frame.pts, frame.time_base))

    The suffix chooses the kind: .mp4, .mov and .mkv are H.264, .webm is VP9, .gif is an animation of 256
    colours per frame, without sound and with at most 50 frames per second (others are left out). H.264 needs
    even sides: an odd one is extended by repeating the last row or column.

    Sound is copied unchanged where the container and common players take it; otherwise it is encoded as AAC
    (Opus in .webm). It is cut to the duration of the video: from the first frame to 1 / rate after the last
    one.

    Args:
        path: the output.
        size: (width, height) of all frames in pixels.
        rate: frames per second that the file states, exact; also how long the last frame lasts.
        audio_from: a file whose sound (sound_choice.py) goes along; a file without sound is no error. Or a feed of
            Opus packets, into which each picture's sound is put before the picture is written.
        audio_start: the moment of `audio_from`, in seconds on its own clock, that is heard with the first
            frame. None: the first frame's own time, which is right for frames timed by `VideoReader` of the
            same file.
        crf: quality from 0 (best) to 51, as for x264; no meaning for .gif.
        overwrite: False refuses an existing `path`.
        sink: write Matroska there as it comes, for pipes; `path` then only stands in messages.
        keyframe_every: most frames from one keyframe to the next, for clips that are read at random places.
        full_colour: colours of all pixels (4:4:4) instead of one in four; few players in hardware show that. No
            meaning for .gif.
        reproducible: H.264 only: the same pictures give the same bytes on every machine, at some cost.
        synthetic: say in the file that a model made the pictures, signed where a certificate is named.

    Raises:
        OutputError: unknown suffix, missing encoder, nothing written, or the file cannot be written.
        MediaError: `audio_from` cannot be read.
        ConfigError: `crf` outside its range; the named certificate cannot be used.
    """

    def __init__(
        self,
        path: str | Path,
        size: tuple[int, int],
        rate: Fraction,
        *,
        audio_from: str | Path | OpusFeed | None = None,
        audio_start: Fraction | None = None,
        crf: int = 18,
        overwrite: bool = True,
        sink: BinaryIO | None = None,
        keyframe_every: int | None = None,
        full_colour: bool = False,
        reproducible: bool = False,
        synthetic: bool = False,
    ) -> None:
        self.path = Path(path)
        self.size = size
        self.rate = Fraction(rate)
        self._sink = sink
        self._kind = _kind(self.path) if sink is None else _PIPE
        self._crf, self._keyframe_every, self._reproducible = crf, keyframe_every, reproducible
        self._pixels = FULL_COLOUR if full_colour else HALF_COLOUR
        self._audio_from = audio_from if self._kind.sound is not None else None
        self._audio_start = audio_start
        self._overwrite = overwrite
        self._synthetic, self._signer = synthetic, configured() if synthetic else None
        if isinstance(rate, float) or self.rate <= 0 or min(size) < 1:
            raise ValueError(f"size {size} and rate {rate!r} must be positive, and rate an exact Fraction")
        if not 0 <= crf <= _MAX_CRF:
            raise ConfigError("crf", crf, f"0 (best) to {_MAX_CRF}")
        _check_encoder(self._kind.encoder, self.path)
        self._exit: ExitStack | None = None
        self._output: _Output | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            if self._sink is None:
                self._temporary = stack.enter_context(atomic_output(self.path, overwrite=self._overwrite))
            self._audio: AudioSource | OpusFeed | None = None
            if self._audio_from is not None:
                feed = self._audio_from
                self._audio = feed if isinstance(feed, OpusFeed) else AudioSource(feed)
                stack.callback(self._audio.close)
            stack.callback(self._abandon)
            self._exit = stack.pop_all()
        return self

    def write(self, frame: Frame) -> None:
        """Append a frame. Its time must be later than that of the frame before.

        Raises:
            OutputError: it cannot be written, for example because the disk is full.
            ShapeError: it does not have the size of the video.
            ValueError: its time is not later.
        """
        if self._exit is None:
            raise RuntimeError("VideoWriter must be entered before frames are written")
        if frame.size != self.size:
            raise ShapeError("frame.pixels", f"[{self.size[1]}, {self.size[0]}, 3]", frame.pixels.shape)
        with writing(self.path):
            output = self._output if self._output is not None else self._begin(frame)
        pts = output.place(frame)
        if pts is not None:
            with writing(self.path):
                output.put(frame.pixels, pts)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._exit is not None
        stack, self._exit = self._exit, None
        if error is not None:
            stack.__exit__(kind, error, trace)
            return
        with stack:  # raising inside makes it remove the temporary file
            if self._output is None:
                raise OutputError(self.path, "no frame was written: the input has none")
            with writing(self.path):
                self._output.finish()
                self._mark()

    def _mark(self) -> None:
        if not self._synthetic or self._sink is not None:
            return
        mark_container(self._temporary, self._kind.muxer)
        if self._signer is not None:
            sign(self._temporary, self.path.suffix, self._signer)

    def _begin(self, first: Frame) -> _Output:
        """Open the container and write its header: with the sound copied, else encoded, else left out."""
        for rule in _attempts(self._kind.sound if self._audio is not None else None):
            try:
                self._output = self._open(first, rule)
                self._output.container.start_encoding()
            except OSError:  # the disk, not the sound
                raise
            except FOREIGN as error:
                self._abandon()
                if rule is None:
                    raise
                _log.warning("the sound does not fit into %s: %s", self._kind.muxer, one_line(error))
            else:
                break
        assert self._output is not None
        return self._output

    def _open(self, first: Frame, rule: AudioRule | None) -> _Output:
        container = av.open(
            f"file:{self._temporary}" if self._sink is None else _Pipe(self._sink),
            "w",
            format=self._kind.muxer,
            container_options=dict(self._kind.options),
        )
        if self._synthetic:
            container.metadata.update(container_tags(self._kind.muxer))
        output = _Output(container, self._kind, self.size, self.rate, self._crf, first, self._pixels)
        output.tune(self._keyframe_every, self._reproducible)
        if rule is not None and self._audio is not None:
            origin = first.time if self._audio_start is None else self._audio_start
            output.track = self._audio.add_to(container, rule, origin)
        return output

    def _abandon(self) -> None:
        """Close the container whatever happened before. After success this does nothing."""
        if self._output is not None:
            with suppress(*FOREIGN):
                self._output.container.close()


class _Output:
    """An open container with its video stream."""

    def __init__(
        self,
        container: OutputContainer,
        kind: _Kind,
        size: tuple[int, int],
        rate: Fraction,
        crf: int,
        first: Frame,
        pixels: str,
    ) -> None:
        self.container = container
        self.track: AudioTrack | OpusTrack | None = None
        self._rate = rate
        self._origin = first.time
        self._tick = _tick(kind, first, rate)
        self._shortest = _GIF_SHORTEST if kind.encoder == "gif" else 1
        self._picture = _picture_maker(kind, pixels)
        self._stream = _video_stream(container, kind, size, rate, crf, self._tick, pixels)
        self._clock = SteadyClock()
        self._last_pts: int | None = None

    def tune(self, keyframe_every: int | None, reproducible: bool) -> None:
        """Set what the encoder would otherwise choose by itself; before the first picture."""
        context = self._stream.codec_context
        if keyframe_every is not None:
            context.gop_size = keyframe_every
        if reproducible:
            # The bytes depend on the number of threads; and with macroblock trees x264's vector code does not give
            # the same twice, even in one thread (seen in about one of five encodings of the same pictures).
            context.thread_count = 1
            context.options = {**context.options, "x264-params": "mbtree=0"}

    def place(self, frame: Frame) -> int | None:
        """When the frame is shown, in ticks from the first one; None if there is no room for it."""
        # Coarse ticks count frames; only fine ones are rounded times.
        rounding = frame.time_base if frame.time_base * 4 <= 1 / self._rate else Fraction(0)
        pts = round(self._clock.place(frame.time - self._origin, rounding, 1 / self._rate) / self._tick)
        if self._last_pts is not None and pts < self._last_pts + self._shortest:
            if self._shortest > 1:
                return None
            raise ValueError(
                f"frame times must increase by {self._tick} s or more; {frame.time} s is too early"
            )
        self._last_pts = pts
        return pts

    def put(self, pixels: Pixels, pts: int) -> None:
        """Write the picture, and the sound up to it."""
        if self.track is not None:
            self.track.pump(pts * self._tick)
        picture = self._picture(pixels)
        picture.pts, picture.time_base = pts, self._tick
        self.container.mux(self._stream.encode(picture))

    def finish(self) -> None:
        """Write what the encoders hold back, the rest of the sound, and the end of the container."""
        self.container.mux(self._stream.encode(None))
        if self.track is not None and self._last_pts is not None:
            self.track.finish(self._last_pts * self._tick + 1 / self._rate)
        self.container.close()


def _attempts(sound: AudioRule | None) -> list[AudioRule | None]:
    """What to try for the sound, best first."""
    return [None] if sound is None else [sound, replace(sound, unchanged=frozenset()), None]


def _kind(path: Path) -> _Kind:
    suffix = path.suffix.lower()
    if suffix not in _KINDS:
        raise OutputError(
            path, f"cannot write video as {suffix or 'a name without suffix'}: use {', '.join(_KINDS)}"
        )
    return _KINDS[suffix]


def check_video_name(path: str | Path) -> None:
    """Raise OutputError unless `VideoWriter` can write files with this suffix here."""
    _check_encoder(_kind(Path(path)).encoder, Path(path))


def _check_encoder(name: str, path: Path) -> None:
    try:
        Codec(name, "w")
    except UnknownCodecError as error:
        raise OutputError(
            path, f"this PyAV has no {name} encoder: reinstall it (pip install --force-reinstall av)"
        ) from error


def _tick(kind: _Kind, first: Frame, rate: Fraction) -> Fraction:
    """The unit of time of the video stream: the largest that counts frame times and frame periods exactly."""
    if kind.encoder == "gif":
        return _GIF_TICK
    for tick in (_common_tick(first.time_base, 1 / rate), first.time_base, 1 / rate):
        if max(tick.numerator, tick.denominator) <= _LARGEST_TIMESCALE:
            return tick
    return _FINE_TICK


def _common_tick(a: Fraction, b: Fraction) -> Fraction:
    """The largest fraction of which both are whole multiples."""
    return Fraction(
        gcd(a.numerator * b.denominator, b.numerator * a.denominator), a.denominator * b.denominator
    )


def _video_stream(
    container: OutputContainer,
    kind: _Kind,
    size: tuple[int, int],
    rate: Fraction,
    crf: int,
    tick: Fraction,
    pixels: str,
) -> VideoStream:
    stream = container.add_stream(kind.encoder, rate=rate, options=_encoder_options(kind.encoder, crf))
    assert isinstance(stream, VideoStream)
    even = kind.encoder == "libx264"
    stream.width, stream.height = (side + side % 2 if even else side for side in size)
    stream.codec_context.time_base = tick
    stream.codec_context.thread_count = processors.wanted() or 0  # 0 leaves it to the encoder
    if kind.encoder == "gif":
        stream.pix_fmt = "pal8"
    else:
        stream.pix_fmt = pixels
        tag_bt709(stream)
    return stream


def _encoder_options(encoder: str, crf: int) -> dict[str, str]:
    match encoder:
        case "libx264":
            return {"crf": str(crf), "preset": "medium"}
        case "libvpx-vp9":
            return {
                "crf": str(crf * _MAX_CRF_VP9 // _MAX_CRF),
                "deadline": "good",
                "cpu-used": "4",
                "row-mt": "1",
            }
        case _:
            return {}


def _picture_maker(kind: _Kind, pixels: str) -> _PictureMaker:
    if kind.encoder == "gif":
        return to_palette
    convert = YuvConverter(pixels)
    return (lambda pixels: convert(pad_to_even(pixels))) if kind.encoder == "libx264" else convert
