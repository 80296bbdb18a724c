"""Identity grids in the project's coordinates (see axes.py)."""

from __future__ import annotations

import torch
from torch import Tensor


def axis_line(n: int, device: torch.device | None, dtype: torch.dtype) -> Tensor:
    """Return the coordinates of n cells along one axis, -1 to 1, shape (n,); a single cell lies at 0."""
    if n == 1:
        return torch.zeros(1, device=device, dtype=dtype)
    return torch.linspace(-1.0, 1.0, n, device=device, dtype=dtype)


def image_grid(
    height: int, width: int, *, device: torch.device | None = None, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Return the (x, y) of every pixel, shape (height, width, 2); an axis of one cell lies at 0."""
    y, x = torch.meshgrid(axis_line(height, device, dtype), axis_line(width, device, dtype), indexing="ij")
    return torch.stack((x, y), dim=-1)


def from_fractions(places: Tensor, height: int, width: int) -> Tensor:
    """Return the project's coordinates of places given as shares of a picture.

    Detectors and label files count from edge to edge: 0 is the outer edge of the first pixel, 1 that of the
    last. Ours run from centre to centre, so the shares 0 and 1 lie half a pixel outside [-1, 1].

    Args:
        places: (*, 2), x and y.
        height, width: of the picture in pixels.
    """
    size = torch.tensor((width, height), dtype=places.dtype, device=places.device)
    return (2 * places * size - 1) / (size - 1).clamp_min(1) - 1


def volume_grid(
    depth: int,
    height: int,
    width: int,
    *,
    device: torch.device | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Return the (x, y, z) of every voxel, shape (depth, height, width, 3); an axis of one cell lies at 0."""
    z, y, x = torch.meshgrid(
        axis_line(depth, device, dtype),
        axis_line(height, device, dtype),
        axis_line(width, device, dtype),
        indexing="ij",
    )
    return torch.stack((x, y, z), dim=-1)
