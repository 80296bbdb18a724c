"""The one check that all picture metrics share."""

from __future__ import annotations

from torch import Tensor

from facewire.base.errors import ShapeError


def check_pair(result: Tensor, truth: Tensor, least: int = 1) -> None:
    """Raise ShapeError unless both are (B, 3, H, W) of the same shape with sides of at least `least`."""
    if result.ndim != 4 or result.shape[1] != 3 or min(result.shape[2:]) < least:
        raise ShapeError("result", f"(B, 3, H, W) with H and W of at least {least}", result.shape)
    if result.shape != truth.shape:
        raise ShapeError("truth", f"{tuple(result.shape)}, as the result", truth.shape)
