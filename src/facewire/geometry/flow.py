"""Flows: where in the source each voxel of the driving frame comes from (paper Eq. 3; spec section 3).

Backward flows: a flow at driving voxel p_d holds the source coordinates to read. One slot per keypoint plus,
first, the identity slot for everything that does not move.
"""

from __future__ import annotations

import torch
from torch import Tensor

from facewire.geometry.keypoints import Keypoints
from facewire.geometry.precision import apply, compose, full


def sparse_flows(source: Keypoints, driving: Keypoints, grid: Tensor) -> Tensor:
    """Return the K + 1 first-order flows on a grid.

    w_0(p) = p and w_k(p) = J_s,k J_d,k^-1 (p - x_d,k) + x_s,k.

    Args:
        source, driving: B heads with K keypoints.
        grid: (D, H, W, 3) driving coordinates.

    Returns:
        (B, K + 1, D, H, W, 3); equal keypoints give the grid in every slot.

    With J = R J_c the canonical Jacobian cancels: J_s J_d^-1 = R_s J_c J_c^-1 R_d^-1 = R_s R_d^-1. It still
    shapes the equivariance loss; the general form is kept so that foreign Jacobians work too.
    """
    linear = relative_jacobians(source, driving)
    offset = grid - driving.points[:, :, None, None, None, :]
    moved = apply(linear[:, :, None, None, None], offset) + source.points[:, :, None, None, None, :]
    identity = grid.expand(moved.shape[0], 1, *grid.shape)
    return torch.cat((identity, moved), dim=1)


def relative_jacobians(source: Keypoints, driving: Keypoints) -> Tensor:
    """Return J_s,k J_d,k^-1, shape (B, K, 3, 3), in full precision (an inverse does not survive half)."""
    relative: Tensor = compose(source.jacobians, torch.linalg.inv(full(driving.jacobians)))
    return relative


def composite_flow(masks: Tensor, flows: Tensor) -> Tensor:
    """Return w(p) = sum_k m_k(p) w_k(p).

    Args:
        masks: (B, K + 1, D, H, W), non-negative with sum 1 over the slots.
        flows: (B, K + 1, D, H, W, 3).

    Returns:
        (B, D, H, W, 3).
    """
    return (masks.unsqueeze(-1) * flows).sum(dim=1)
