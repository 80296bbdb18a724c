"""Where things are kept that can be made again, and where they go when nothing can be kept there.

    of_user()       the system's place for this user's caches; None where there is none
    folder()        FACEWIRE_CACHE, else that
    obstacle(place) why nothing can be kept there, or None
    temporary()     a folder that is gone when this process ends

An empty variable counts as none, and so does a relative XDG_CACHE_HOME or HOME: what lies in a cache must not depend
on where a command is called.
"""

from __future__ import annotations

import os
import sys
import tempfile
from functools import cache
from pathlib import Path

from facewire.base.errors import OutputError
from facewire.base.files import write_advice
from facewire.base.user_places import at_home, named_by

VARIABLE = "FACEWIRE_CACHE"
ADVICE = f"set {VARIABLE} to a folder that can be written"


def folder() -> Path | None:
    """Return the cache folder that was chosen, else the user's; it may not be there yet."""
    chosen = os.environ.get(VARIABLE)
    return Path(chosen) if chosen else of_user()


def of_user() -> Path | None:
    """Return the user's cache folder, which may not be there yet; None where this user has no home."""
    if sys.platform == "win32":
        base = named_by("LOCALAPPDATA") or at_home("AppData", "Local")
    elif sys.platform == "darwin":
        base = at_home("Library", "Caches")
    else:
        base = named_by("XDG_CACHE_HOME") or at_home(".cache")
    return None if base is None else base / "facewire"


def obstacle(place: Path | None) -> str | None:
    """Return why nothing can be kept in a folder, as one line; None if something can. Nothing is left behind.

    Permissions do not tell: they are no obstacle to root, where read-only and virtual file systems are one.
    """
    if place is None:
        return "this user has no home folder"
    try:
        nearest = next(path for path in (place, *place.absolute().parents) if os.path.lexists(path))
        Path(tempfile.mkdtemp(prefix=".facewire-", dir=nearest)).rmdir()
    except OSError as problem:
        return write_advice(problem)
    return None


def temporary() -> Path:
    """Return a folder that is removed when this process ends, the same one for every call.

    Raises:
        OutputError: there is no place for temporary files either.
    """
    try:
        return Path(_holder().name)
    except OSError as problem:
        raise OutputError("temporary files", f"{write_advice(problem)}, then {ADVICE}") from problem


@cache
def _holder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="facewire-", ignore_cleanup_errors=True)
