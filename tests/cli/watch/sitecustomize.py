"""Loaded by Python itself where this folder is on its path: notes look-ups, connections, what is written elsewhere.

FACEWIRE_WATCH      the file for notes; without it nothing is watched
FACEWIRE_MAY_WRITE  folders, separated as in PATH, in which files may be made, changed and removed
"""

import os
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

NOTED = os.environ.get("FACEWIRE_WATCH")
MAY_WRITE = os.environ.get("FACEWIRE_MAY_WRITE", "").split(os.pathsep)
HOSTS: Mapping[str, int] = {
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "urllib.Request": 0,
    "socket.connect": 1,
    "socket.sendto": 1,
}
"""Which argument of an event is the address."""
LOCAL = ("127.0.0.1", "::1", "localhost")
WRITES: Mapping[str, Callable[[tuple[Any, ...]], object]] = {
    "open": lambda given: given[0] if given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) else None,
    "os.mkdir": lambda given: _alone(given[0], given[2]),
    "os.remove": lambda given: _alone(*given),
    "os.rmdir": lambda given: _alone(*given),
    "os.rename": lambda given: _alone(given[1], given[3]),
    "os.link": lambda given: _alone(given[1], given[3]),
    "os.symlink": lambda given: _alone(given[1], given[2]),
    "sqlite3.connect": lambda given: None if given[0] == ":memory:" else given[0],
}
"""What an event writes; None for nothing that can be told."""
OF_THE_SYSTEM = ("/dev/null", "/dev/tty", "/proc/")
COMPILED = "__pycache__"


def _alone(path: object, folder: int) -> object:
    """Return a path, unless it is told from an open folder: what is in that was named before."""
    return path if folder == -1 else None


def noteworthy(event: str, arguments: tuple[Any, ...], may_write: Collection[str]) -> str:
    """Return what to note of an event; nothing if it stays on this machine and where it may write."""
    if event in HOSTS:
        return _elsewhere(event, arguments[HOSTS[event]])
    if event in WRITES:
        return _outside(event, WRITES[event](arguments), may_write)
    return ""


def _elsewhere(event: str, address: object) -> str:
    host = address[0] if isinstance(address, tuple) else address
    if host in LOCAL or (event.startswith("socket.c") and isinstance(address, str | bytes)):
        return ""
    return f"{event} {host!r}"


def _outside(event: str, written: object, may_write: Collection[str]) -> str:
    if not isinstance(written, str | bytes | os.PathLike):
        return ""
    place = os.path.realpath(os.fsdecode(written))
    if place.startswith(OF_THE_SYSTEM) or COMPILED in place:
        return ""
    if any(place == folder or place.startswith(folder + os.sep) for folder in may_write if folder):
        return ""
    return f"{event} {place}"


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Write an event down, with the command that it happened in."""
    if note := noteworthy(event, arguments, (*MAY_WRITE, str(NOTED))):
        with Path(str(NOTED)).open("a", encoding="utf-8") as notes:
            notes.write(f"{' '.join(sys.argv[1:2])}: {note}\n")


if NOTED:
    sys.addaudithook(watch)
