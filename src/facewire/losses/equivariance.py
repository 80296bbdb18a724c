"""Equivariance term E: keypoints move with the picture (spec section 4, term 3).

    driving picture d ------------------------> x_d, J_d
    d changed by T (a random smooth warp) ----> x_T, J_T

T maps coordinates of the changed picture to those of d, so what lies at x_T there lies at T(x_T) in d, and to
first order J_d = T'(x_T) J_T. Only x and y are compared: T knows nothing about depth. Both keypoint sets are
placed from the source's canonical keypoints.
"""

from __future__ import annotations

import torch
from torch import Tensor

from facewire.geometry.keypoints import Keypoints
from facewire.geometry.precision import compose, full
from facewire.geometry.transform import PlaneTransform


def keypoint_equivariance(driving: Keypoints, transformed: Keypoints, transform: PlaneTransform) -> Tensor:
    """Return the mean of |x_d - T(x_T)| over keypoints and the coordinates x and y.

    Args:
        driving: x_d of B driving pictures.
        transformed: x_T of the same pictures after `transform.image`.
        transform: T of B heads.
    """
    moved = transform.points(transformed.points[..., :2])
    error: Tensor = (driving.points[..., :2] - moved).abs().mean()
    return error


def jacobian_equivariance(driving: Keypoints, transformed: Keypoints, transform: PlaneTransform) -> Tensor:
    """Return the mean of |I - J_d^-1 T'(x_T) J_T| over keypoints and the four numbers of the (x, y) block.

    Only for models that estimate Jacobians. The inverse keeps all-zero Jacobians from being a solution.
    Arguments as `keypoint_equivariance`.
    """
    slope = transform.jacobians(transformed.points[..., :2])
    there = compose(slope, transformed.jacobians[..., :2, :2])
    ratio = compose(_inverse(full(driving.jacobians[..., :2, :2])), there)
    error: Tensor = (torch.eye(2, dtype=ratio.dtype, device=ratio.device) - ratio).abs().mean()
    return error


def _inverse(matrix: Tensor) -> Tensor:
    """Return inverses of (*, 2, 2), bounded where nearly singular, so that one head cannot spoil a batch."""
    (a, b), (c, d) = matrix[..., 0, :].unbind(-1), matrix[..., 1, :].unbind(-1)
    determinant = a * d - b * c
    sign = torch.where(determinant < 0, -1.0, 1.0)
    bounded = sign * determinant.abs().clamp_min(1e-3)
    adjugate = torch.stack((torch.stack((d, -b), dim=-1), torch.stack((-c, a), dim=-1)), dim=-2)
    return adjugate / bounded[..., None, None]
