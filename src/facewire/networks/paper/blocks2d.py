"""Blocks on pictures (spec 2.1).

    block               input        output           layers
    DownBlock2d(n)      (c, H, W)    (n, H/2, W/2)    3x3 conv, norm, ReLU, 2x2 average
    UpBlock2d(n)        (c, H, W)    (n, 2H, 2W)      nearest x2, 3x3 conv, norm, ReLU
    ResBlock2d          (n, H, W)    (n, H, W)        x + [norm, ReLU, 3x3 conv] twice
    ResBottleneck(n,s)  (c, H, W)    (n, H/s, W/s)    ReLU(skip + 1x1, 3x3 stride s, 1x1 at n/4, n/4, n)

All norms are batch norms; the trainer turns them into synchronised ones.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


def conv2d(inputs: int, outputs: int, kernel: int, *, stride: int = 1, spectral: bool = False) -> nn.Conv2d:
    """Return a convolution that keeps the raster (divided by stride), spectrally normalised on demand."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2)
    if spectral:
        spectral_norm(conv)
    return conv


def resize_image(image: Tensor, side: int) -> Tensor:
    """Return pictures (B, C, H, W) as (B, C, side, side), low-pass filtered when they shrink."""
    if image.shape[2:] == (side, side):
        return image
    return F.interpolate(image, (side, side), mode="bilinear", align_corners=False, antialias=True)


class DownBlock2d(nn.Module):
    """Halve the raster."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = conv2d(inputs, outputs, 3)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(F.relu(self.norm(self.conv(x))), 2)


class UpBlock2d(nn.Module):
    """Double the raster."""

    def __init__(self, inputs: int, outputs: int, *, spectral: bool = False) -> None:
        super().__init__()
        self.conv = conv2d(inputs, outputs, 3, spectral=spectral)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))))


class ResBlock2d(nn.Module):
    """Add what two pre-activated convolutions find."""

    def __init__(self, width: int, *, spectral: bool = False) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(width)
        self.conv1 = conv2d(width, width, 3, spectral=spectral)
        self.norm2 = nn.BatchNorm2d(width)
        self.conv2 = conv2d(width, width, 3, spectral=spectral)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.conv1(F.relu(self.norm1(x)))
        added: Tensor = self.conv2(F.relu(self.norm2(inner)))
        return x + added


class ResBottleneck(nn.Module):
    """Residual bottleneck of the head network; its skip is a 1x1 conv where width or raster change.

    It starts as its skip alone: fifty norms over small maps in a row would make the gradient hundreds of times larger
    (ours; the paper does not say how anything is initialised).
    """

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1) -> None:
        super().__init__()
        inner = outputs // 4
        self.conv1 = conv2d(inputs, inner, 1)
        self.norm1 = nn.BatchNorm2d(inner)
        self.conv2 = conv2d(inner, inner, 3, stride=stride)
        self.norm2 = nn.BatchNorm2d(inner)
        self.conv3 = conv2d(inner, outputs, 1)
        self.norm3 = nn.BatchNorm2d(outputs)
        nn.init.zeros_(self.norm3.weight)
        same = inputs == outputs and stride == 1
        self.skip: nn.Module = nn.Identity() if same else _strided_skip(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        inner = F.relu(self.norm1(self.conv1(x)))
        inner = F.relu(self.norm2(self.conv2(inner)))
        summed: Tensor = self.skip(x) + self.norm3(self.conv3(inner))
        return F.relu(summed)


def _strided_skip(inputs: int, outputs: int, stride: int) -> nn.Module:
    return nn.Sequential(conv2d(inputs, outputs, 1, stride=stride), nn.BatchNorm2d(outputs))
