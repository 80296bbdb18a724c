"""What each raw video gave, on disk until it is packed into shards.

    OUT/parts/AB/KEY.tar    the clips' files, where there are clips
    OUT/parts/AB/KEY.json   which clips, what was left out, made from what: written last, so it means "done"
    OUT/parts/AB/KEY-N.jpg  a picture of something left out

AB is two digits of the key's hash. Every file is complete or not there, so a run that is killed anywhere loses only
the videos that were being worked on. Knows nothing about videos and faces.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from facewire.base.config import from_dict
from facewire.base.errors import FacewireError, OutputError
from facewire.base.files import atomic_output, read_json, write_advice, write_json
from facewire.data.preparation.clip_file import DESCRIPTION, LABELS, VIDEO, ClipDescription
from facewire.data.preparation.takes import Rejected
from facewire.media.frame import Pixels
from facewire.media.image import save_image

VERSION = 1
"""Raise it when the same video and settings would give other clips."""

PARTS = "parts"


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside a tar."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Record:
    """What a video gave.

    key         of the video
    made_from   hash of the video's place, size, wanted parts and settings
    clips       descriptions
    rejected    what was left out
    """

    key: str
    made_from: str
    clips: tuple[ClipDescription, ...]
    rejected: tuple[Rejected, ...]


def clip_members(name: str, video: bytes, labels: bytes, description: bytes) -> list[Member]:
    """Return the files of a clip in the order in which shards hold them."""
    parts = ((VIDEO, video), (LABELS, labels), (DESCRIPTION, description))
    return [Member(f"{name}.{end}", data) for end, data in parts]


def write_tar(stream: Any, members: Iterable[Member]) -> list[tuple[int, int]]:
    """Write a tar whose bytes depend on the members alone; return offset and size of each member's data."""
    places = []
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member in members:
            entry = tarfile.TarInfo(member.name)
            entry.size, entry.mode = len(member.data), 0o644
            tar.addfile(entry, io.BytesIO(member.data))
            places.append((tar.offset - _padded(entry.size), entry.size))
    return places


def read_tar(path: Path) -> list[Member]:
    """Return the members of a tar that `write_tar` made.

    Raises:
        OSError, tarfile.TarError: it cannot be read.
    """
    with tarfile.open(path, "r:") as tar:
        found = []
        for entry in tar:
            stream = tar.extractfile(entry)
            if stream is not None:
                found.append(Member(entry.name, stream.read()))
        return found


def _padded(size: int) -> int:
    return -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE


def part_path(out: Path, key: str, suffix: str) -> Path:
    """Return where a file of a video's part lies."""
    return out / PARTS / hashlib.sha256(key.encode()).hexdigest()[:2] / f"{key}{suffix}"


def write_part(
    out: Path, record: Record, members: Iterable[Member], thumbnails: Mapping[int, Pixels]
) -> None:
    """Store what a video gave; when the record is there, all of it is.

    Raises:
        OutputError: it cannot be written.
    """
    target = part_path(out, record.key, ".json")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise OutputError(target.parent, write_advice(problem)) from problem
    if record.clips:
        with atomic_output(part_path(out, record.key, ".tar")) as temporary, temporary.open("wb") as stream:
            write_tar(stream, members)
    for index, pixels in thumbnails.items():
        save_image(part_path(out, record.key, f"-{index}.jpg"), pixels)
    write_json(target, asdict(record))


def read_record(out: Path, key: str) -> Record | None:
    """Return what a video gave, None where it was not worked on to the end."""
    path = part_path(out, key, ".json")
    try:
        stored = read_json(path)
        return Record(
            key=stored["key"],
            made_from=stored["made_from"],
            clips=tuple(from_dict(ClipDescription, clip) for clip in stored["clips"]),
            rejected=tuple(from_dict(Rejected, rejected) for rejected in stored["rejected"]),
        )
    except (FacewireError, KeyError, TypeError):
        return None


def fingerprint(*parts: object) -> str:
    """Return a hash of anything that JSON can hold."""
    text = json.dumps([VERSION, *parts], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
