"""W: the volume in the driving pose, as a plane of features that the decoder paints."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from facewire.geometry.warp import warp_volume
from facewire.networks.relatives.appearance import Same
from facewire.networks.relatives.motion_field import DenseMotion, Pair
from facewire.networks.types import MotionField


class Warping(nn.Module):
    """M, the warp, and two convolutions; LivePortrait, ZLH and SadTalker."""

    def __init__(
        self, *, channels: int = 32, depth: int = 16, plane: int = 256, slope: float = 0.01, **motion: Any
    ) -> None:
        super().__init__()
        self.dense_motion_network = DenseMotion(channels=channels, depth=depth, **motion)
        self.third = Same(channels * depth, plane, 3, slope)
        self.fourth = nn.Conv2d(plane, plane, 1)

    def forward(
        self, volume: Tensor, pair: Pair, kept: int | Tensor | None = None
    ) -> tuple[Tensor, MotionField]:
        """Return a plane (B, 256, H, W) and the field that moved it; the volume is (B, C, D, H, W)."""
        field: MotionField = self.dense_motion_network(volume, pair, kept)
        moved = warp_volume(volume, field.flow, align_corners=False).flatten(1, 2)
        return self.fourth(self.third(moved)) * field.occlusion, field
