"""Picture to appearance volume; LivePortrait, ZLH and SadTalker, whose networks are the same.

3 x 256 x 256 --Conv, norm, ReLU--> 64 --DownBlock2d twice--> 256 x 64 x 64 --1x1 Conv--> 512
512 x 64 x 64 seen as 32 x 16 x 64 x 64 --6 x ResBlock3d--> 32 x 16 x 64 x 64
"""

from __future__ import annotations

import itertools

import torch.nn.functional as F
from torch import Tensor, nn

from facewire.networks.paper.blocks2d import DownBlock2d, conv2d
from facewire.networks.paper.blocks3d import ResBlock3d


class Same(nn.Module):
    """Convolution, norm and a leaky ReLU; slope 0 is a ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, slope: float = 0.0) -> None:
        super().__init__()
        self.conv = conv2d(inputs, outputs, kernel)
        self.norm = nn.BatchNorm2d(outputs)
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.norm(self.conv(x)), self.slope)


class Appearance(nn.Module):
    """F."""

    def __init__(
        self, *, widths: tuple[int, ...] = (64, 128, 256), channels: int = 32, depth: int = 16,
        blocks: int = 6, kernel: int = 3,
    ) -> None:  # fmt: skip
        super().__init__()
        self.first = Same(3, widths[0], kernel)
        self.down_blocks = nn.ModuleList(DownBlock2d(a, b) for a, b in itertools.pairwise(widths))
        self.second = nn.Conv2d(widths[-1], channels * depth, 1)
        self.resblocks_3d = nn.Sequential()
        for number in range(blocks):
            self.resblocks_3d.add_module(f"3dr{number}", ResBlock3d(channels))
        self.channels = channels

    def forward(self, image: Tensor) -> Tensor:
        """Return f_s (B, C, D, H/4, W/4) of pictures (B, 3, H, W)."""
        x = self.first(image)
        for block in self.down_blocks:
            x = block(x)
        volume: Tensor = self.resblocks_3d(self.second(x).unflatten(1, (self.channels, -1)))
        return volume
