"""F, the appearance feature extractor: what the source looks like, lifted to 3-D (spec 2.2).

step                        at 256x256            at 512x512
7x7-Conv-64, norm, ReLU     64 x 256 x 256        64 x 512 x 512
DownBlock2d-128             128 x 128 x 128       128 x 256 x 256
DownBlock2d-256             256 x 64 x 64         256 x 128 x 128
1x1-Conv-512                512 x 64 x 64         512 x 128 x 128
reshape                     32 x 16 x 64 x 64     32 x 16 x 128 x 128
6 x ResBlock3d-32           32 x 16 x 64 x 64     32 x 16 x 128 x 128
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from facewire.networks.paper.blocks2d import DownBlock2d, conv2d
from facewire.networks.paper.blocks3d import ResBlock3d
from facewire.networks.paper.config import PaperConfig


class AppearanceExtractor(nn.Module):
    """Source picture to appearance volume f_s."""

    def __init__(self, config: PaperConfig) -> None:
        super().__init__()
        base = config.base
        self.depth = config.volume_depth
        self.first = conv2d(3, base, 7)
        self.first_norm = nn.BatchNorm2d(base)
        self.down = nn.Sequential(DownBlock2d(base, 2 * base), DownBlock2d(2 * base, 4 * base))
        self.lift = conv2d(4 * base, config.channels * config.depth, 1)
        self.volume_blocks = nn.Sequential(
            *(ResBlock3d(config.volume_channels) for _ in range(config.appearance_blocks))
        )

    def forward(self, image: Tensor) -> Tensor:
        """Return the volume (B, C, D, H/4, W/4) of RGB pictures (B, 3, H, W) in [0, 1]."""
        x = F.relu(self.first_norm(self.first(image)))
        x = self.lift(self.down(x))
        batch, _, height, width = x.shape
        volume: Tensor = self.volume_blocks(x.view(batch, -1, self.depth, height, width))
        return volume
