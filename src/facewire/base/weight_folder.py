"""Where the weights lie that a user imported.

folder()  FACEWIRE_WEIGHTS, else the system's place for this user's data; None where there is none
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from facewire.base.user_places import at_home, named_by

VARIABLE = "FACEWIRE_WEIGHTS"


def folder() -> Path | None:
    """Return the folder, which may not be there yet; None where this user has no home."""
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen)
    if sys.platform == "win32":
        base = named_by("LOCALAPPDATA") or at_home("AppData", "Local")
    elif sys.platform == "darwin":
        base = at_home("Library", "Application Support")
    else:
        base = named_by("XDG_DATA_HOME") or at_home(".local", "share")
    return None if base is None else base / "facewire" / "weights"
