"""What the library has to say about its input while it works, on standard error: each text once.

facewire: talk.mp4: the video is cut off; what precedes the cut was read
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class _Shown(logging.Handler):
    """Prints a warning the first time that it comes; a file that is read twice says things twice."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._before: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if text not in self._before:
            self._before.add(text)
            print(f"facewire: {text}", file=sys.stderr)


@contextmanager
def warnings_shown() -> Iterator[None]:
    """Show the library's warnings while a command runs."""
    logger, handler = logging.getLogger("facewire"), _Shown()
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
