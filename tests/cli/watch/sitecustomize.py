"""Loaded by Python itself where this folder is on its path: notes every look-up and connection of the process."""

import os
import sys
from pathlib import Path
from typing import Any

NOTED = os.environ.get("FACEWIRE_WATCH")
WATCHED = ("socket.getaddrinfo", "socket.gethostbyname", "socket.connect", "socket.sendto", "urllib.Request")
LOCAL = ("127.0.0.1", "::1", "localhost")


def noteworthy(event: str, arguments: tuple[Any, ...]) -> str:
    """Return what to note of an event; nothing if it stays on this machine."""
    if event not in WATCHED:
        return ""
    address = arguments[1] if event in ("socket.connect", "socket.sendto") else arguments[0]
    host = address[0] if isinstance(address, tuple) else address
    if host in LOCAL or (event.startswith("socket.c") and isinstance(address, str | bytes)):
        return ""
    return f"{event} {host}"


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Write an event down, unless it stays on this machine."""
    if note := noteworthy(event, arguments):
        with Path(str(NOTED)).open("a", encoding="utf-8") as notes:
            notes.write(f"{note}\n")


if NOTED:
    sys.addaudithook(watch)
