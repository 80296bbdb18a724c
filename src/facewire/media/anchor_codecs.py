"""Ordinary video codecs as elementary streams, for comparison: pictures in, the bytes of each and pictures out.

    pictures -> yuv420p BT.709 -> x264, x265, SVT-AV1 (libav) or VVenC (an ffmpeg program) -> packets -> pictures

Sizes are those of the coded pictures alone: no container, and the messages that x264 and x265 leave about themselves
are not counted. Every setting has one key picture, at the start.
"""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from io import BytesIO
from typing import Any, Final

import av
import numpy as np
from av.codec.codec import Codec, UnknownCodecError
from av.codec.context import CodecContext
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from facewire.base.errors import MediaError
from facewire.media.carrier.annex_b import units
from facewire.media.colours.colour import BT709, RgbConverter, YuvConverter
from facewire.media.frame import Pixels
from facewire.media.libav_errors import reading

LOW_DELAY: Final = "low delay"
"""No picture waits for a later one: what a call can use."""
BEST: Final = "best"
"""Whatever the encoder has: look-ahead, reordered pictures, slow presets."""
ONE_KEY: Final = "9999"
"""Pictures between key pictures: none after the first."""
_X265_ALONE: Final = "info=0:keyint=-1:log-level=0:pools=none:frame-threads=1:wpp=0"
"""One thread: on small pictures more make x265 slower and its streams larger."""
_SVT_ALONE: Final = "scd=0:lp=1"
_VVENC_ALONE: Final = "threads=1"
_VVENC_NOTHING_LATER: Final = "picreordering=0:gopsize=8:lookahead=0:decodingrefreshtype=none:mctf=0:bim=0"


@dataclass(frozen=True, slots=True)
class Anchor:
    """An encoder with settings; only the quality is open.

    name       for people
    mode       LOW_DELAY or BEST
    encoder    libav's name
    decoder    libav's name
    options    libav's
    qualities  the encoder's own scale, best quality first
    """

    name: str
    mode: str
    encoder: str
    decoder: str
    options: tuple[tuple[str, str], ...]
    qualities: tuple[int, ...]

    @property
    def label(self) -> str:
        """Name and mode."""
        return f"{self.name} {self.mode}"


@dataclass(frozen=True, slots=True)
class CodedPictures:
    """What an encoder made: bytes by picture in coding order; their sum is the elementary stream."""

    packets: tuple[bytes, ...]
    sizes: tuple[int, ...]


X264_QUALITIES = (27, 31, 35, 39, 43, 47, 51)
X265_QUALITIES = (27, 31, 35, 39, 43, 47, 51)
SVT_QUALITIES = (35, 43, 49, 54, 58, 61, 63)
VVC_QUALITIES = (32, 37, 42, 47, 52, 57, 63)

ANCHORS: Final = (
    Anchor(
        "x264", LOW_DELAY, "libx264", "h264",
        (("preset", "veryslow"), ("tune", "zerolatency"), ("g", ONE_KEY)), X264_QUALITIES,
    ),
    Anchor("x264", BEST, "libx264", "h264", (("preset", "placebo"), ("g", ONE_KEY)), X264_QUALITIES),
    Anchor(
        "x265", LOW_DELAY, "libx265", "hevc",
        (("preset", "slower"), ("tune", "zerolatency"), ("x265-params", _X265_ALONE)), X265_QUALITIES,
    ),
    Anchor(
        "x265", BEST, "libx265", "hevc", (("preset", "veryslow"), ("x265-params", _X265_ALONE)), X265_QUALITIES
    ),
    Anchor(
        "SVT-AV1", LOW_DELAY, "libsvtav1", "libdav1d",
        (("preset", "3"), ("g", "-1"), ("svtav1-params", f"pred-struct=1:lookahead=0:{_SVT_ALONE}")),
        SVT_QUALITIES,
    ),
    Anchor(
        "SVT-AV1", BEST, "libsvtav1", "libdav1d",
        (("preset", "1"), ("g", "-1"), ("svtav1-params", _SVT_ALONE)), SVT_QUALITIES,
    ),
    Anchor(
        "VVenC", LOW_DELAY, "libvvenc", "vvc",
        (("preset", "medium"), ("vvenc-params", f"{_VVENC_ALONE}:{_VVENC_NOTHING_LATER}")), VVC_QUALITIES,
    ),
    Anchor(
        "VVenC", BEST, "libvvenc", "vvc", (("preset", "medium"), ("vvenc-params", _VVENC_ALONE)), VVC_QUALITIES
    ),
)  # fmt: skip


def absence(anchor: Anchor) -> str:
    """Return why an anchor cannot be run here, or an empty text."""
    if anchor.encoder == "libvvenc":
        if _vvenc_program() is None:
            return "no ffmpeg with libvvenc here: pip install imageio-ffmpeg"
        return "" if _has(anchor.decoder, "r") else "this PyAV cannot decode VVC"
    if not _has(anchor.encoder, "w"):
        return f"this PyAV has no {anchor.encoder}"
    return "" if _has(anchor.decoder, "r") else f"this PyAV has no {anchor.decoder}"


def encode_pictures(
    pictures: Sequence[Pixels], rate: Fraction, anchor: Anchor, quality: int
) -> CodedPictures:
    """Return the elementary stream of pictures (H, W, 3) with even sides, all of one size.

    Raises:
        MediaError: the encoder failed.
    """
    if anchor.encoder == "libvvenc":
        return _by_program(pictures, rate, anchor, quality)
    with reading(anchor.label):
        context = _context(anchor.encoder, "w")
        height, width = pictures[0].shape[:2]
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base, context.framerate = 1 / rate, rate
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.thread_count = 1
        context.options = {**dict(anchor.options), "crf": str(quality)}
        convert, packets = YuvConverter(), list[bytes]()
        for index, pixels in enumerate(pictures):
            picture = convert(pixels)
            picture.pts, picture.time_base = index, 1 / rate
            packets += [bytes(packet) for packet in context.encode(picture)]
        packets += [bytes(packet) for packet in context.encode(None)]
    return CodedPictures(tuple(packets), tuple(_counted(packet, anchor.encoder) for packet in packets))


def decode_pictures(coded: CodedPictures, anchor: Anchor) -> Iterator[Pixels]:
    """Yield the pictures of a stream in the order in which they are shown.

    Raises:
        MediaError: the decoder failed.
    """
    with reading(anchor.label):
        context, convert = _context(anchor.decoder, "r"), RgbConverter()
        packets: list[Packet[Any] | None] = [Packet(data) for data in coded.packets]
        for packet in [*packets, None]:
            for picture in context.decode(packet):
                yield convert(picture, (picture.width, picture.height))


def _context(name: str, mode: str) -> VideoCodecContext:
    context = CodecContext.create(name, mode)  # type: ignore[call-overload]
    assert isinstance(context, VideoCodecContext)
    return context


def _has(name: str, mode: str) -> bool:
    try:
        Codec(name, mode)  # type: ignore[arg-type]
    except UnknownCodecError:
        return False
    return True


def _counted(packet: bytes, encoder: str) -> int:
    """Return the bytes of a packet without what the encoder says about itself (SEI of H.264 and H.265)."""
    if encoder not in ("libx264", "libx265"):
        return len(packet)
    size = len(packet)
    for unit, whole in units(packet):
        kind = unit[0] & 31 if encoder == "libx264" else unit[0] >> 1 & 63
        if kind == (6 if encoder == "libx264" else 39):
            size -= whole
    return size


@cache
def _vvenc_program() -> str | None:
    """Return an ffmpeg that has libvvenc: that of imageio-ffmpeg, or the one on the path."""
    programs = [shutil.which("ffmpeg")]
    if importlib.util.find_spec("imageio_ffmpeg") is not None:
        programs.insert(0, importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe())
    for program in programs:
        if program is not None and b"libvvenc" in _output([program, "-hide_banner", "-encoders"], b""):
            return program
    return None


def _by_program(pictures: Sequence[Pixels], rate: Fraction, anchor: Anchor, quality: int) -> CodedPictures:
    program = _vvenc_program()
    if program is None:
        raise MediaError(anchor.label, absence(anchor))
    height, width = pictures[0].shape[:2]
    convert = YuvConverter()
    raw = b"".join(_planes(convert(pixels)) for pixels in pictures)
    command = [
        *(program, "-hide_banner", "-loglevel", "error", "-threads", "1", "-f", "rawvideo"),
        *("-pix_fmt", "yuv420p", "-s", f"{width}x{height}", "-r", str(rate), "-i", "-"),
        *("-c:v", "libvvenc", "-pix_fmt", "yuv420p10le", "-qp", str(quality), "-qpa", "0", "-period", "3600"),
        *(text for key, value in anchor.options for text in (f"-{key}", value)),
        *("-f", "vvc", "-"),
    ]
    stream = _output(command, raw)
    if not stream:
        raise MediaError(anchor.label, "the encoder gave nothing")
    with reading(anchor.label), av.open(BytesIO(stream), "r", format="vvc") as container:
        packets = tuple(bytes(packet) for packet in container.demux(video=0) if packet.size)
    return CodedPictures(packets, tuple(map(len, packets)))


def _planes(picture: VideoFrame) -> bytes:
    """Return the three planes of a yuv420p picture without padding."""
    return np.ascontiguousarray(picture.to_ndarray()).tobytes()


def _output(command: list[str], data: bytes) -> bytes:
    """Return what a program writes, b"" if it fails."""
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else b""
