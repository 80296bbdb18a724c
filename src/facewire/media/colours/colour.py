"""Between PyAV pictures of any pixel format and uint8 RGB arrays.

Reading honours the matrix and range that the stream states. Where it states no matrix, players' custom
applies: BT.709 from 720 lines up, BT.601 below. Writing always makes BT.709 in limited range and says so in
the tags.

HDR (PQ, HLG) becomes SDR (hdr.py); other transfer functions are left alone.
"""

from __future__ import annotations

import logging

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream
from PIL import Image

from facewire.media.colours.hdr import ToneMapper, is_hdr
from facewire.media.frame import Pixels
from facewire.media.image import on_white
from facewire.media.libav_errors import FOREIGN, one_line

_log = logging.getLogger(__name__)

HD_LINES = 720
"""Height in pixels from which an unlabelled video is taken as BT.709."""

HALF_COLOUR, FULL_COLOUR = "yuv420p", "yuv444p"
"""Colours of one in four pixels, as almost every video has them, and of all."""

# Values of AVColorSpace, AVColorPrimaries and AVColorTransferCharacteristic (ITU-T H.273); all three call
# BT.709 "1".
BT709 = 1
_KNOWN_MATRICES = frozenset({1, 4, 5, 6, 7, 9})  # BT.709, FCC, BT.470BG, SMPTE 170M, SMPTE 240M, BT.2020

# swscale's flags by value, since PyAV before 18 does not name all of them: bilinear, exact rounding, full
# chroma resolution on both sides. Exact to 2 levels there and back; the default is off by 3 and blurs chroma.
_EXACT = 0x2 | 0x40000 | 0x2000 | 0x4000


class RgbConverter:
    """Turns decoded pictures of one stream into RGB arrays. Keeps the scaler between calls."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._tone_mapper: ToneMapper | None = ToneMapper()

    def __call__(self, picture: VideoFrame, size: tuple[int, int]) -> Pixels:
        """Return uint8 [H, W, 3] of `size` (width, height); transparency is composited on white."""
        if self._tone_mapper is not None and is_hdr(picture):
            try:
                return self._tone_mapper(picture, size, _EXACT)
            except FOREIGN as error:
                self._tone_mapper = None
                _log.warning("HDR is shown as if it were SDR, which looks dark and grey: %s", one_line(error))
        transparent = _has_alpha(picture)
        converted = self._reformatter.reformat(
            picture,
            width=size[0],
            height=size[1],
            format="rgba" if transparent else "rgb24",
            src_colorspace=_matrix(picture),
            interpolation=_EXACT,
        )
        pixels = np.asarray(converted.to_ndarray(), dtype=np.uint8)
        return on_white(pixels) if transparent else np.ascontiguousarray(pixels)


class YuvConverter:
    """Turns RGB arrays into BT.709 limited-range pictures. Keeps the scaler between calls.

    Args:
        kind: yuv420p, whose colours have half the resolution, or yuv444p.
    """

    def __init__(self, kind: str = HALF_COLOUR) -> None:
        self._kind, self._reformatter = kind, VideoReformatter()

    def __call__(self, pixels: Pixels) -> VideoFrame:
        return self._reformatter.reformat(
            VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24"),
            format=self._kind,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=_EXACT,
        )


def tag_bt709(stream: VideoStream) -> None:
    """Label an output stream as what `YuvConverter` makes."""
    context = stream.codec_context
    context.colorspace = BT709
    context.color_primaries = BT709
    context.color_trc = BT709
    context.color_range = ColorRange.MPEG


def to_palette(pixels: Pixels) -> VideoFrame:
    """Return a pal8 picture with the 256 colours that suit this picture best, error-diffused."""
    picture = Image.fromarray(pixels)
    palette = picture.quantize(256)
    indexed = picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
    colours = np.array(palette.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)
    argb = np.zeros((256, 4), dtype=np.uint8)
    argb[:, 0] = 255
    argb[: len(colours), 1:] = colours
    # PyAV's annotation leaves out the (indices, palette) pair that it documents for pal8.
    return VideoFrame.from_ndarray((np.asarray(indexed), argb), format="pal8")  # type: ignore[arg-type]


def pad_to_even(pixels: Pixels) -> Pixels:
    """Repeat the last row and column where needed, so that height and width are even."""
    height, width = pixels.shape[:2]
    if height % 2 == width % 2 == 0:
        return pixels
    return np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def _has_alpha(picture: VideoFrame) -> bool:
    return picture.format.has_palette or any(part.is_alpha for part in picture.format.components)


def _matrix(picture: VideoFrame) -> int | None:
    """The YUV matrix to assume, or None where the picture states it or has none."""
    if picture.format.is_rgb or picture.colorspace in _KNOWN_MATRICES:
        return None
    return int(Colorspace.ITU709 if picture.height >= HD_LINES else Colorspace.ITU601)
