"""Which part of a driver's motion is carried over; everything else stays the source's own.

    lips  eyes  brows  gaze       keypoints that are guided there
    expression                    all guided keypoints
    pose                          R and t, with the free keypoints: neck, shoulders and hair
    all                           everything, as if nothing was said

Expressions are compared in the head's own axes: a smile of a turned head stays a smile on one that looks ahead.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from facewire.base.errors import ConfigError
from facewire.geometry.arrays import Numbers
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.precision import apply
from facewire.networks.compact.guides import GUIDES

PARTS = {
    "lips": ("lower lip", "upper lip", "mouth corner", "chin"),
    "eyes": ("upper lid", "lower lid"),
    "brows": ("brow",),
    "gaze": ("iris",),
    "expression": ("",),
}
"""Region -> how the names of its keypoints begin."""
POSE, ALL = "pose", "all"
REGIONS = (*PARTS, POSE, ALL)
EVERYTHING = frozenset({ALL})


def parse_regions(text: str) -> frozenset[str]:
    """Return the regions of "lips,eyes".

    Raises:
        ConfigError: one is unknown, or there is none.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or not set(names) <= set(REGIONS):
        raise ConfigError("regions", text, f"some of {','.join(REGIONS)}, with commas between them")
    return frozenset(names)


def keypoints_of(regions: Iterable[str], count: int) -> NDArray[np.bool_]:
    """Return which of `count` keypoints belong to regions, (K) bool."""
    chosen = set(regions)
    starts = tuple(start for name in chosen & PARTS.keys() for start in PARTS[name])
    guided = [bool(starts) and guide.name.startswith(starts) for guide in GUIDES]
    free = [POSE in chosen] * (count - len(GUIDES))
    return np.array(guided + free) | (ALL in chosen)


def in_regions(wanted: HeadMotion, own: HeadMotion, regions: frozenset[str]) -> HeadMotion:
    """Return a source's own motions with the chosen regions of others.

    Args:
        wanted: (T) with the whole of the driver's motion; their expressions belong to their own rotations.
        own: (T), or (1) for a photo.
        regions: some of REGIONS.

    Raises:
        ConfigError: the keypoints are not those of the compact model.
    """
    if ALL in regions:
        return wanted
    check_guided(own)
    own = own.like(wanted)
    own = own if len(own) == len(wanted) else own.expand(len(wanted))
    posed = wanted if POSE in regions else own
    chosen = keypoints_of(regions, own.expression.shape[1])
    expression = turned(own, posed)
    expression[:, chosen] = turned(wanted, posed)[:, chosen]
    if POSE in regions:
        expression[:, len(GUIDES) :] = wanted.expression[:, len(GUIDES) :]
    return HeadMotion(posed.rotation, posed.translation, expression)


def carried_over(
    driver: HeadMotion,
    reference: HeadMotion | None,
    source: HeadMotion,
    regions: frozenset[str] = EVERYTHING,
    own: HeadMotion | None = None,
) -> HeadMotion:
    """Return driving motions on a source.

    Args:
        driver: (T).
        reference: (1), the driver's that corresponds to `source`; None takes the driver's as they are.
        source: (1), to which the driver's changes are added.
        regions: what is taken of them.
        own: (T), what the source does by itself, for the other regions; None: `source` at rest.
    """
    if ALL in regions:
        return driver if reference is None else driver.relative(reference, source)
    wanted = driver if reference is None else _compared(driver, reference, source)
    return in_regions(wanted, source if own is None else own, regions)


def _compared(driver: HeadMotion, reference: HeadMotion, source: HeadMotion) -> HeadMotion:
    """Return a source with the driver's changes, expressions compared in the heads' own axes."""
    posed = driver.relative(reference, source)
    own, first = (one.like(driver).expand(len(driver)) for one in (source, reference))
    added = turned(driver, posed) - turned(first, posed)
    return posed.with_expression(turned(own, posed) + added)


def turned(motion: HeadMotion, onto: HeadMotion) -> Numbers:
    """Return the expressions of motions on heads that are turned as others, (T, K, 3)."""
    turn = onto.rotation @ motion.rotation.swapaxes(-1, -2)
    return apply(turn[:, None], motion.expression)


def check_guided(motion: HeadMotion) -> None:
    """Raise ConfigError unless the first keypoints are those that regions are made of."""
    if motion.expression.shape[1] <= len(GUIDES):
        raise ConfigError("weights", "a paper preset", "compact-256: others do not know lips from eyes")
