"""Random smooth changes of a picture with the exact map of its points, for the equivariance loss.

T maps the coordinates of the transformed picture to those of the original one (backward, as a sampler
needs it): the transformed picture at p shows the original at T(p), so a keypoint found at x in the
transformed picture lies at T(x) in the original (spec section 4, term 3).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from facewire.geometry.grid import image_grid
from facewire.geometry.precision import apply
from facewire.geometry.warp import warp_image

SIGMA_AFFINE = 0.05
"""Standard deviation of the six affine numbers (spec section 4 [C])."""
SIGMA_TPS = 0.005
"""Standard deviation of the thin-plate weights (spec section 4 [C])."""
POINTS_TPS = 5
"""Control points of the thin-plate part, per axis."""


@dataclass(frozen=True, slots=True)
class PlaneTransform:
    """An affine map plus a thin-plate bend of the plane.

    affine   (B, 2, 3)  rows (a, b, shift)
    control  (P, 2)     control points
    weights  (B, P)     weight of each control point's radial term, added to both coordinates
    """

    affine: Tensor
    control: Tensor
    weights: Tensor

    def points(self, points: Tensor) -> Tensor:
        """Return T(p) of points (B, N, 2)."""
        linear: Tensor = apply(self.affine[:, None, :, :2], points) + self.affine[:, None, :, 2]
        distance = (points[:, :, None, :] - self.control).abs().sum(dim=-1)
        radial = distance.square() * torch.log(distance + 1e-6)
        return linear + (radial * self.weights[:, None]).sum(dim=-1, keepdim=True)

    def jacobians(self, points: Tensor) -> Tensor:
        """Return dT/dp (B, N, 2, 2) at points (B, N, 2), in closed form."""
        offset = points[:, :, None, :] - self.control
        distance = offset.abs().sum(dim=-1)
        slope = 2 * distance * torch.log(distance + 1e-6) + distance.square() / (distance + 1e-6)
        bend = ((slope * self.weights[:, None])[..., None] * torch.sign(offset)).sum(dim=2)
        return self.affine[:, None, :, :2] + bend[:, :, None, :]

    def image(self, image: Tensor) -> Tensor:
        """Return the transformed picture of (B, C, H, W); outside, the picture is mirrored."""
        height, width = image.shape[2:]
        grid = image_grid(height, width, device=image.device)
        flat = grid.reshape(1, -1, 2).expand(image.shape[0], -1, 2)
        return warp_image(image, self.points(flat).view(-1, height, width, 2), padding="reflection")


def random_transform(
    batch: int,
    generator: torch.Generator,
    *,
    sigma_affine: float = SIGMA_AFFINE,
    sigma_tps: float = SIGMA_TPS,
    device: torch.device | None = None,
) -> PlaneTransform:
    """Draw one transform per head; both sigmas 0 give the identity."""
    noise = torch.randn(batch, 2, 3, generator=generator) * sigma_affine
    affine = torch.eye(2, 3) + noise
    weights = torch.randn(batch, POINTS_TPS**2, generator=generator) * sigma_tps
    control = image_grid(POINTS_TPS, POINTS_TPS).reshape(-1, 2)
    return PlaneTransform(affine.to(device), control.to(device), weights.to(device))
