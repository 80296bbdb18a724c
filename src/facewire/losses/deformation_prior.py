"""Deformation prior Delta: expressions stay small, or pose would hide in them (spec section 4, term 6)."""

from __future__ import annotations

from torch import Tensor


def deformation_prior(expression: Tensor) -> Tensor:
    """Return the mean of |delta| over heads, keypoints and coordinates, delta (B, K, 3).

    The mean over all numbers is the weaker of the two readings of the paper; the stronger one freezes faces.
    """
    return expression.abs().mean()
