"""Keypoint prior L: keypoints spread over the face and lie at a set depth (spec section 4, term 4)."""

from __future__ import annotations

import torch
from torch import Tensor

SPREAD = 0.1
"""D_t: squared distance below which two keypoints repel each other (spec [A])."""
DEPTH = 0.33
"""z_t: wanted mean depth of a head's keypoints (spec [A])."""


def keypoint_prior(points: Tensor) -> Tensor:
    """Return sum_{i != j} max(0, D_t - |x_i - x_j|^2) + |mean_k z_k - z_t|, averaged over heads.

    Args:
        points: x_d (B, K, 3).

    Ordered pairs count twice. The diagonal is left out: it would add the constant K D_t.
    """
    return _crowding(points) + (points[..., 2].mean(dim=1) - DEPTH).abs().mean()


def _crowding(points: Tensor) -> Tensor:
    squared = (points[:, :, None] - points[:, None]).square().sum(dim=-1)
    others = ~torch.eye(points.shape[1], dtype=torch.bool, device=points.device)
    return (torch.relu(SPREAD - squared) * others).sum(dim=(1, 2)).mean()
