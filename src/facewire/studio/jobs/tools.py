"""What can be done with files of the folder beside rendering: code a video as a talk, render a talk, compare codecs.

The page says one of these; each is the words of a command line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from facewire.animation.view import LIMITS
from facewire.base.errors import ConfigError
from facewire.base.wire import short, within
from facewire.studio.jobs.commands import PLAIN_RESULT, SUFFIXES, Base, number
from facewire.studio.library import Library
from facewire.studio.project import LONGEST_NAME, MOST_CRF

TALK_SIDES = (256, 1024)
"""Of the pictures of a talk, in pixels."""
MOST_COMPARED = 750
"""Frames."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Encode:
    """Code a video as a talk; size 0 is the usual one."""

    name: str
    profile: Literal["file", "stream", "raw"] = "file"
    rate: Literal["fine", "standard", "coarse"] = "coarse"
    size: int = 0
    refresh: Literal["source", "patch", "off"] = "source"
    sound: bool = True

    def __post_init__(self) -> None:
        short("name", self.name, LONGEST_NAME)
        _check_side(self.size)

    @property
    def suffix(self) -> str:
        """Of what it makes."""
        return SUFFIXES["fwv"]

    def words(self, library: Library, base: Base) -> Iterator[str]:
        """Yield its options."""
        yield from _unless("--profile", self.profile, "file")
        yield from _unless("--rate", self.rate, "coarse")
        yield from _unless("--refresh", self.refresh, "source")
        yield from _unless("--size", str(self.size), "0")
        yield from () if self.sound else ("--no-audio",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Decode:
    """Render a talk, with its own person or with a photo of the folder, from any side."""

    name: str
    source: str = ""
    kind: Literal["mp4", "webm", "gif"] = "mp4"
    crf: int = PLAIN_RESULT.crf
    yaw: float = 0.0
    pitch: float = 0.0

    def __post_init__(self) -> None:
        short("name", self.name, LONGEST_NAME)
        short("source", self.source, LONGEST_NAME)
        within("crf", self.crf, 0, MOST_CRF)
        for axis in ("yaw", "pitch"):
            within(axis, getattr(self, axis), -LIMITS[axis], LIMITS[axis])

    @property
    def suffix(self) -> str:
        """Of what it makes."""
        return SUFFIXES[self.kind]

    def words(self, library: Library, base: Base) -> Iterator[str]:
        """Yield its options."""
        if self.source:
            yield from ("--source", base.written(library.path(self.source)))
        if self.kind != "gif":
            yield from _unless("--crf", str(self.crf), str(PLAIN_RESULT.crf))
        yield from (
            f"--{axis}={number(getattr(self, axis))}" for axis in ("yaw", "pitch") if getattr(self, axis)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Compare:
    """Compare the codec with ordinary ones on a video; frames 0 are as many as usual."""

    name: str
    frames: int = 0
    size: int = 0
    protocol: Literal["talks", "gfvc"] = "talks"

    def __post_init__(self) -> None:
        short("name", self.name, LONGEST_NAME)
        if self.frames:
            within("frames", self.frames, 2, MOST_COMPARED)
        _check_side(self.size)

    @property
    def suffix(self) -> str:
        """Of what it makes: a folder."""
        return "-report"

    def words(self, library: Library, base: Base) -> Iterator[str]:
        """Yield its options."""
        yield from _unless("--frames", str(self.frames), "0")
        yield from _unless("--size", str(self.size), "0")
        yield from _unless("--protocol", self.protocol, "talks")


Tool = Encode | Decode | Compare


def tool_words(tool: Tool, library: Library, base: Base, taken: frozenset[Path] = frozenset()) -> list[str]:
    """Return the words that encode, decode or compare a file of the folder.

    Raises:
        MediaError: it is not there.
    """
    path = library.path(tool.name)
    output = library.output(path.stem, tool.suffix, taken)
    options = tool.words(library, base)
    command = type(tool).__name__.lower()
    return [command, base.written(path), "-o", base.written(output), *options, *base.options]


def _check_side(side: int) -> None:
    if side and not TALK_SIDES[0] <= side <= TALK_SIDES[1]:
        raise ConfigError("size", side, f"0, or {TALK_SIDES[0]} to {TALK_SIDES[1]}")


def _unless(name: str, value: str, usual: str) -> tuple[str, ...]:
    return () if value == usual else (name, value)
