"""Which driving frame stands for the source's own pose and expression in relative motion.

The first frame need not be neutral: the frame whose head looks most like the source's does best, because then
least of the motion is invented.
"""

from __future__ import annotations

import torch

from facewire.geometry.head_motion import HeadMotion

EXPRESSION_UNIT = 0.02
"""A root-mean-square difference of expression (picture units) that counts as much as the angle below."""
ANGLE_UNIT = 0.1
"""Radians."""


def best_reference(motions: HeadMotion, source: HeadMotion) -> int:
    """Return the index of the driving frame that is most like the source in pose and expression.

    Args:
        motions: (T) driving motions.
        source: (1) the source's own.
    """
    own = source.expand(len(motions))
    trace = (motions.rotation * own.rotation).sum(dim=(1, 2))
    angle = torch.arccos(((trace - 1) / 2).clamp(-1, 1))
    change = (motions.expression - own.expression).square().mean(dim=(1, 2)).sqrt()
    return int(torch.argmin(angle / ANGLE_UNIT + change / EXPRESSION_UNIT))
