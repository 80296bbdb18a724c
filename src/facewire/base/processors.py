"""How many processors this process may use, those that the system gives it or fewer where a user says so; and how
much memory it took."""

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


def limit_torch(count: int) -> None:
    """Let torch compute with so many threads, whether it is loaded already or will be; it is not loaded here."""
    os.environ["OMP_NUM_THREADS"] = str(count)
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(count)


def peak_mb() -> float:
    """Return the most memory that this process used so far, in 10^6 bytes; 0 if unknown."""
    try:
        import resource
    except ImportError:
        return 0.0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most * 1024 / 1e6
