"""Which driving frame stands for the source's own pose and expression in relative motion.

The first frame need not be neutral: the frame whose head looks most like the source's does best, because then
least of the motion is invented.
"""

from __future__ import annotations

from facewire.geometry.arrays import Numbers, library
from facewire.geometry.head_motion import HeadMotion

EXPRESSION_UNIT = 0.02
"""A root-mean-square difference of expression (picture units) that counts as much as the angle below."""
ANGLE_UNIT = 0.1
"""Radians."""
MOST_COMPARED = 200
"""Motions that each is compared with, evenly chosen, when the usual one is looked for."""


def best_reference(motions: HeadMotion, source: HeadMotion) -> int:
    """Return the index of the driving frame that is most like the source in pose and expression.

    Args:
        motions: (T) driving motions.
        source: (1) the source's own.
    """
    return int(_distances(motions, source).argmin())


def median_motion(motions: HeadMotion) -> int:
    """Return the index of the motion (T) nearest to all others together: a usual one, no extreme."""
    rows = len(motions)
    step = -(-rows // MOST_COMPARED)
    others = range(0, rows, step)
    first, *more = (_distances(motions, motions[i : i + 1]) for i in others)
    return int(sum(more, start=first).argmin())


def _distances(motions: HeadMotion, source: HeadMotion) -> Numbers:
    """Return how unlike motions (T) are to one (1) in pose and expression, (T)."""
    own, by = source.like(motions).expand(len(motions)), library(motions.rotation)
    trace = (motions.rotation * own.rotation).sum((1, 2))
    angle = by.arccos(((trace - 1) / 2).clip(-1, 1))
    change = by.sqrt(by.square(motions.expression - own.expression).mean((1, 2)))
    return angle / ANGLE_UNIT + change / EXPRESSION_UNIT
