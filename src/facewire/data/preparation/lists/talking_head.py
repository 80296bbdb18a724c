"""TalkingHead-1KH as published: a list of tubes, one line each.

    --Y9imYnfBw_0000,720,1280,0,271,504,63,792,351

    name of the one-minute chunk, height and width of the pictures the tube was found in, first and last frame,
    left, top, right and bottom of the crop

The chunks are CHUNKS/NAME.mp4, one minute each, cut without encoding; the published name is the video's with _NNNN.
Downloads come in other sizes than the listed one, so the rectangle is rescaled. It stands still over the tube and is
the crop; where it is not square, the square around its middle is. Clips are called NAME_S0_E271_L504_T63_R792_B351.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from facewire.base.errors import ConfigError, MediaError
from facewire.data.preparation.lists.videos import FrameTube, RawVideo, in_order, key_of

CHUNK = re.compile(r"_\d{4}$")


def talking_head_videos(chunks: Path, tubes: Path, split: str | None = None) -> list[RawVideo]:
    """Return the chunks that a list names, each with its tubes, by key.

    Args:
        chunks: folder of the one-minute chunks; those that are not there are reported as missing later.
        tubes: the list, train_video_tubes.txt for example.
        split: train or val; None decides by the video that the chunk is of, or by the list's name where that
            begins with train or val, as the published ones do.

    Raises:
        MediaError: the list cannot be read or is empty.
        ConfigError: a line is not in this format.
    """
    try:
        lines = tubes.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as problem:
        raise MediaError(
            tubes, f"cannot be read ({problem}): give TalkingHead-1KH's list of tubes"
        ) from problem
    if not lines:
        raise MediaError(tubes, "names no tube")
    if split is None:
        split = next((name for name in ("train", "val") if tubes.name.startswith(name)), None)
    by_chunk: dict[str, list[FrameTube]] = defaultdict(list)
    for line in lines:
        chunk, tube = read_tube(line)
        by_chunk[chunk].append(tube)
    return in_order(
        RawVideo(key_of(chunk), chunks / f"{chunk}.mp4", CHUNK.sub("", chunk), split, tuple(found))
        for chunk, found in by_chunk.items()
    )


def read_tube(line: str) -> tuple[str, FrameTube]:
    """Return the chunk's name and the tube of a line.

    Raises:
        ConfigError: it is not in this format.
    """
    try:
        chunk, *cells = line.strip().rsplit(",", 8)
        height, width, first, last, left, top, right, bottom = (int(cell) for cell in cells)
    except ValueError as problem:
        raise ConfigError("tube", line, "NAME,H,W,S,E,L,T,R,B as TalkingHead-1KH has it") from problem
    if not (chunk and 0 <= first <= last and 0 <= left < right <= width and 0 <= top < bottom <= height):
        raise ConfigError("tube", line, "a rectangle inside its picture, and frames in order")
    name = f"{chunk}_S{first}_E{last}_L{left}_T{top}_R{right}_B{bottom}"
    box = (left / width, top / height, right / width, bottom / height)
    return chunk, FrameTube(key_of(name), first, last, box)
