"""Head rotations: angles to matrices and back.

R = Rx(pitch) Ry(yaw) Rz(roll) acts on column vectors. A face that looks into the camera looks along -z.

    positive yaw    turns the nose to the image's right     Ry(yaw)   (0,0,-1) -> (+sin, 0, -cos)
    positive pitch  raises the nose                         Rx(pitch) (0,0,-1) -> (0, -sin, -cos)
    positive roll   tilts the head clockwise in the image   Rz(roll)  (1,0,0)  -> (cos, +sin, 0)

The paper builds R from yaw, pitch and roll and leaves order and signs open (spec section 3, [A]/[C]);
this file is our answer and tests/geometry/test_pose.py pins it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from facewire.geometry.arrays import Numbers, library, like
from facewire.geometry.precision import compose

if TYPE_CHECKING:
    from torch import Tensor

BINS = 66
"""Angle classes of the paper's pose head (spec 2.4)."""
BIN_DEGREES = 3.0
"""Width of one angle class in degrees; 66 of them span -99 to +99."""
SMALLEST_SINE = 1e-9
"""Of an angle whose axis is still asked for."""


def angles_from_bins(logits: Tensor) -> Tensor:
    """Return the expected angle in radians of (*, 66) class logits, shape (*).

    Class i covers [3i - 99, 3i - 96] degrees and counts with its centre, so flat logits give exactly 0
    (spec 2.4; the -97.5 offset is LivePortrait's correction of the older -99).
    """
    torch = library(logits)
    index = torch.arange(BINS, device=logits.device, dtype=torch.float32)
    centre = BIN_DEGREES * (index - (BINS - 1) / 2)
    expectation = (torch.softmax(logits.float(), dim=-1) * centre).sum(dim=-1)
    angle: Tensor = torch.deg2rad(expectation)
    return angle


def rotation_from_angles(yaw: Numbers, pitch: Numbers, roll: Numbers) -> Numbers:
    """Return R = Rx(pitch) Ry(yaw) Rz(roll), shape (*, 3, 3), from angles in radians of shape (*)."""
    by = library(yaw)
    (sy, sp, sr), (cy, cp, cr) = ([of(angle) for angle in (yaw, pitch, roll)] for of in (by.sin, by.cos))
    rows = (
        (cy * cr, -cy * sr, -sy),
        (cp * sr + sp * sy * cr, cp * cr - sp * sy * sr, sp * cy),
        (-sp * sr + cp * sy * cr, -sp * cr - cp * sy * sr, cp * cy),
    )
    return by.stack([by.stack(row, -1) for row in rows], -2)


def angles_from_rotation(rotation: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Return (yaw, pitch, roll) in radians, each of shape (*), of rotations (*, 3, 3).

    Exact inverse of `rotation_from_angles` for |yaw| < 90 degrees; at the pole roll and pitch share one
    degree of freedom and any valid split is returned.
    """
    by = library(rotation)
    yaw = by.arcsin((-rotation[..., 0, 2]).clip(-1.0, 1.0))
    pitch = by.arctan2(rotation[..., 1, 2], rotation[..., 2, 2])
    roll = by.arctan2(-rotation[..., 0, 1], rotation[..., 0, 0])
    return yaw, pitch, roll


def rotation_from_degrees(yaw: float, pitch: float, roll: float) -> Tensor:
    """Return one rotation, shape (3, 3), from angles in degrees, as a tensor (networks, reports)."""
    import torch

    angles = [torch.tensor(math.radians(a)) for a in (yaw, pitch, roll)]
    rotation: Tensor = rotation_from_angles(*angles)
    return rotation


def turn_of_degrees(yaw: float, pitch: float, roll: float) -> NDArray[np.float32]:
    """Return one rotation, shape (3, 3), from angles in degrees, as an array (command line, calls)."""
    angles = np.radians(np.array((yaw, pitch, roll), np.float64)).astype(np.float32)[:, None]
    rotation: NDArray[np.float32] = rotation_from_angles(*angles)[0]
    return rotation


def powered(rotation: Numbers, share: float) -> Numbers:
    """Return rotations (*, 3, 3) about the same axes by `share` times their angles, which are below 180 degrees."""
    by = library(rotation)
    skew = (rotation - rotation.swapaxes(-1, -2)) / 2
    sine = by.sqrt(by.square(skew).sum((-1, -2)) / 2)[..., None, None]
    cosine = (rotation[..., 0, 0] + rotation[..., 1, 1] + rotation[..., 2, 2])[..., None, None] / 2 - 0.5
    angle = share * by.arctan2(sine, cosine)
    axis = skew / sine.clip(SMALLEST_SINE)
    still = like(np.eye(3, dtype=np.float32), rotation)
    return still + by.sin(angle) * axis + (1 - by.cos(angle)) * compose(axis, axis)


def orthonormal(columns: Numbers) -> Numbers:
    """Return the rotation whose first two columns follow the 6 numbers (*, 6), by Gram-Schmidt.

    A continuous parametrisation of rotations: no angle wraps and no gimbal lock, so networks learn it well.
    """
    a, b = columns[..., :3], columns[..., 3:]
    if isinstance(columns, np.ndarray):
        own = a / np.linalg.norm(a, axis=-1, keepdims=True)
        other = b - (own * b).sum(-1, keepdims=True) * own
        other = other / np.linalg.norm(other, axis=-1, keepdims=True)
        return np.stack((own, other, np.cross(own, other)), axis=-1)
    torch = library(columns)
    first = torch.nn.functional.normalize(a, dim=-1)
    second = torch.nn.functional.normalize(b - (first * b).sum(-1, keepdim=True) * first, dim=-1)
    return torch.stack((first, second, torch.cross(first, second, dim=-1)), dim=-1)
