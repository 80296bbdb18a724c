"""Undo the rounding of time stamps.

Containers that count milliseconds round the time of every picture and every piece of sound. Written as they
are into a container that counts finely, the rounding would become real: 30000/1001 pictures per second would
turn into a slightly variable rate, gapless sound into many small gaps.
"""

from __future__ import annotations

from fractions import Fraction


class SteadyClock:
    """Places things one after the other without gaps, wherever their stated times allow it."""

    def __init__(self) -> None:
        self._next: Fraction | None = None

    def place(self, stated: Fraction | None, tick: Fraction, duration: Fraction) -> Fraction:
        """Return the start in seconds of the next thing.

        That is the end of the thing before if `stated` differs from it by less than one `tick`, so never by a
        real gap; otherwise `stated`. Without a stated time it is the end of the thing before, or zero.

        Args:
            stated: start in seconds, rounded to whole ticks.
            tick: resolution of `stated` in seconds.
            duration: how long the thing lasts, in seconds.
        """
        start = self._next if stated is None else stated
        if start is None:
            start = Fraction(0)
        if self._next is not None and abs(start - self._next) < tick:
            start = self._next
        self._next = start + duration
        return start
