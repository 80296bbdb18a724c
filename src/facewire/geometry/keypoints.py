"""Keypoints: from canonical to posed (paper Eq. 1 and 2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facewire.base.errors import ShapeError
from facewire.geometry.arrays import Numbers, library, like
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.precision import apply, compose


@dataclass(frozen=True, slots=True)
class Keypoints:
    """K points with their first-order neighbourhoods.

    points     (B, K, 3)     positions in [-1, 1]^3
    jacobians  (B, K, 3, 3)  local linear frames J; for a near-rigid head simply R
    """

    points: Numbers
    jacobians: Numbers

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
        return Keypoints(
            self.points * like(np.array((1.0, 1.0, 0.0), np.float32), self.points), self.jacobians
        )


@dataclass(frozen=True, slots=True)
class CanonicalKeypoints:
    """A person's keypoints without pose and expression.

    points     (B, K, 3)             x_c
    jacobians  (B, K, 3, 3) or None  J_c; None is the later revision of the paper, J_c = I
    """

    points: Numbers
    jacobians: Numbers | None = None

    def expand(self, batch: int) -> CanonicalKeypoints:
        """Return the same keypoints for `batch` heads (only from a batch of one)."""
        points, jacobians = (
            None if part is None else library(part).broadcast_to(part, (batch, *part.shape[1:]))
            for part in (self.points, self.jacobians)
        )
        return CanonicalKeypoints(points, jacobians)


def place(canonical: CanonicalKeypoints, motion: HeadMotion) -> Keypoints:
    """Return posed keypoints x_k = R x_c,k + t + delta_k with J_k = R J_c,k (paper Eq. 1 and 2).

    Shapes: canonical (B, K, 3), motion of B heads with the same K; result the same. Where the motion has J_k of its
    own, they are taken as they are.
    """
    turned = apply(motion.rotation[:, None], like(canonical.points, motion.rotation))
    points = turned + motion.translation[:, None, :] + motion.expression
    if motion.jacobians is not None:
        return Keypoints(points, motion.jacobians)
    rotation = library(points).broadcast_to(motion.rotation[:, None], (*points.shape, 3))
    jacobians = rotation if canonical.jacobians is None else compose(rotation, canonical.jacobians)
    return Keypoints(points, jacobians)
