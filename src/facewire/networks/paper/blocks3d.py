"""Blocks on volumes (spec 2.1). Depth is never pooled.

block             input           output              layers
DownBlock3d(n)    (c, D, H, W)    (n, D, H/2, W/2)    3x3x3 conv, norm, ReLU, 1x2x2 average
UpBlock3d(n)      (c, D, H, W)    (n, D, 2H, 2W)      nearest 1x2x2, 3x3x3 conv, norm, ReLU
ResBlock3d        (n, D, H, W)    (n, D, H, W)        x + [norm, ReLU, 3x3x3 conv] twice
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


def conv3d(inputs: int, outputs: int, kernel: int) -> nn.Conv3d:
    """Return a convolution that keeps the raster."""
    return nn.Conv3d(inputs, outputs, kernel, padding=kernel // 2)


class DownBlock3d(nn.Module):
    """Halve height and width."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = conv3d(inputs, outputs, 3)
        self.norm = nn.BatchNorm3d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool3d(F.relu(self.norm(self.conv(x))), (1, 2, 2))


class UpBlock3d(nn.Module):
    """Double height and width."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = conv3d(inputs, outputs, 3)
        self.norm = nn.BatchNorm3d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(F.interpolate(x, scale_factor=(1, 2, 2), mode="nearest"))))


class ResBlock3d(nn.Module):
    """Add what two pre-activated convolutions find."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm3d(width)
        self.conv1 = conv3d(width, width, 3)
        self.norm2 = nn.BatchNorm3d(width)
        self.conv2 = conv3d(width, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.conv1(F.relu(self.norm1(x)))
        added: Tensor = self.conv2(F.relu(self.norm2(inner)))
        return x + added
