"""G: a plane of features becomes a picture.

SpadeDecoder     256 x 64 x 64 -> 512 or 256 pixels   LivePortrait, ZLH, SadTalker
ResidualDecoder  256 x 64 x 64 -> 256 pixels          the older ZLH
"""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facewire.networks.paper.blocks2d import ResBlock2d, UpBlock2d, conv2d
from facewire.networks.relatives.spectral import SpectralConv2d

SLOPE = 0.2
HIDDEN = 128
MIDDLE = 6


class Spade(nn.Module):
    """Instance norm whose scale and shift are painted by the plane."""

    def __init__(self, width: int, label: int) -> None:
        super().__init__()
        self.mlp_shared = nn.Sequential(conv2d(label, HIDDEN, 3), nn.ReLU())
        self.mlp_gamma, self.mlp_beta = conv2d(HIDDEN, width, 3), conv2d(HIDDEN, width, 3)

    def forward(self, x: Tensor, plane: Tensor) -> Tensor:
        shared = self.mlp_shared(F.interpolate(plane, x.shape[2:], mode="nearest"))
        out: Tensor = F.instance_norm(x) * (1 + self.mlp_gamma(shared)) + self.mlp_beta(shared)
        return out


class SpadeBlock(nn.Module):
    """Residual block of two SPADE norms; its skip is learned where the width changes."""

    def __init__(self, inputs: int, outputs: int, label: int) -> None:
        super().__init__()
        inner = min(inputs, outputs)
        self.conv_0, self.conv_1 = SpectralConv2d(inputs, inner, 3), SpectralConv2d(inner, outputs, 3)
        self.norm_0, self.norm_1 = Spade(inputs, label), Spade(inner, label)
        self.learned = inputs != outputs
        if self.learned:
            self.conv_s, self.norm_s = SpectralConv2d(inputs, outputs, 1, bias=False), Spade(inputs, label)

    def forward(self, x: Tensor, plane: Tensor) -> Tensor:
        inner = self.conv_0(F.leaky_relu(self.norm_0(x, plane), SLOPE))
        inner = self.conv_1(F.leaky_relu(self.norm_1(inner, plane), SLOPE))
        skip: Tensor = self.conv_s(self.norm_s(x, plane)) if self.learned else x
        out: Tensor = skip + inner
        return out


class SpadeDecoder(nn.Module):
    """SPADE decoder.

    Args:
        plane: channels that come in.
        last: channels before the picture.
        upscale: 2 paints twice as many pixels by a pixel shuffle.
    """

    def __init__(self, *, plane: int = 256, last: int = 64, upscale: int = 2) -> None:
        super().__init__()
        self.fc = conv2d(plane, 2 * plane, 3)
        for number in range(MIDDLE):
            self.add_module(f"G_middle_{number}", SpadeBlock(2 * plane, 2 * plane, plane))
        self.up_0, self.up_1 = SpadeBlock(2 * plane, plane, plane), SpadeBlock(plane, last, plane)
        self.conv_img = (
            conv2d(last, 3, 3)
            if upscale == 1
            else nn.Sequential(conv2d(last, 3 * upscale**2, 3), nn.PixelShuffle(upscale))
        )
        self.scale = 4 * upscale

    def forward(self, plane: Tensor) -> Tensor:
        """Return pictures (B, 3, scale H, scale W) in [0, 1] of planes (B, C, H, W)."""
        x = self.fc(plane)
        for number in range(MIDDLE):
            x = getattr(self, f"G_middle_{number}")(x, plane)
        for block in (self.up_0, self.up_1):
            x = block(F.interpolate(x, scale_factor=2, mode="nearest"), plane)
        return torch.sigmoid(self.conv_img(F.leaky_relu(x, SLOPE)))


class ResidualDecoder(nn.Module):
    """Residual blocks and doublings."""

    scale = 4

    def __init__(self, *, widths: tuple[int, ...] = (256, 128, 64), blocks: int = 6) -> None:
        super().__init__()
        self.resblocks_2d = nn.Sequential()
        for number in range(blocks):
            self.resblocks_2d.add_module(f"2dr{number}", ResBlock2d(widths[0]))
        self.up_blocks = nn.Sequential(*(UpBlock2d(a, b) for a, b in itertools.pairwise(widths)))
        self.final = conv2d(widths[-1], 3, 7)

    def forward(self, plane: Tensor) -> Tensor:
        """Return pictures (B, 3, 4H, 4W) in [0, 1] of planes (B, C, H, W)."""
        return torch.sigmoid(self.final(self.up_blocks(self.resblocks_2d(plane))))
