"""A source of a call, ready to be drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace

from facewire.animation.composition.composer import Composer
from facewire.engines.engine import Prepared


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """One person.

    prepared  what the networks keep
    composer  the picture as it is shown; None where the networks' own picture is
    movable   pictures may be moved instead of drawn (animation/live/sparing.py)
    """

    prepared: Prepared
    composer: Composer | None = None
    movable: bool = False

    @property
    def small(self) -> Portrait:
        """The same person as the networks draw it."""
        return replace(self, composer=None)
