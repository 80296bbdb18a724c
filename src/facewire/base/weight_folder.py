"""Where the weights lie that a user imported.

folder()  FACEWIRE_WEIGHTS, else the system's place for this user's data; None where there is none
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

VARIABLE = "FACEWIRE_WEIGHTS"


def folder() -> Path | None:
    """Return the folder, which may not be there yet; None where this user has no home."""
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen)
    if sys.platform == "win32":
        base = _absolute("LOCALAPPDATA") or _at_home("AppData", "Local")
    elif sys.platform == "darwin":
        base = _at_home("Library", "Application Support")
    else:
        base = _absolute("XDG_DATA_HOME") or _at_home(".local", "share")
    return None if base is None else base / "facewire" / "weights"


def _absolute(variable: str) -> Path | None:
    text = os.environ.get(variable)
    return Path(text) if text and Path(text).is_absolute() else None


def _at_home(*parts: str) -> Path | None:
    try:
        home = Path.home()
    except RuntimeError:  # no HOME, and the user is in no list of users
        return None
    return home.joinpath(*parts) if home.is_absolute() else None
