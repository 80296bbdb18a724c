"""Live rendering on a machine that cannot keep up: some pictures are drawn in full, those between are moved.

    motion --Economy: is it time?--> drawn by the networks, kept        one of `every`
                                 +-> the kept one moved (moved_picture.py)   the others

What drawing takes decides how many are moved, with hysteresis, so that the rate is held before a picture is left out.
Of all that halves the work this costs the pictures least (docs/lab/2026-11-30-sparing.md).
"""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from facewire.animation.live.moved_picture import moved
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints
from facewire.media.frame import Pixels

PERIOD: Final = 0.04
"""Seconds from one picture to the next."""
TOO_LONG, EASY = 0.95, 0.75
"""Shares of the period: pictures that take more in the mean must be spared; if fewer spared ones would leave them
below the second, fewer are spared."""
MOST: Final = 3
"""One picture of so many is drawn at least. On a machine that needs longer than two periods for one, others are left
out meanwhile: drawing and showing are one thread."""
LAST = 7
"""Drawn pictures whose median is what one takes."""
PATIENCE = 50
"""Pictures for which it must have been easy."""


class Economy:
    """Every how many pictures one is drawn in full, by what drawing and moving take.

    Args:
        period: seconds from one picture to the next.
    """

    def __init__(self, period: float = PERIOD) -> None:
        self.every = 1
        """One of so many is drawn."""
        self._period = period
        self._drawn: deque[float] = deque(maxlen=LAST)
        self._moved: deque[float] = deque((0.0,), maxlen=LAST)
        self._easy = 0

    def drew(self, seconds: float) -> None:
        """Note what a picture took that was drawn."""
        self._drawn.append(seconds)
        self._think()

    def moved(self, seconds: float) -> None:
        """Note what a picture took that was moved."""
        self._moved.append(seconds)
        self._think()

    def _think(self) -> None:
        if len(self._drawn) < LAST:  # what networks do only once takes long
            return
        if self._share(self.every) > TOO_LONG:
            self.every, self._easy = min(self.every + 1, MOST), 0
            self._drawn.clear()
        elif self.every > 1 and self._share(self.every - 1) < EASY:
            self._easy += 1
            if self._easy >= PATIENCE:
                self.every, self._easy = self.every - 1, 0
        else:
            self._easy = 0

    def _share(self, every: int) -> float:
        """Return the share of the period that a picture takes in the mean if one of `every` is drawn."""
        drawn, moved = statistics.median(self._drawn), statistics.median(self._moved)
        return (drawn + (every - 1) * moved) / every / self._period


class Sparing:
    """The pictures of one live stream, drawn or moved.

    Args:
        economy: says how many are drawn.
        clock: seconds.
    """

    def __init__(
        self, economy: Economy | None = None, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.economy = economy or Economy()
        self.drawn = self.moved = 0
        """Pictures so far."""
        self._clock = clock
        self._kept: tuple[object, HeadMotion, Pixels] | None = None
        self._since = 0

    def picture(
        self,
        person: object,
        canonical: CanonicalKeypoints | None,
        motion: HeadMotion,
        draw: Callable[[], Pixels],
    ) -> Pixels:
        """Return the next picture (N, N, 3), the head's square, of a person in a motion (batch of one).

        Args:
            person: whoever it is; of another one than before the picture is drawn.
            canonical: that person's keypoints of the compact model; None: pictures of this one cannot be moved.
            motion: how.
            draw: returns the picture that the networks draw.
        """
        begin = self._clock()
        if canonical is not None and (picture := self._moved(person, canonical, motion)) is not None:
            self._since += 1
            self.moved += 1
            self.economy.moved(self._clock() - begin)
            return picture
        picture = draw()
        self.drawn += 1
        self._since, self._kept = 1, (person, motion, picture)
        self.economy.drew(self._clock() - begin)
        return picture

    def _moved(self, person: object, canonical: CanonicalKeypoints, motion: HeadMotion) -> Pixels | None:
        if self._kept is None or self._kept[0] is not person or self._since >= self.economy.every:
            return None
        _, then, picture = self._kept
        return moved(picture, canonical, then, motion)
