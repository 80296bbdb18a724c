"""What there is to do: raw videos, whose they are, and which parts of them are wanted.

    folder  every video below it (folder.py); the first folder below the root names the person, without one the file
    list    one line for each: PATH[,IDENTITY[,train|val]], paths relative to the list
    pipe    a list as well, "-" is standard input; paths relative to where we are

Lists of published data sets: see voxceleb.py and talking_head.py.
"""

from __future__ import annotations

import csv
import hashlib
import re
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TextIO

from facewire.base.errors import ConfigError, MediaError
from facewire.base.files import name_bytes
from facewire.data.preparation.lists.folder import MACOS, is_video_name, look_through

PIPE = Path("-")
SPLITS = ("train", "val")


@dataclass(frozen=True, slots=True)
class Tube:
    """A part of a video that a list names.

    name   of the clip; more than one from the same tube are numbered
    start  first moment, seconds from the video's first frame
    end    moment after the last frame, seconds
    box    left, top, right, bottom as shares of the picture, or None
    fixed  whether `box` is the crop itself; else it only says which face is meant
    """

    name: str
    start: float = 0.0
    end: float = float("inf")
    box: tuple[float, float, float, float] | None = None
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class FrameTube:
    """The same counted in the video's own frames, for lists that do so: first and last frame, both included."""

    name: str
    first: int
    last: int
    box: tuple[float, float, float, float]

    def at(self, rate: float) -> Tube:
        """Return it in seconds of a video with `rate` frames per second."""
        return Tube(self.name, self.first / rate, (self.last + 1) / rate, self.box, fixed=True)


@dataclass(frozen=True, slots=True)
class RawVideo:
    """One video to prepare: the unit of work, of failure and of resuming.

    key       its name among all of them, fit for files
    path      where it is; it need not exist
    identity  whose face it shows, as far as is known
    split     train or val, or None: decided by the identity
    tubes     the wanted parts; none means all of it
    """

    key: str
    path: Path
    identity: str
    split: str | None = None
    tubes: tuple[Tube | FrameTube, ...] = ()


def find_videos(source: Path) -> list[RawVideo]:
    """Return the videos of a folder, of a list, or of a list that comes through a pipe ("-": standard input), by key.

    Raises:
        MediaError: there is no such file or folder, or it names no video.
        ConfigError: a line of the list cannot be understood.
    """
    if source.is_dir():
        videos = [_of_folder(path, source) for path in look_through(source).videos]
    elif source.is_file() and is_video_name(source):
        raise MediaError(source, "is a video: give its folder, or a list with its path")
    elif source == PIPE or source.exists():
        videos = _of_list(source)
    else:
        raise MediaError(source, "no such folder or list: check the path")
    if not videos:
        raise MediaError(source, "names no video")
    return in_order(videos)


def in_order(videos: Iterable[RawVideo]) -> list[RawVideo]:
    """Return videos by key.

    Raises:
        ConfigError: two have the same key.
    """
    ordered = sorted(videos, key=lambda video: video.key)
    for one, other in pairwise(ordered):
        if one.key == other.key:
            raise ConfigError("list", one.key, f"each video once; {one.path} and {other.path} have one name")
    return ordered


def key_of(text: str) -> str:
    """Return a name fit for files and for members of shards: letters, digits, _, - and #; no dot.

    What had to be replaced or cut is told apart by a hash.
    """
    joined = text if "__" in text else text.replace("/", "__")
    key = re.sub(r"[^\w#-]", "_", joined, flags=re.ASCII)
    if key == joined and len(key) <= 120:
        return key
    return f"{key[:100]}-{hashlib.sha256(name_bytes(text)).hexdigest()[:8]}"


def split_of(video: RawVideo, val_share: float, seed: int) -> str:
    """Return train or val: what the list says, else by the identity, so that nobody is in both."""
    if video.split is not None:
        return video.split
    digest = hashlib.sha256(name_bytes(f"{seed} {video.identity}")).digest()
    return "val" if int.from_bytes(digest[:8], "big") < val_share * 2**64 else "train"


def _of_folder(path: Path, root: Path) -> RawVideo:
    below = path.relative_to(root)
    stem = below.with_suffix("").as_posix()
    key = key_of(stem if below.suffix.lower() == ".mp4" else f"{stem}{below.suffix}")
    identity = below.parts[0] if len(below.parts) > 1 else below.stem
    return RawVideo(key, path, identity)


def _opened(source: Path) -> AbstractContextManager[TextIO]:
    """Open a list; standard input stays open."""
    if source == PIPE:
        return nullcontext(sys.stdin)
    return source.open(encoding="utf-8-sig", newline="")


def _is_on_disk(source: Path) -> bool:
    """Return whether paths can be relative to a list; a shell's pipes lie in /dev or /proc."""
    return source.is_file() and source.parts[:2] not in (("/", "dev"), ("/", "proc"))


def _of_list(source: Path) -> list[RawVideo]:
    videos = []
    try:
        with _opened(source) as stream:
            rows = [row for row in csv.reader(stream) if row and not row[0].lstrip().startswith("#")]
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise MediaError(
            source, f"is no list of videos ({problem}): one PATH[,IDENTITY[,SPLIT]] a line"
        ) from problem
    folder = source.parent if _is_on_disk(source) else Path()
    for row in rows:
        path, identity, split, *more = [cell.strip() for cell in row] + [""] * (3 - len(row))
        if any(more) or not path or split not in ("", *SPLITS):
            raise ConfigError("list", ",".join(row), "lines PATH[,IDENTITY[,train|val]]")
        where = folder / path
        if where.name.startswith(MACOS):
            continue
        videos.append(
            RawVideo(key_of(str(Path(path).with_suffix(""))), where, identity or where.stem, split or None)
        )
    return videos
