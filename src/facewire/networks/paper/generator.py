"""G, the generator: the warped volume becomes a picture (spec 2.6).

    step                                        at 256x256          at 512x512
    32 x 16 reshaped to channels                512 x 64 x 64       512 x 128 x 128
    3x3-Conv-256, norm, LeakyReLU 0.2           256 x 64 x 64       256 x 128 x 128
    1x1-Conv-256                                256 x 64 x 64       256 x 128 x 128
    times occlusion                             256 x 64 x 64       256 x 128 x 128
    6 x ResBlock2d-256                          256 x 64 x 64       256 x 128 x 128
    UpBlock2d-128                               128 x 128 x 128     128 x 256 x 256
    UpBlock2d-64                                64 x 256 x 256      64 x 512 x 512
    7x7-Conv-3, sigmoid                         3 x 256 x 256       3 x 512 x 512

The paper does not say how the output is squashed; sigmoid keeps it in [0, 1].
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facewire.networks.paper.blocks2d import ResBlock2d, UpBlock2d, conv2d
from facewire.networks.paper.config import PaperConfig

SLOPE = 0.2
"""Of the LeakyReLU (spec 2.6)."""


class Generator(nn.Module):
    """Warped volume and occlusion to picture."""

    def __init__(self, config: PaperConfig) -> None:
        super().__init__()
        base, spectral = config.base, config.generator_spectral_norm
        width = 4 * base
        self.first = conv2d(config.channels * config.depth, width, 3, spectral=spectral)
        self.first_norm = nn.BatchNorm2d(width)
        self.mix = conv2d(width, width, 1, spectral=spectral)
        self.blocks = nn.Sequential(
            *(ResBlock2d(width, spectral=spectral) for _ in range(config.generator_blocks))
        )
        self.up = nn.Sequential(
            UpBlock2d(width, 2 * base, spectral=spectral), UpBlock2d(2 * base, base, spectral=spectral)
        )
        self.last = conv2d(base, 3, 7, spectral=spectral)

    def forward(self, volume: Tensor, occlusion: Tensor) -> Tensor:
        """Return RGB pictures (B, 3, 4H, 4W) in [0, 1].

        Args:
            volume: warped appearance (B, C, D, H, W).
            occlusion: (B, 1, H, W) in [0, 1].
        """
        x = F.leaky_relu(self.first_norm(self.first(volume.flatten(1, 2))), SLOPE)
        x = self.mix(x) * occlusion
        return torch.sigmoid(self.last(self.up(self.blocks(x))))
