"""The project's folder: which photos and drivers lie in it, under which names new ones come in, and small pictures.

    folder/  project.json  photo.jpg  talk.mp4  ...      out/  what was rendered

What is no photo, video or recorded motion by its name is not seen.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import cv2

from facewire.animation.clips.source_video import is_video
from facewire.base.errors import FacewireError, MediaError
from facewire.media.frame import Pixels
from facewire.media.image import load_image, resize
from facewire.media.video import VideoReader
from facewire.talks.motion_file import is_motion_file

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".avif", ".bmp", ".tif", ".tiff"})
OUT = "out"
THUMBNAIL = 160
"""Longest side, pixels."""
MOST_MEDIA = 500
"""Files that are listed."""
_ODD = re.compile(r"[^\w .()+@,-]")

Sort = Literal["photo", "video", "motion"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Medium:
    """A file of the folder."""

    name: str
    sort: Sort
    bytes: int


def sort_of(name: str) -> Sort | None:
    """Return what a file is by its name; None if the studio has no use for it."""
    if Path(name).suffix.lower() in PICTURES:
        return "photo"
    if is_video(name) or Path(name).suffix.lower() == ".gif":
        return "video"
    return "motion" if is_motion_file(name) else None


class Library:
    """The media of one folder.

    Args:
        folder: made if need be when the first file comes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def media(self) -> tuple[Medium, ...]:
        """Return what is there, by name."""
        if not self.folder.is_dir():
            return ()
        found = []
        with os.scandir(self.folder) as entries:
            for entry in entries:
                sort = sort_of(entry.name)
                with suppress(OSError):  # gone meanwhile
                    if sort is not None and entry.is_file() and not entry.name.startswith("."):
                        found.append(Medium(name=entry.name, sort=sort, bytes=entry.stat().st_size))
        return tuple(sorted(found, key=lambda medium: medium.name.lower())[:MOST_MEDIA])

    def path(self, name: str) -> Path:
        """Return where a medium lies.

        Raises:
            MediaError: there is none of this name.
        """
        path = self.folder / name
        if Path(name).name != name or sort_of(name) is None or not path.is_file():
            raise MediaError(name, "is not in the project's folder: drop it on the page")
        return path

    def fresh(self, name: str) -> Path:
        """Return where a new medium goes: under its own name if that is free and harmless, else one like it.

        Raises:
            MediaError: it is nothing that can be used here.
        """
        plain = _ODD.sub("_", Path(name.replace("\\", "/")).name).lstrip(". ")[-100:]
        if sort_of(plain) is None or not Path(plain).stem:
            raise MediaError(plain or "this file", "is no photo, video or recorded motion")
        return free(self.folder / plain)

    def output(self, stem: str, suffix: str, taken: frozenset[Path] = frozenset()) -> Path:
        """Return where a result goes, under a name that nothing has yet and nobody waits for."""
        return free(self.folder / OUT / f"{stem}{suffix}", taken)


def free(path: Path, taken: frozenset[Path] = frozenset()) -> Path:
    """Return a path that is free, with a number if need be; numbered pictures are looked at by their first."""
    number, found = 1, path
    while _first(found).exists() or found in taken:
        number += 1
        stem, mark, rest = path.stem.partition("-%")
        found = path.with_name(f"{stem}-{number}{mark}{rest}{path.suffix}")
    return found


def _first(path: Path) -> Path:
    return path.with_name(path.name.replace("%04d", "0001"))


def thumbnail(path: Path, frame: int = 0) -> bytes:
    """Return a small JPEG of a photo or of a frame of a video; nothing of other files and of damaged ones."""
    try:
        picture = picture_of(path, frame)
    except (FacewireError, OSError):
        return b""
    return jpeg(fitted(picture, THUMBNAIL), 80)


def picture_of(path: Path, frame: int = 0) -> Pixels:
    """Return a photo, or a frame of a video, (H, W, 3).

    Raises:
        MediaError: it cannot be read, or there is no such frame.
    """
    if sort_of(path.name) == "photo":
        return load_image(path)
    with VideoReader(path) as reader:
        found = next((one.pixels for one in islice(reader, frame, None)), None)
    if found is None:
        raise MediaError(path.name, f"has no frame {frame}")
    return found


def fitted(picture: Pixels, longest: int) -> Pixels:
    """Return a picture whose longest side is at most so many pixels."""
    height, width = picture.shape[:2]
    share = longest / max(height, width)
    if share >= 1:
        return picture
    return resize(picture, (max(1, round(width * share)), max(1, round(height * share))))


def jpeg(picture: Pixels, quality: int) -> bytes:
    """Return a picture as JPEG."""
    return _coded(picture, ".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality])


def png(picture: Pixels) -> bytes:
    """Return a picture bit by bit, quickly rather than small."""
    return _coded(picture, ".png", [cv2.IMWRITE_PNG_COMPRESSION, 1])


def _coded(picture: Pixels, kind: str, settings: list[int]) -> bytes:
    _, data = cv2.imencode(kind, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), settings)
    return data.tobytes()
