"""Which picture the receiver should warp from now on: rate against gain (docs/bitstream.md section 14).

    five times a second: what the receiver shows <-> the frame -> how wrong, in grey levels
      a picture of the bank, the nearest in pose, is less wrong    -> name it by its number
      what was wrong beyond what is usual, added up over time, is worth the bytes of a new picture -> send it

The sum falls again while the synthesis is good, so a hand that passes by buys nothing and a turned head does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from facewire.animation.animator import Animator, Person, Pixels
from facewire.animation.driving import HeadSquare
from facewire.base.errors import ConfigError
from facewire.bitstream.bank import Bank
from facewire.geometry.arrays import as_array
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import place
from facewire.talks.refresh import TEST_SECONDS, WAIT_SECONDS, how_wrong

USUAL: Final = 3.0
"""Grey levels: as wrong as a synthesis is some seconds after a good source. Only what is beyond it counts."""
PRICE: Final = 1.0
"""Grey levels times seconds that a kilobyte must be worth."""
BETTER: Final = 0.5
"""Grey levels by which a picture must be less wrong than the one in use."""
LEAD_SECONDS: Final = 4
"""A budget may be drawn on so long in advance."""

Still = Callable[[HeadSquare], tuple[str, bytes]]
"""Codes a frame as a picture: type and bytes."""


@dataclass(frozen=True, slots=True)
class KnownSource:
    """A picture that the receiver holds: the epoch it came with."""

    epoch: int
    person: Person


@dataclass(frozen=True, slots=True)
class NewSource:
    """A picture to send, and the person as the receiver will see it."""

    kind: str
    data: bytes
    person: Person


class SourceChoice:
    """Decides, frame by frame, whether the receiver needs another picture.

    Args:
        animator: who renders.
        still: codes a picture as it would be sent.
        read: makes a person of its bytes, as the receiver does.
        rate: frames a second.
        budget: kbit/s that new pictures may take, averaged from the beginning; None: no limit.

    Raises:
        ConfigError: a budget below 0.
    """

    def __init__(
        self,
        animator: Animator,
        still: Still,
        read: Callable[[str, bytes], Person],
        rate: Fraction,
        budget: float | None = None,
    ) -> None:
        if budget is not None and budget < 0:
            raise ConfigError("budget", budget, "0 or more kbit/s")
        self.bank = Bank[Person]()
        """What the receiver holds; told of every source and recall."""
        self._animator, self._still, self._read = animator, still, read
        self._every = max(1, round(TEST_SECONDS * rate))
        self._wait, self._rate, self._budget = round(WAIT_SECONDS * rate), rate, budget
        self._debt = 0.0
        self._last = self._spent = 0

    def choose(
        self, number: int, person: Person, motion: HeadMotion, square: HeadSquare
    ) -> KnownSource | NewSource | None:
        """Return the source to change to, or None.

        Args:
            number: of the frame.
            person: the source in use.
            motion: (1) of the frame.
            square: the frame itself.
        """
        if not number or number % self._every:
            return None
        wrong = self._wrong(person, motion, square.picture)
        known = self._known(person, motion, square.picture, wrong)
        if known is not None:
            return known
        self._debt = max(0.0, self._debt + (wrong - USUAL) * float(self._every / self._rate))
        if not self._debt or number - self._last < self._wait:
            return None
        return self._new(number, motion, square, wrong - BETTER)

    def _known(self, person: Person, motion: HeadMotion, truth: Pixels, wrong: float) -> KnownSource | None:
        """Return the other picture of the bank that is nearest in pose, if it is less wrong.

        One that is not nearer than the picture in use must mend a failure: from more wrong than usual to less.
        """
        others = [(epoch, held) for epoch, held in self.bank if held is not person]
        if not others or wrong <= BETTER:
            return None
        epoch, held = min(others, key=lambda other: _apart(other[1], motion))
        most = wrong - BETTER
        if _apart(held, motion) >= _apart(person, motion):
            if wrong <= USUAL:
                return None
            most = min(most, USUAL)
        return KnownSource(epoch, held) if self._wrong(held, motion, truth) <= most else None

    def _new(self, number: int, motion: HeadMotion, square: HeadSquare, most: float) -> NewSource | None:
        """Return the frame as a source, if what was wrong is worth its bytes and it mends that."""
        kind, data = self._still(square)
        if self._debt < PRICE * len(data) / 1000 or not self._affordable(number, len(data)):
            return None
        person = self._read(kind, data)
        self._debt, self._last = 0.0, number
        if self._wrong(person, motion, square.picture) > most:
            return None
        self._spent += len(data)
        return NewSource(kind, data, person)

    def _affordable(self, number: int, size: int) -> bool:
        if self._budget is None:
            return True
        seconds = LEAD_SECONDS + number / float(self._rate)
        return self._spent + size <= self._budget * 1000 / 8 * seconds

    def _wrong(self, person: Person, motion: HeadMotion, truth: Pixels) -> float:
        return how_wrong(self._animator.render_batch(person, motion)[0], truth)


def _apart(person: Person, motion: HeadMotion) -> float:
    """Return how far a motion moves a source's keypoints from where its picture has them, picture units, mean."""
    canonical, own = person.identity.canonical, person.identity.motion
    now, before = (as_array(place(canonical, one).points) for one in (motion, own))
    return float(np.linalg.norm(now - before, axis=-1).mean())
