"""HDR pictures (PQ and HLG) to SDR: swscale's colour management, through libav's filter `scale`.

    R'G'B' of 16 bits, PQ or HLG, BT.2020 -> light -> BT.709 primaries
        -> HDR reference white (203 cd/m2, ITU-R BT.2408) is SDR white -> BT.1886 -> uint8

Faces and everything else up to reference white get the values that an SDR camera would have given; highlights
beyond it are white.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Final

import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from facewire.media.frame import Pixels

# Values of AVColorTransferCharacteristic, AVColorPrimaries and AVColorSpace (ITU-T H.273).
PQ, HLG = 16, 18
_UNSPECIFIED = frozenset({0, 2})
_BT2020: Final = 9
_KNOWN_MATRICES = frozenset({1, 4, 5, 6, 7, 9})


def is_hdr(picture: VideoFrame) -> bool:
    """Return whether a picture says that it is PQ or HLG."""
    return picture.color_trc in (PQ, HLG)


class ToneMapper:
    """Turns HDR pictures into SDR arrays. Keeps the scaler between calls."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def __call__(self, picture: VideoFrame, size: tuple[int, int], interpolation: int) -> Pixels:
        """Return uint8 [H, W, 3].

        Args:
            picture: PQ or HLG. What it does not say is taken as BT.2020.
            size: (width, height) of the result.
            interpolation: flags of swscale.

        Raises:
            av.error.FFmpegError, ValueError: this libav cannot do it.
        """
        stated = picture.format.is_rgb or picture.colorspace in _KNOWN_MATRICES
        # Not by the filter, which takes another matrix; and not rgb48le, whose colours come out wrong.
        colours = self._reformatter.reformat(
            picture,
            width=size[0],
            height=size[1],
            format="gbrp16le",
            src_colorspace=None if stated else Colorspace.BT2020,
            dst_color_range=ColorRange.JPEG,
            interpolation=interpolation,
        )
        primaries = _BT2020 if picture.color_primaries in _UNSPECIFIED else int(picture.color_primaries)
        graph = _graph(size, primaries, int(picture.color_trc), threading.get_ident())
        try:
            graph.push(colours)
            shown = graph.pull()
        except BaseException:
            _graph.cache_clear()
            raise
        assert isinstance(shown, VideoFrame)
        return np.ascontiguousarray(shown.to_ndarray(), dtype=np.uint8)


@lru_cache(maxsize=4)
def _graph(size: tuple[int, int], primaries: int, transfer: int, thread: int) -> Graph:
    """Return a filter, which takes seconds to prepare; each thread has its own."""
    graph = Graph()
    steps = [
        graph.add("buffer", f"video_size={size[0]}x{size[1]}:pix_fmt=gbrp16le:time_base=1/1"),
        graph.add("setparams", f"range=full:colorspace=gbr:color_primaries={primaries}:color_trc={transfer}"),
        graph.add("scale", "out_primaries=bt709:out_transfer=bt709:intent=relative_colorimetric"),
        graph.add("format", "rgb24"),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*steps).configure()
    return graph
