"""Gaussian maps around keypoints, the motion field's hint of where things are."""

from __future__ import annotations

import torch
from torch import Tensor

VARIANCE = 0.01
"""Variance of the paper's keypoint maps in squared picture units (spec 2.5 [C])."""


def gaussian_maps(points: Tensor, grid: Tensor, variance: float = VARIANCE) -> Tensor:
    """Return exp(-|p - x_k|^2 / (2 variance)) on a grid.

    Args:
        points: (B, K, C) with C coordinates, 2 or 3.
        grid: (*space, C).

    Returns:
        (B, K, *space), values in (0, 1].
    """
    ones = (1,) * (grid.ndim - 1)
    centre = points.reshape(*points.shape[:2], *ones, points.shape[-1])
    # Axis by axis, because sums over two or three neighbours in memory are slow.
    first, *others = ((grid[..., axis] - centre[..., axis]).square() for axis in range(points.shape[-1]))
    return torch.exp(-0.5 * sum(others, start=first) / variance)
