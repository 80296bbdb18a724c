"""Folders of this user, as the system names them; a relative variable or HOME counts as none."""

from __future__ import annotations

import os
from pathlib import Path


def named_by(variable: str) -> Path | None:
    """Return the folder that an environment variable names; None where it names none from the root."""
    text = os.environ.get(variable)
    return Path(text) if text and Path(text).is_absolute() else None


def at_home(*parts: str) -> Path | None:
    """Return a folder in this user's home, which may not be there yet; None where this user has no home."""
    try:
        home = Path.home()
    except RuntimeError:  # no HOME, and the user is in no list of users
        return None
    return home.joinpath(*parts) if home.is_absolute() else None
