"""Decoded clips on disk: every clip once as a plain array that training maps into memory.

`CACHE/ID-HASH.npy` of shape (T, S, S, 3); the hash is of the video's path, size and time and of S, so a changed
video gets a new file. A training step reads two frames without touching a video decoder.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from numpy.lib.format import write_array_header_1_0

from facewire.base.errors import MediaError
from facewire.base.files import atomic_output, name_bytes
from facewire.media.image import resize
from facewire.media.video import VideoReader

Frames = npt.NDArray[np.uint8]


def cache_name(video: Path, side: int) -> str:
    """Return the name, without suffix, under which a video is kept at `side` pixels.

    Raises:
        MediaError: there is no such file.
    """
    try:
        status = video.stat()
    except OSError as problem:
        raise MediaError(video, f"cannot be read ({problem.strerror})") from problem
    key = f"{video.resolve()} {status.st_size} {status.st_mtime_ns} {side}"
    return f"{video.stem}-{hashlib.sha256(name_bytes(key)).hexdigest()[:12]}"


def cached_frames(video: Path, stored: Path, side: int) -> Frames:
    """Return the frames of a square video, (T, side, side, 3) RGB, mapped from `stored`.

    A file that is not there, damaged or of another size is decoded again; it is complete or not there.

    Raises:
        MediaError: the video cannot be decoded or is not square.
        OutputError: the file cannot be written.
    """
    frames = _mapped(stored, side)
    if frames is None:
        _decode(video, stored, side)
        frames = _mapped(stored, side)
    if frames is None:
        raise MediaError(stored, "changes while it is read: give each machine its own --cache folder")
    return frames


def _mapped(stored: Path, side: int) -> Frames | None:
    """Return what is stored, or None where that is not a clip of this size."""
    try:
        frames = np.load(stored, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return None
    fits = frames.dtype == np.uint8 and frames.ndim == 4 and frames.shape[1:] == (side, side, 3)
    return frames if fits and len(frames) else None


def _decode(video: Path, stored: Path, side: int) -> None:
    """Decode a video frame by frame; memory does not grow with its length."""
    with VideoReader(video) as reader:
        width, height = reader.size
        if width != height:
            raise MediaError(video, f"is {width}x{height}: training needs square crops of a head")
        with atomic_output(stored) as temporary, temporary.open("wb") as stream:
            _write_header(stream, 0, side)
            count = 0
            for frame in reader:
                pixels = frame.pixels if width == side else resize(frame.pixels, (side, side))
                stream.write(pixels.tobytes())
                count += 1
            stream.seek(0)
            _write_header(stream, count, side)


def _write_header(stream: BinaryIO, count: int, side: int) -> None:
    """Write the header of an npy file; NumPy leaves room, so it is as long for every count."""
    shape = (count, side, side, 3)
    write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
