"""How far a driver's motion goes: as far as it went, half as far, further."""

from __future__ import annotations

from dataclasses import replace

from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.pose import powered
from facewire.geometry.precision import compose


def scaled(moved: HeadMotion, source: HeadMotion, turns: float, rest: float) -> HeadMotion:
    """Return motions that lie so many times as far from a source's own as they did.

    Args:
        moved: (T).
        source: (1), or (T) of a clip.
        turns: times the angle by which a head turns, about the same axis.
        rest: times shift and expression.
    """
    own = source.like(moved)
    if turns != 1:
        away = compose(moved.rotation, own.rotation.swapaxes(-1, -2))
        moved = replace(moved, rotation=compose(powered(away, turns), own.rotation))
    if rest == 1:
        return moved
    return replace(
        moved,
        translation=own.translation + rest * (moved.translation - own.translation),
        expression=own.expression + rest * (moved.expression - own.expression),
    )
