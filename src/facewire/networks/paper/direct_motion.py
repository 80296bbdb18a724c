"""Keypoints without the two-step composition: an ablation of the paper (Table 5, "direct prediction").

    two-step   x = R x_c + t + delta    x_c of the source, R, t, delta of each picture
    direct     x = L(picture)           every picture by itself; H still gives R, the local frame J = R of the flow

In the words of `HeadMotion`: t = 0, delta = x and x_c = 0, so the rest of the model does not know the difference.
What is lost is the paper's point: x_d carries the driver's own face along, and turning R does not say where
keypoints go.
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
    """Stands where H and Delta stand: picture to R and final keypoints."""

    def __init__(self, config: PaperConfig) -> None:
        super().__init__()
        self.keypoints = config.keypoints
        self.detector = CanonicalDetector(config)
        self.head = HeadMotionEstimator(config)
        for unused in (self.head.translation, self.head.expression):
            unused.requires_grad_(False)

    def forward(self, image: Tensor) -> HeadMotion:
        """Return (R, 0, x) of RGB pictures (B, 3, H, W) in [0, 1]."""
        motion: HeadMotion = self.head(image)
        found: CanonicalKeypoints = self.detector(image)
        return HeadMotion(motion.rotation, torch.zeros_like(motion.translation), found.points)
