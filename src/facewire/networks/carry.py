"""How changes of one head are carried over to another: as the model composes turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from facewire.geometry.head_motion import HeadMotion

if TYPE_CHECKING:
    from facewire.networks.relatives.model import RelativeTalkingHead

Carry = Callable[[HeadMotion, HeadMotion, HeadMotion], HeadMotion]
"""(motions, reference, source) -> the source's own motion plus what changed since the reference."""


def carry_of(foreign: RelativeTalkingHead | None) -> Carry:
    """Return how an imported model carries changes over; `HeadMotion.relative` for our own (None)."""
    if foreign is None:
        return HeadMotion.relative
    from facewire.networks.relatives.pose import carried_over

    family = foreign.family
    return lambda motion, reference, source: carried_over(motion, reference, source, family)
