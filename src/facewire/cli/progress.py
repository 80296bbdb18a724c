"""How far a command is: a bar where standard error is a terminal, a line now and then where it is none."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

FIRST_S, EVERY_S, RARELY_S = 2.0, 10.0, 300.0
"""Seconds until the first line and between lines; the longer it takes, the fewer they become."""
PACE = "FACEWIRE_PROGRESS"
"""Environment variable: seconds between lines, for programs that read them."""
SHARE = 0.1
"""The time between lines, as a share of the time that has passed."""


class Lines:
    """The part of tqdm's interface that is used here, as whole lines for logs."""

    def __init__(self, title: str, unit: str, total: int | None, done: int = 0) -> None:
        self.n = done
        self._title, self._unit, self._total, self._first = title, unit, total, done
        self._begun = time.monotonic()
        self._pace = _seconds(os.environ.get(PACE, ""))
        self._next = self._begun + (self._pace or FIRST_S)
        self._said = done
        self._numbers = ""

    def update(self, more: float) -> None:
        """Note that more units are done."""
        self.n += round(more)
        if time.monotonic() >= self._next:
            self._say()

    def set_postfix(self, **numbers: str | bool) -> None:
        """Note numbers to show, as tqdm's method of this name does."""
        self._numbers = "".join(
            f", {name} {value}" for name, value in numbers.items() if isinstance(value, str)
        )

    def close(self) -> None:
        """Say how far it came, if anything was said before."""
        if self._said != self._first and self._said != self.n:
            self._say()

    def _say(self) -> None:
        now = time.monotonic()
        passed = now - self._begun
        self._next = now + (self._pace or min(max(EVERY_S, SHARE * passed), RARELY_S))
        self._said = self.n
        with suppress(OSError):  # nobody reads it any more, which is no reason to stop
            print(self.line(passed), file=sys.stderr, flush=True)

    def line(self, passed: float) -> str:
        """Return what is said after so many seconds."""
        rate = (self.n - self._first) / passed if passed else 0.0
        end = "" if self._total is None else f" of {self._total}"
        left = f", {_duration((self._total - self.n) / rate)} left" if self._total and rate else ""
        return (
            f"facewire: {self._title}: {self.n}{end} {self._unit}s, {rate:.3g} a second{left}{self._numbers}"
        )


def bar(title: str, unit: str, total: int | None, done: int = 0, *, leave: bool = True) -> tqdm[Any] | Lines:
    """Return a bar, which may stay when it is done, or lines; units called B are bytes."""
    if not sys.stderr.isatty():
        return Lines(title, "byte" if unit == "B" else unit, total, done)
    scaled = unit == "B"
    from tqdm import tqdm

    return tqdm(
        total=total, initial=done, desc=title, unit=unit, unit_scale=scaled, leave=leave, file=sys.stderr
    )


def _seconds(text: str) -> float | None:
    """Return a pace that was asked for; None for what is no number."""
    try:
        return max(0.05, float(text))
    except ValueError:
        return None


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
