"""What of a driver LivePortrait carries over to a portrait, as head motions.

relative   the driver's changes on top of the source's own         photo, or frame after frame of a clip
absolute   the driver's own turn and place, and those of its expressions that are no part of a person's shape

lips  eyes  brows     the keypoints that are found there
expression            all keypoints
pose                  turn and place
all                   everything, and in relative motion the size
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import torch
from torch import Tensor

from facewire.base.errors import ConfigError
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.precision import compose
from facewire.networks.relatives.liveportrait.rts import SEEN, smoothed

LIPS = (6, 12, 14, 17, 19, 20)
EYES = (11, 13, 15, 16, 18)
BROWS = (1, 2)
POINTS = {"lips": LIPS, "eyes": EYES, "brows": BROWS}
EXPRESSION, POSE, ALL = "expression", "pose", "all"
REGIONS = (*POINTS, EXPRESSION, POSE, ALL)
KEYPOINTS = 21
ABSOLUTE = {1: "xyz", 2: "xyz", 6: "xyz", 3: "y", 4: "y", 5: "z", 8: "z", 9: "yz"} | dict.fromkeys(
    range(11, 21), "xyz"
)
"""Keypoint -> axes of its expression that mean the same on everybody; the others belong to a person's shape."""


def check_regions(regions: Iterable[str]) -> None:
    """Raise ConfigError unless regions are some of REGIONS."""
    if not set(regions) <= set(REGIONS):
        raise ConfigError(
            "regions", ",".join(sorted(regions)), f"some of {','.join(REGIONS)} with LivePortrait"
        )


def relative(
    driver: HeadMotion, reference: HeadMotion, source: HeadMotion, regions: frozenset[str]
) -> HeadMotion:
    """Return a photo's motion plus the driver's changes in some regions.

    Args:
        driver: (T).
        reference: (1), the driver's that corresponds to the source.
        source: (1).
        regions: some of REGIONS.

    Raises:
        ConfigError: a region is unknown.
    """
    check_regions(regions)
    own, first = source.expand(len(driver)), reference.expand(len(driver))
    changed = HeadMotion(
        _turned(driver, first, own),
        own.translation + driver.translation - first.translation,
        own.expression + driver.expression - first.expression,
    )
    if ALL in regions:
        return changed
    return _posed(changed, own, regions).with_expression(
        torch.where(_chosen(regions, own), changed.expression, own.expression)
    )


def absolute(driver: HeadMotion, source: HeadMotion, regions: frozenset[str]) -> HeadMotion:
    """Return the driver's own motion in some regions, on a source (1), or frame by frame on a clip (T).

    The size stays the source's.

    Raises:
        ConfigError: a region is unknown.
    """
    check_regions(regions)
    own = _as_long(source, driver)
    return _posed(driver, own, regions).with_expression(
        torch.where(_meaning(regions, own), driver.expression, own.expression)
    )


def on_clip(
    driver: HeadMotion,
    reference: HeadMotion | None,
    own: HeadMotion,
    regions: frozenset[str],
    seen: float = SEEN,
) -> HeadMotion:
    """Return the motions of a clip's person with those of a driver, what is taken of it made smooth over time.

    Args:
        driver: (T).
        reference: (1), from which the driver's changes are counted; None takes its own motion as it is.
        own: (T), what the clip does by itself.
        regions: some of REGIONS.
        seen: variance of what a frame says, see `smoothed`.

    Raises:
        ConfigError: a region is unknown.
    """
    check_regions(regions)
    wanted = driver
    if reference is not None:
        first = reference.expand(len(driver))
        change = own.expression + driver.expression - first.expression
        wanted = HeadMotion(_turned(driver, first, own), own.translation, change)
    rotation, expression = (smoothed(part, seen) for part in (wanted.rotation, wanted.expression))
    steady = replace(wanted, rotation=rotation, expression=expression)
    return absolute(steady, own, regions)


def _turned(driver: HeadMotion, first: HeadMotion, own: HeadMotion) -> Tensor:
    turned: Tensor = compose(compose(own.rotation, first.rotation.transpose(-1, -2)), driver.rotation)
    return turned


def _posed(moved: HeadMotion, own: HeadMotion, regions: frozenset[str]) -> HeadMotion:
    """Return the source's motions (T), turned and placed like others if that is wanted, never resized."""
    if not regions & {ALL, POSE}:
        return own
    place = torch.cat((moved.translation[:, :2], own.translation[:, 2:]), dim=1)
    return replace(own, rotation=moved.rotation, translation=place)


def _chosen(regions: frozenset[str], like: HeadMotion) -> Tensor:
    """Return which keypoints belong to regions, (K, 1) bool."""
    rows = [row for name in regions & POINTS.keys() for row in POINTS[name]]
    if regions & {ALL, EXPRESSION}:
        rows = list(range(KEYPOINTS))
    chosen = torch.zeros(KEYPOINTS, 1, dtype=torch.bool, device=like.expression.device)
    chosen[rows] = True
    return chosen


def _meaning(regions: frozenset[str], like: HeadMotion) -> Tensor:
    """Return which parts of the expressions of regions mean the same on everybody, (K, 3) bool."""
    axes = [[axis in ABSOLUTE.get(row, "") for axis in "xyz"] for row in range(KEYPOINTS)]
    return _chosen(regions, like) & torch.tensor(axes, device=like.expression.device)


def _as_long(source: HeadMotion, driver: HeadMotion) -> HeadMotion:
    return source if len(source) == len(driver) else source.expand(len(driver))
