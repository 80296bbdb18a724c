"""Angles, rotations and keypoints as each family reads them; columns, so that a point p becomes A p."""

from __future__ import annotations

import torch
from torch import Tensor

from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.precision import apply, compose
from facewire.networks.relatives.families import Family, Turns

BIN_DEGREES = 3.0


def expected_angle(logits: Tensor, family: Family) -> Tensor:
    """Return the angle in radians of class logits (*, 66), shape (*)."""
    index = torch.arange(logits.shape[-1], device=logits.device, dtype=torch.float32)
    degrees = BIN_DEGREES * (torch.softmax(logits.float(), dim=-1) * index).sum(dim=-1) - family.offset
    return degrees / 180 * family.half_turn


def rotation(turns: Turns, angles: dict[str, Tensor]) -> Tensor:
    """Return A (*, 3, 3), the product of `turns`, from angles in radians by name, each (*)."""
    first, *rest = (_about(axis, angles[name]) for axis, name in turns)
    for factor in rest:
        first = compose(first, factor)
    return first


def placed(canonical: Tensor, motion: HeadMotion, family: Family) -> Tensor:
    """Return keypoints (B, K, 3) of canonical ones (B, K, 3) in a motion."""
    points: Tensor = apply(motion.rotation[:, None], canonical) + motion.expression
    if family.scaled:
        points = points * (-motion.translation[:, 2]).exp()[:, None, None]
    placed: Tensor = points + (motion.translation * motion.translation.new_tensor(family.shift))[:, None]
    return placed


def carried_over(motion: HeadMotion, reference: HeadMotion, source: HeadMotion, family: Family) -> HeadMotion:
    """Return the source's motion plus what changed since `reference`, as the family composes turns.

    Translation and expression add up; a scale in t_z therefore multiplies.
    """
    if not family.side_first:
        return motion.relative(reference, source)
    batch = len(motion)
    first, own = (other.like(motion).expand(batch) for other in (reference, source))
    return HeadMotion(
        compose(compose(own.rotation, first.rotation.swapaxes(-1, -2)), motion.rotation),
        own.translation + motion.translation - first.translation,
        own.expression + motion.expression - first.expression,
    )


def _about(axis: str, angle: Tensor) -> Tensor:
    """Return the rotation (*, 3, 3) about x, y or z."""
    c, s = torch.cos(angle), torch.sin(angle)
    zero, one = torch.zeros_like(c), torch.ones_like(c)
    rows = {
        "x": ((one, zero, zero), (zero, c, -s), (zero, s, c)),
        "y": ((c, zero, s), (zero, one, zero), (-s, zero, c)),
        "z": ((c, -s, zero), (s, c, zero), (zero, zero, one)),
    }[axis]
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)
