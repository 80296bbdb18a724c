"""A face at rest, its lips closed: what a single picture's expression is counted from in relative motion.

The numbers are LivePortrait's (MIT licence, see NOTICE), rounded to a millionth.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from facewire.geometry.head_motion import HeadMotion
from facewire.networks.relatives.liveportrait.transfer import ALL, EXPRESSION, EYES, check_regions

MILLIONTHS = (
    (-95, 242, -40), (209, 468, 13), (-125, 325, 4), (120, -457, 54), (-265, -75, -16), (-33, -183, -3),
    (0, 0, 2), (-541, 2633, 7), (-12, 5, 10), (1, 5, -409), (167, -20, -89), (-15, 83, 6), (0, 3, 2),
    (-66, -68, -3), (-833, -1796, -3), (7, 37, -2), (-5, 7, -10), (-637, -1166, 56), (283, -15, 11),
    (-4, -15091, -2549), (222, 5628, 2726),
)  # fmt: skip
"""Expression, (K, 3)."""


def resting(driver: HeadMotion, regions: frozenset[str]) -> HeadMotion:
    """Return what a driver's only motion (1) is counted from: its own pose, with a face at rest.

    Where the eyes are carried over for themselves, they are taken as they are, as in the original.

    Raises:
        ConfigError: a region is unknown.
    """
    check_regions(regions)
    rest = torch.tensor(MILLIONTHS, device=driver.expression.device)[None] / 1e6
    if not regions & {ALL, EXPRESSION}:
        rest[:, EYES] = 0
    return replace(driver, expression=rest)
