"""The videos below a folder, linked folders included, and a word about what is passed over.

A real folder is read once, whichever links lead to it: the same person under two names would be in train and val.
What macOS lays beside files on foreign disks (`._NAME`) has a video's name and is none.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SUFFIXES: Final = frozenset(
    f".{end}"
    for end in (
        *("mp4", "m4v", "mov", "qt", "f4v", "3gp", "3g2", "mkv", "webm", "ogv", "ogm", "avi", "divx", "dv"),
        *("mpg", "mpeg", "mpe", "m1v", "m2v", "vob", "ts", "mts", "m2ts", "m2t", "mxf", "y4m", "gif"),
        *("asf", "wmv", "flv", "rm", "rmvb"),
    )
)
"""What names of videos end with, in any case."""

MACOS: Final = "._"
"""How names begin under which macOS keeps what a foreign disk cannot hold."""


@dataclass(frozen=True, slots=True)
class Folder:
    """What a folder holds.

    videos       by name, in order
    passed_over  what is none, for people: how many of which kind, and links that lead nowhere new
    """

    videos: tuple[Path, ...]
    passed_over: tuple[str, ...]


def is_video_name(path: Path) -> bool:
    """Return whether a file is a video by its name."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(MACOS)


def look_through(root: Path) -> Folder:
    """Return what is below a folder."""
    words: list[str] = []
    others = Counter[str]()
    videos = []
    for path in _files(root, words):
        if not path.is_file():
            words.append(f"{path}: a link that leads nowhere, or no file: passed over")
        elif is_video_name(path):
            videos.append(path)
        else:
            others[MACOS + "*" if path.name.startswith(MACOS) else path.suffix or "without suffix"] += 1
    if others:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(others.items()))
        words.insert(0, f"{root}: passed over, by their names no videos: {kinds}")
    return Folder(tuple(sorted(videos)), tuple(words))


def _files(root: Path, words: list[str]) -> Iterator[Path]:
    """Yield everything that is no folder, of real folders before linked ones; say what cannot be read."""
    seen: set[Path] = set()
    folders, links = deque([root]), deque[Path]()
    while folders or links:
        folder = folders.popleft() if folders else links.popleft()
        real = folder.resolve()
        if real in seen:
            words.append(f"{folder}: leads to a folder that is read already: passed over")
            continue
        seen.add(real)
        try:
            entries = sorted(folder.iterdir())
        except OSError as problem:
            words.append(f"{folder}: cannot be read ({problem.strerror}): passed over")
            continue
        for entry in entries:
            if not entry.is_dir():
                yield entry
            elif entry.is_symlink():
                links.append(entry)
            else:
                folders.append(entry)
