"""Which driving frame stands for the source's own pose and expression in relative motion.

The first frame need not be neutral: the frame whose head looks most like the source's does best, because then
least of the motion is invented. It should also be where the head usually is: the source's head stands where it stands
in the photo, and would be far away from there most of the time.
"""

from __future__ import annotations

import numpy as np

from facewire.geometry.arrays import Numbers, as_array, library
from facewire.geometry.head_motion import HeadMotion

EXPRESSION_UNIT = 0.02
"""A root-mean-square difference of expression (picture units) that counts as much as the angle below."""
ANGLE_UNIT = 0.1
"""Radians."""
PLACE_UNIT = 0.1
"""A distance from the usual place, in picture units, that counts as much."""
MOST_COMPARED = 200
"""Motions that each is compared with, evenly chosen, when the usual one is looked for."""


def best_reference(motions: HeadMotion, source: HeadMotion) -> int:
    """Return the index of the driving frame that is most like the source in pose and expression, in a usual place.

    Args:
        motions: (T) driving motions.
        source: (1) the source's own.
    """
    places = as_array(motions.translation)[:, :2]
    away = np.hypot(*(places - np.quantile(places, 0.5, axis=0)).T)
    return int((as_array(_distances(motions, source)) + away / PLACE_UNIT).argmin())


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
