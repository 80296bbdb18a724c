"""Keypoints: from heat maps, and from canonical to posed (paper Eq. 1 and 2)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from facewire.base.errors import ShapeError
from facewire.geometry.grid import axis_line
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.precision import apply, compose


@dataclass(frozen=True, slots=True)
class Keypoints:
    """K points with their first-order neighbourhoods.

    points     (B, K, 3)     positions in [-1, 1]^3
    jacobians  (B, K, 3, 3)  local linear frames J; for a near-rigid head simply R
    """

    points: Tensor
    jacobians: Tensor

    def __post_init__(self) -> None:
        if self.points.ndim != 3 or self.points.shape[2] != 3:
            raise ShapeError("points", "(B, K, 3)", self.points.shape)
        if self.jacobians.shape != (*self.points.shape, 3):
            raise ShapeError("jacobians", f"{(*self.points.shape, 3)}", self.jacobians.shape)

    def kept(self, count: int) -> Keypoints:
        """Return the first `count` keypoints of the ordered list (spec section 8, adaptive count)."""
        return Keypoints(self.points[:, :count], self.jacobians[:, :count])

    def in_plane(self) -> Keypoints:
        """Return the keypoints moved along z into the plane z = 0, for warping flat maps."""
        return Keypoints(self.points * self.points.new_tensor((1.0, 1.0, 0.0)), self.jacobians)


@dataclass(frozen=True, slots=True)
class CanonicalKeypoints:
    """A person's keypoints without pose and expression.

    points     (B, K, 3)             x_c
    jacobians  (B, K, 3, 3) or None  J_c; None is the later revision of the paper, J_c = I
    """

    points: Tensor
    jacobians: Tensor | None = None

    def expand(self, batch: int) -> CanonicalKeypoints:
        """Return the same keypoints for `batch` heads (only from a batch of one)."""
        jacobians = (
            None if self.jacobians is None else self.jacobians.expand(batch, *self.jacobians.shape[1:])
        )
        return CanonicalKeypoints(self.points.expand(batch, *self.points.shape[1:]), jacobians)


def place(canonical: CanonicalKeypoints, motion: HeadMotion) -> Keypoints:
    """Return posed keypoints x_k = R x_c,k + t + delta_k with J_k = R J_c,k (paper Eq. 1 and 2).

    Shapes: canonical (B, K, 3), motion of B heads with the same K; result the same. Where the motion has J_k of its
    own, they are taken as they are.
    """
    turned = apply(motion.rotation[:, None], canonical.points)
    points = turned + motion.translation[:, None, :] + motion.expression
    if motion.jacobians is not None:
        return Keypoints(points, motion.jacobians)
    rotation = motion.rotation[:, None].expand(*points.shape, 3)
    jacobians = rotation if canonical.jacobians is None else compose(rotation, canonical.jacobians)
    return Keypoints(points, jacobians)


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
