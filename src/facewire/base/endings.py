"""Signals that tell a process to end: they become an exception, so that whatever is open is closed on the way out.

    with signals_end():     SIGTERM and SIGHUP raise Ended, as Ctrl-C raises KeyboardInterrupt
        work()              temporary files and folders go, processes that were started end

A signal that the caller had ignored stays ignored: nohup means it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

ONE_WISH_S = 1.0
"""What comes so soon after a signal is the same wish: a terminal that closes and a service that stops send two."""
HANGUP: signal.Signals | None = getattr(signal, "SIGHUP", None)
"""The terminal is gone; not on Windows."""
ENDINGS = tuple(number for number in (signal.SIGTERM, HANGUP) if number is not None)

Handler = Callable[[int], None]


class Ended(KeyboardInterrupt):
    """A signal told this process to end."""

    def __init__(self, number: int) -> None:
        self.exit_code = 128 + number
        """What shells say of a process that a signal ended."""
        super().__init__(signal.Signals(number).name)


def once(act: Handler) -> Handler:
    """Return a handler that takes signals in quick succession for one."""
    last = float("-inf")

    def handler(number: int) -> None:
        nonlocal last
        before, last = last, time.monotonic()
        if last - before >= ONE_WISH_S:
            act(number)

    return handler


@contextmanager
def signals_end() -> Iterator[None]:
    """Let signals raise Ended in here."""
    with handled(ENDINGS, once(_end)):
        yield


@contextmanager
def handled(numbers: Iterable[signal.Signals], handler: Handler) -> Iterator[None]:
    """Let a handler answer signals in here; outside the main thread, where Python allows none, change nothing."""
    before: dict[signal.Signals, Any] = {}

    def answer(number: int, frame: FrameType | None) -> None:
        if number == HANGUP:
            leave_terminal()
        handler(number)

    with suppress(ValueError):  # not the main thread
        for number in numbers:
            if not is_ignored(number):
                before[number] = signal.signal(number, answer)
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, signal.SIG_DFL if earlier is None else earlier)


def is_ignored(number: signal.Signals) -> bool:
    """Say whether the caller wants a signal ignored; of Ctrl-C shells want that for everything that runs behind."""
    return number != signal.SIGINT and signal.getsignal(number) is signal.SIG_IGN


def leave_terminal() -> None:
    """Write no more to a terminal that is gone: every word to it would be an error."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or no file at all
            if os.isatty(stream.fileno()):
                silence = os.open(os.devnull, os.O_WRONLY)
                os.dup2(silence, stream.fileno())
                os.close(silence)


def _end(number: int) -> None:
    raise Ended(number)
