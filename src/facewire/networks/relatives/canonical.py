"""ZLH's canonical keypoints: picture to points (B, 15, 3); two kinds, at a quarter of the size or at full size."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from math import exp

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facewire.geometry.heatmap import expected_points, spatial_softmax
from facewire.networks.paper.blocks2d import DownBlock2d
from facewire.networks.paper.blocks3d import UpBlock3d, conv3d

SHRINK = 4
KERNEL = 13


class Shrink(nn.Module):
    """Gaussian low pass and every fourth pixel; its numbers are stored with the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", _gaussian())
        self.weight: Tensor

    def forward(self, image: Tensor) -> Tensor:
        return F.conv2d(image, self.weight, stride=SHRINK, padding=KERNEL // 2, groups=3)


class Predictor(nn.Module):
    """Encoder of pictures, decoder of volumes, no skips."""

    def __init__(self, downs: Sequence[int], ups: Sequence[int], depth: int) -> None:
        super().__init__()
        self.down_blocks = nn.Sequential()
        for number, (a, b) in enumerate(zip((3, *downs), downs)):
            self.down_blocks.add_module(f"down{number}", DownBlock2d(a, b))
        self.conv = nn.Conv2d(downs[-1], ups[0] * depth, 1)
        self.up_blocks = nn.Sequential()
        for number, (a, b) in enumerate(itertools.pairwise(ups)):
            self.up_blocks.add_module(f"up{number}", UpBlock3d(a, b))
        self.width = ups[0]

    def forward(self, image: Tensor) -> Tensor:
        flat = self.conv(self.down_blocks(image))
        volume: Tensor = self.up_blocks(flat.unflatten(1, (self.width, -1)))
        return volume


class Canonical(nn.Module):
    """L.

    Args:
        shrinks: reads the picture at a quarter of its size; off in the older weights.
    """

    def __init__(
        self, *, keypoints: int = 15, downs: Sequence[int] = (64, 128, 256, 512, 1024),
        ups: Sequence[int] = (1024, 512, 256, 128, 64, 32), depth: int = 16, shrinks: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        if shrinks:
            self.down = Shrink()
        self.shrinks = shrinks
        self.predictor = Predictor(downs, ups, depth)
        self.kp = conv3d(ups[-1], keypoints, 3)

    def forward(self, image: Tensor) -> Tensor:
        """Return canonical points (B, K, 3) of pictures (B, 3, H, W)."""
        logits = self.kp(self.predictor(self.down(image) if self.shrinks else image))
        return expected_points(spatial_softmax(logits))


def _gaussian() -> Tensor:
    """Return (3, 1, 13, 13); in plain numbers, for operations on the meta device load much of torch."""
    sigma = (SHRINK - 1) / 2
    line = [exp(-((i - KERNEL // 2) ** 2) / (2 * sigma**2)) for i in range(KERNEL)]
    whole = sum(line) ** 2
    return torch.tensor([[[[a * b / whole for b in line] for a in line]]] * 3)
