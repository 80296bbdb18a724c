"""One picture as an access unit of H.264 or H.265, and access units that repeat it.

    pixels -> yuv420p BT.709 -> x264 or x265, constant quantiser -> Annex B bytes without messages -> pixels

A repeat is a predicted picture that changes nothing: some ten bytes, whatever it repeats; so it is made of grey.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from av.codec.context import CodecContext
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext

from facewire.base.errors import MediaError
from facewire.media.carrier.annex_b import without
from facewire.media.colours.colour import BT709, RgbConverter, YuvConverter
from facewire.media.frame import Pixels
from facewire.media.libav_errors import reading

FINEST, COARSEST = 16, 48
"""Quantisers of qualities 100 and 0; 75 is 24, about as good as AVIF's 75, and 50 is 32."""
_COMMON: Final = {"tune": "zerolatency", "g": "9999"}


@dataclass(frozen=True, slots=True)
class KeyCodec:
    """A codec of key pictures: libav's names, what NAL units to leave out, and settings."""

    encoder: str
    decoder: str
    messages: frozenset[int]
    shift: int
    preset: str
    parameters: str
    """Name of the option that takes the encoder's own, and what precedes the quantiser there."""

    def options(self, quality: int) -> dict[str, str]:
        """Return libav's options for a quality of 1 to 100."""
        quantiser = round(COARSEST + (FINEST - COARSEST) * quality / 100)
        name, _, fixed = self.parameters.partition("=")
        return {**_COMMON, "preset": self.preset, name: f"{fixed}:qp={quantiser}"}


KEY_CODECS: Final = {
    "h264": KeyCodec("libx264", "h264", frozenset({6}), 0, "veryslow", "x264-params=ref=1:annexb=1"),
    "h265": KeyCodec(
        "libx265",
        "hevc",
        frozenset({39, 40}),
        1,
        "slower",
        "x265-params=info=0:keyint=-1:repeat-headers=1:log-level=0:pools=none:frame-threads=1:wpp=0",
    ),
}


def encode_key(pixels: Pixels, kind: str, quality: int) -> bytes:
    """Return a picture (H, W, 3) with even sides as an access unit to begin with; `kind` is of `KEY_CODECS`.

    Raises:
        MediaError: a side is odd, or the encoder failed.
    """
    height, width = pixels.shape[:2]
    if height % 2 or width % 2:
        raise MediaError(f"a picture of {width}x{height}", f"{kind} needs even sides: choose another --size")
    codec = KEY_CODECS[kind]
    with reading(kind):
        encoder = _Pictures(codec, (width, height), quality)
        return without(codec.messages, codec.shift, encoder.put(pixels))


def decode_key(data: bytes, kind: str, name: str, most_pixels: int) -> Pixels:
    """Return the first picture of an access unit, uint8 [H, W, 3].

    Raises:
        MediaError: there is none, or one of more than `most_pixels`.
    """
    with reading(name):
        context = _context(KEY_CODECS[kind].decoder, "r")
        context.options = {"max_pixels": str(most_pixels)}
        packets: list[Packet | None] = [Packet(data), None]  # type: ignore[type-arg]
        for packet in packets:
            for picture in context.decode(packet):
                if picture.width * picture.height > most_pixels:
                    raise MediaError(name, f"is a picture of more than {most_pixels:,} pixels")
                return RgbConverter()(picture, (picture.width, picture.height))
    raise MediaError(name, "holds no picture")


def repeats(size: tuple[int, int], kind: str, quality: int) -> Iterator[bytes]:
    """Yield the access units that repeat a key picture of this size and quality, first, second, ...

    Args:
        size: width and height.
        kind: of `KEY_CODECS`.
        quality: that the key picture was coded with, 1 to 100.
    """
    codec = KEY_CODECS[kind]
    encoder = _Pictures(codec, size, quality)
    grey = np.full((size[1], size[0], 3), 128, np.uint8)
    encoder.put(grey)
    while True:
        yield without(codec.messages, codec.shift, encoder.put(grey))


class _Pictures:
    """An encoder that gives an access unit for every picture at once."""

    def __init__(self, codec: KeyCodec, size: tuple[int, int], quality: int) -> None:
        context = _context(codec.encoder, "w")
        context.width, context.height = size
        context.pix_fmt = "yuv420p"
        context.time_base = context.framerate = Fraction(1)
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.thread_count = 1
        context.options = codec.options(quality)
        self._context, self._convert, self._next = context, YuvConverter(), 0

    def put(self, pixels: Pixels) -> bytes:
        """Return the access unit of the next picture."""
        picture = self._convert(pixels)
        picture.pts, picture.time_base = self._next, Fraction(1)
        self._next += 1
        return b"".join(bytes(packet) for packet in self._context.encode(picture))


def _context(name: str, mode: str) -> VideoCodecContext:
    context = CodecContext.create(name, mode)  # type: ignore[call-overload]
    assert isinstance(context, VideoCodecContext)
    return context
