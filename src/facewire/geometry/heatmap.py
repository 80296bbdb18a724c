"""Maps of keypoints: Gaussians around them, the motion field's hint of where things are, and back to points."""

from __future__ import annotations

import torch
from torch import Tensor

from facewire.geometry.grid import axis_line

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


def expected_points(heatmap: Tensor) -> Tensor:
    """Return the expected coordinate of normalised heat maps.

    Args:
        heatmap: (B, K, D, H, W), each map non-negative with sum 1.

    Returns:
        (B, K, 3) in [-1, 1]^3, order (x, y, z).
    """
    depth, height, width = heatmap.shape[2:]
    x, y, z = (axis_line(n, heatmap.device, heatmap.dtype) for n in (width, height, depth))
    planes = heatmap.sum(dim=2)
    means = (planes.sum(dim=2) * x, planes.sum(dim=3) * y, heatmap.sum(dim=(3, 4)) * z)
    return torch.stack([mean.sum(dim=-1) for mean in means], dim=-1)


def spatial_softmax(logits: Tensor, temperature: float = 0.1) -> Tensor:
    """Return heat maps (B, K, D, H, W) that sum to 1 over space; temperature 0.1 as in spec 2.3 [C]."""
    flat = logits.flatten(2).float() / temperature
    return torch.softmax(flat, dim=-1).view_as(logits)
