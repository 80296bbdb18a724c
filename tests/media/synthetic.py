"""Media made for the tests: pictures that say which frame they are, sound that says when it is.

Frame k of a test video is a plain gray of level `level(k)`, so that a decoded frame can be told from its
neighbours. Test sound is silence with one beep, so that its place can be found after any number of
conversions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from facewire.media.frame import Frame, Pixels
from facewire.media.video import VideoReader

NTSC = Fraction(30000, 1001)
SIZE = (64, 48)  # width, height
FAST = {"preset": "ultrafast", "g": "10"}
FAST_VP9 = {"deadline": "realtime", "cpu-used": "8", "crf": "20"}
ONE = 1 << 16  # in a display matrix


def level(k: int) -> int:
    """Gray level of frame k, 16..235; repeats after 55 frames."""
    return 16 + 4 * (k % 55)


def index_of(frame: Frame) -> int:
    """Which frame of a gray test video this is (below 55)."""
    return round((float(frame.pixels.mean()) - 16) / 4)


def gray(k: int, size: tuple[int, int] = SIZE) -> Pixels:
    return np.full((size[1], size[0], 3), level(k), np.uint8)


def grays(count: int, size: tuple[int, int] = SIZE) -> list[Pixels]:
    return [gray(k, size) for k in range(count)]


def quadrants(size: tuple[int, int] = SIZE) -> Pixels:
    """Red, green / blue, white: shows every wrong turn and mirror."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    y, x = size[1] // 2, size[0] // 2
    pixels[:y, :x] = (200, 30, 30)
    pixels[:y, x:] = (30, 200, 30)
    pixels[y:, :x] = (30, 30, 200)
    pixels[y:, x:] = (220, 220, 220)
    return pixels


def corners(pixels: Pixels) -> str:
    """Names of the colours of `quadrants` in reading order, for example "RGBW"."""
    height, width = pixels.shape[:2]
    names = ""
    for y in (height // 4, 3 * height // 4):
        for x in (width // 4, 3 * width // 4):
            bright = pixels[y, x] > 120
            names += "W" if bright.all() else "RGB"[int(np.argmax(pixels[y, x]))]
    return names


@dataclass(frozen=True)
class Sound:
    """A beep of 50 ms in silence."""

    seconds: float = 2.0
    beep_at: float = 0.5
    """Seconds after the beginning of the sound."""
    start: Fraction = Fraction(0)
    """When the sound begins on the file's clock."""
    codec: str = "aac"
    rate: int = 44100
    layout: str = "stereo"

    def samples(self) -> np.ndarray:
        """float32 [samples], -1..1."""
        time = np.arange(int(self.seconds * self.rate)) / self.rate
        beeping = (time >= self.beep_at) & (time < self.beep_at + 0.05)
        return np.where(beeping, 0.5 * np.sin(2 * np.pi * 1000 * time), 0).astype(np.float32)


def write_video(
    path: Path,
    pictures: Iterable[Pixels],
    *,
    rate: Fraction = NTSC,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    pts: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    sound: Sound | None = None,
    source_format: str = "rgb24",
    muxer_options: dict[str, str] | None = None,
) -> Path:
    """Write a video with PyAV directly, so that reading is not tested against our own writing."""
    chosen = FAST if codec == "libx264" else FAST_VP9 if codec == "libvpx-vp9" else {}
    tick = time_base or 1 / rate
    remaining = iter(pictures)
    first = next(remaining)
    with av.open(str(path), "w", container_options=muxer_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=chosen | (options or {}))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = first.shape[1], first.shape[0]
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = tick
        sound_stream = _sound_stream(container, sound) if sound else None
        for k, picture in enumerate(chain([first], remaining)):
            frame = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format=source_format)
            frame.pts = pts[k] if pts else k
            frame.time_base = tick
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound and sound_stream:
            _write_sound(container, sound_stream, sound)
    return path


def write_sound(path: Path, sound: Sound) -> Path:
    """Write a file that has only sound."""
    with av.open(str(path), "w") as container:
        _write_sound(container, _sound_stream(container, sound), sound)
    return path


def _sound_stream(container: OutputContainer, sound: Sound) -> AudioStream:
    stream = container.add_stream(sound.codec, rate=sound.rate)
    assert isinstance(stream, AudioStream)
    stream.codec_context.layout = sound.layout
    return stream


def _write_sound(container: OutputContainer, stream: AudioStream, sound: Sound) -> None:
    samples = sound.samples()
    channels = stream.codec_context.channels
    first = round(sound.start * sound.rate)
    for begin in range(0, len(samples), 1024):
        piece = np.repeat(samples[None, begin : begin + 1024], channels, axis=0)
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(piece), format="fltp", layout=sound.layout)
        frame.sample_rate = sound.rate
        frame.time_base = Fraction(1, sound.rate)
        frame.pts = first + begin
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def beep_time(path: Path) -> float | None:
    """When the beep in a file is heard, in seconds after its first video frame; None without sound."""
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return None
        for frame in container.decode(audio=0):
            assert frame.pts is not None
            assert frame.time_base is not None
            loud = np.abs(_mono(frame)) > 0.2
            if loud.any():
                heard = frame.pts * frame.time_base + Fraction(int(np.argmax(loud)), frame.sample_rate)
                return float(heard - video_start(path))
    return None


def video_start(path: Path) -> Fraction:
    with av.open(str(path)) as container:
        if not container.streams.video:
            return Fraction(0)
        frame = next(container.decode(video=0))
        assert frame.pts is not None
        assert frame.time_base is not None
        return frame.pts * frame.time_base


def _mono(frame: AudioFrame) -> np.ndarray:
    values = frame.to_ndarray().astype(np.float64)
    if frame.format.name.startswith("s16"):
        values /= 32768
    if not frame.format.is_planar:
        values = values.reshape(-1, len(frame.layout.channels)).T
    return np.asarray(values.mean(axis=0))


def sound_span(path: Path) -> tuple[Fraction, Fraction]:
    """(first packet, end of the last one) of the sound in seconds after the first video frame."""
    start = video_start(path)
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
        assert packets
        times = [(p.pts * p.time_base, (p.duration or 0) * p.time_base) for p in packets if p.pts is not None]
    return times[0][0] - start, times[-1][0] + times[-1][1] - start


def sound_codec(path: Path) -> str | None:
    with av.open(str(path)) as container:
        streams = container.streams.audio
        return streams[0].codec_context.codec.canonical_name if streams else None


def set_display_matrix(path: Path, a: int, b: int, c: int, d: int) -> Path:
    """Patch the track header of an MP4 as a phone would write it. Arguments in units of `ONE`."""
    content = bytearray(path.read_bytes())
    header = content.index(b"tkhd") + 4
    matrix = header + (44 if content[header] == 1 else 32) + 8
    values = (a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30)
    assert struct.unpack_from(">9i", content, matrix) == (ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30)
    struct.pack_into(">9i", content, matrix, *values)
    path.write_bytes(content)
    return path


def read_all(path: Path) -> list[Frame]:
    with VideoReader(path) as reader:
        return list(reader)


def error_line(error: BaseException) -> str:
    """The text of an error, checked to be one readable line."""
    text = str(error)
    assert "\n" not in text
    assert ": " in text
    assert len(text) < 400
    return text
