"""How many processors this process may use: those that the system gives it, or fewer where a user says so."""

from __future__ import annotations

import os
import sys

_wanted: int | None = None


def processors() -> int:
    """Return how many threads compute at once."""
    return _wanted or available()


def available() -> int:
    """Return how many processors the system gives this process."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def wanted() -> int | None:
    """Return how many the user wants used; None leaves it to what computes."""
    return _wanted


def use(count: int | None) -> None:
    """Use so many from now on; None as many as there are."""
    global _wanted
    _wanted = count
