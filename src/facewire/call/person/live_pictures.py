"""The pictures of the other side as a call shows them: drawn, or moved where this machine cannot draw 25 a second."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from facewire.animation.live.sparing import Sparing
from facewire.call.person.drawing_pace import DrawingPace
from facewire.call.person.engine import FaceEngine, motion_seen
from facewire.call.person.portrait import Portrait
from facewire.codec.state import MotionFrame
from facewire.media.frame import Pixels


class LivePictures:
    """One stream of pictures; from one thread.

    Args:
        engine: the networks.
        clock: seconds.
    """

    def __init__(self, engine: FaceEngine, clock: Callable[[], float] = time.perf_counter) -> None:
        self._engine = engine
        self._clock = clock
        self._sparing = Sparing(clock=clock)
        self.pace = DrawingPace()
        """How many pictures a second are drawn where all are."""
        self._told = 0, 0

    def render(
        self, person: Portrait, motion: MotionFrame, turn: NDArray[np.float32] | None = None
    ) -> Pixels:
        """Return the next picture (N, N, 3); arguments as for `FaceEngine.render`."""
        return self._sparing.picture(
            person,
            person.prepared.canonical if person.movable else None,
            motion_seen(motion, turn),
            lambda: self.draw(person, motion, turn),
        )

    def draw(self, person: Portrait, motion: MotionFrame, turn: NDArray[np.float32] | None = None) -> Pixels:
        """Return a picture that the networks draw, whatever was before; arguments as for `render`."""
        begin = self._clock()
        picture = self._engine.render(person, motion, turn)
        self.pace.drew(self._clock() - begin)
        return picture

    @property
    def moved(self) -> int:
        """Pictures so far that were moved instead of drawn."""
        return self._sparing.moved

    def drawn_share(self) -> float:
        """Return which share of the pictures since the last time was drawn, 1 if there were none."""
        drawn, moved = (now - then for now, then in zip(self._counts, self._told, strict=True))
        self._told = self._counts
        return drawn / (drawn + moved) if drawn + moved else 1.0

    @property
    def _counts(self) -> tuple[int, int]:
        return self._sparing.drawn, self._sparing.moved
