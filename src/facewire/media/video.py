"""Videos in and out: the names that other rooms use.

`VideoReader` yields frames with their true times, `VideoWriter` keeps them; `retime` makes the rate constant
for consumers that count frames.
"""

from __future__ import annotations

from facewire.media.frame import Frame
from facewire.media.timing.retime import retime
from facewire.media.video_reader import VideoReader, count_frames
from facewire.media.video_writer import VideoWriter

__all__ = ["Frame", "VideoReader", "VideoWriter", "count_frames", "retime"]
