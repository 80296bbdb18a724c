"""What undo and redo walk along, kept beside the project so that it goes on after a restart.

    history.json  {"version": 1, "now": {...}, "past": [{...}, ...], "future": [...]}

It counts only together with the project that it ends in: where project.json was changed by hand it begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facewire.base.config import from_dict, to_dict
from facewire.base.errors import ConfigError, MediaError
from facewire.base.files import read_json, write_json
from facewire.studio.project import Project

VERSION = 1
FILE = "history.json"
MOST_KEPT = 50
"""Steps back, and as many forward, that outlive the studio."""
LARGEST = 16 << 20
"""Bytes of a file that is read at all; such steps with all keyframes that may be take four million."""


class History:
    """The projects that undo and redo walk along."""

    MOST = 200

    def __init__(
        self, first: Project, past: tuple[Project, ...] = (), future: tuple[Project, ...] = ()
    ) -> None:
        self._past, self._future = list(past), list(future)
        self.now = first
        self._gesture = ""

    def change(self, project: Project, gesture: str = "") -> None:
        """Go on with another project; changes of one gesture, such as a slider that is dragged, are one step."""
        if project == self.now:
            return
        if not gesture or gesture != self._gesture:
            self._past = [*self._past[-self.MOST + 1 :], self.now]
        self.now, self._gesture, self._future = project, gesture, []

    def undo(self) -> None:
        """Go back one step, if there is one."""
        self._step(self._past, self._future)

    def redo(self) -> None:
        """Take back an undo, if there was one."""
        self._step(self._future, self._past)

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to go back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is an undo to take back."""
        return bool(self._future)

    def write(self, path: Path) -> None:
        """Write the last steps atomically.

        Raises:
            OutputError: they cannot be written.
        """
        past, future = (tuple(steps[-MOST_KEPT:]) for steps in (self._past, self._future))
        write_json(path, to_dict(_File(now=self.now, past=past, future=future)))

    def _step(self, there: list[Project], back: list[Project]) -> None:
        if there:
            back.append(self.now)
            self.now, self._gesture = there.pop(), ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _File:
    """What is kept; of `past` and `future` the last one is the next step."""

    version: int = VERSION
    now: Project
    past: tuple[Project, ...] = ()
    future: tuple[Project, ...] = ()

    def __post_init__(self) -> None:
        if self.version != VERSION:
            raise ConfigError("version", self.version, f"{VERSION}")
        if max(len(self.past), len(self.future)) > MOST_KEPT:
            raise ConfigError("steps", len(self.past) + len(self.future), f"at most {MOST_KEPT} each way")


def read_history(path: Path, project: Project) -> History:
    """Return what can be undone and redone of a project; nothing where there is no file, or it is of another one.

    Raises:
        MediaError: the file cannot be read, or is no history of this version.
    """
    if not path.exists():
        return History(project)
    try:
        if path.stat().st_size > LARGEST:
            raise ConfigError("bytes", path.stat().st_size, f"at most {LARGEST}")
        data: Any = read_json(path)
        kept = from_dict(_File, data)
    except ConfigError as error:
        raise MediaError(path, f"is no history of this Facewire ({error}): move it away") from error
    return History(project, kept.past, kept.future) if kept.now == project else History(project)
