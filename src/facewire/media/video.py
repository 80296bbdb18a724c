"""Videos in and out: the names that other rooms use.

`VideoReader` yields frames with their true times, `VideoWriter` keeps them; `retime` makes the rate constant
for consumers that count frames. `opened_sink` takes the name of a numbered picture, such as %04d.png, too.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from facewire.media.frame import Frame
from facewire.media.picture_sequence import PictureSequence, is_sequence
from facewire.media.timing.retime import retime
from facewire.media.video_reader import VideoReader, count_frames
from facewire.media.video_writer import VideoWriter

__all__ = ["Frame", "VideoReader", "VideoWriter", "count_frames", "opened_sink", "retime"]


def opened_sink(
    path: str | Path,
    size: tuple[int, int],
    rate: Fraction,
    *,
    overwrite: bool = True,
    synthetic: bool = False,
    **of_video: Any,
) -> VideoWriter | PictureSequence:
    """Return what frames are written to: a video (`of_video`: see VideoWriter), or numbered pictures."""
    if is_sequence(path):
        return PictureSequence(path, overwrite=overwrite, synthetic=synthetic)
    return VideoWriter(path, size, rate, overwrite=overwrite, synthetic=synthetic, **of_video)
