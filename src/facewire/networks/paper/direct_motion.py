"""Keypoints without the two-step composition: ablations of the paper, and its strongest rival.

    two-step                x = R x_c + t + delta    x_c of the source, R, t, delta of each picture
    direct (Table 5)        x = L(picture)           every picture by itself; H still gives R, the flow's frame J = R
    direct with Jacobians   x, J = L(picture)        no H; with the 2-D warp it is the first-order motion model

In the words of `HeadMotion`: t = 0, delta = x and x_c = 0 (with Jacobians R = I and J beside them), so the rest of
the model does not know the difference. What is lost is the paper's point: x_d carries the driver's own face along,
and turning R does not say where keypoints go.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints
from facewire.networks.paper.canonical import CanonicalDetector
from facewire.networks.paper.config import PaperConfig
from facewire.networks.paper.head import HeadMotionEstimator


class NoCanonical(nn.Module):
    """Stands where L stands: all canonical keypoints at the origin."""

    def __init__(self, config: PaperConfig) -> None:
        super().__init__()
        self.keypoints = config.keypoints

    def forward(self, image: Tensor) -> CanonicalKeypoints:
        """Return zeros (B, K, 3) for pictures (B, 3, H, W)."""
        points = torch.zeros(len(image), self.keypoints, 3, device=image.device)
        return CanonicalKeypoints(points)


class DirectMotion(nn.Module):
    """Stands where H and Delta stand: picture to final keypoints with R, or with their Jacobians."""

    def __init__(self, config: PaperConfig) -> None:
        super().__init__()
        self.keypoints = config.keypoints
        self.detector = CanonicalDetector(config)
        self.head = None if config.jacobians else _only_rotation(config)

    def forward(self, image: Tensor) -> HeadMotion:
        """Return (R, 0, x) or (I, 0, x, J) of RGB pictures (B, 3, H, W) in [0, 1]."""
        found: CanonicalKeypoints = self.detector(image)
        still = torch.zeros_like(found.points[:, 0])
        if self.head is None:
            upright = torch.eye(3, device=image.device).expand(len(image), 3, 3)
            return HeadMotion(upright, still, found.points, found.jacobians)
        motion: HeadMotion = self.head(image)
        return HeadMotion(motion.rotation, still, found.points)


def _only_rotation(config: PaperConfig) -> HeadMotionEstimator:
    """Return H; what it would say about t and delta learns nothing."""
    head = HeadMotionEstimator(config)
    for unused in (head.translation, head.expression):
        unused.requires_grad_(False)
    return head
