"""How changes of one head are carried over to another: as the model composes turns."""

from __future__ import annotations

from collections.abc import Callable

from facewire.geometry.head_motion import HeadMotion
from facewire.networks.presets import Model
from facewire.networks.relatives.model import RelativeTalkingHead
from facewire.networks.relatives.pose import carried_over

Carry = Callable[[HeadMotion, HeadMotion, HeadMotion], HeadMotion]
"""(motions, reference, source) -> the source's own motion plus what changed since the reference."""


def carry_of(model: Model) -> Carry:
    """Return how a model carries changes over; `HeadMotion.relative` for our own."""
    if not isinstance(model, RelativeTalkingHead):
        return HeadMotion.relative
    family = model.family
    return lambda motion, reference, source: carried_over(motion, reference, source, family)
