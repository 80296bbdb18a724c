"""The two building blocks that BlazeFace and the face mesh are made of.

    BlazeBlock   x -> depthwise 3x3 -> pointwise 1x1 -> (+) -> activation
                 |                                       ^
                 +-> 2x2 max pool (stride 2 only) -> zero channels appended

    ConvPReLU    x -> convolution -> PReLU

Padding follows the framework the weights were trained in: at stride 2 on an even grid the whole
margin lies on the right and at the bottom, which `padding=1` would not reproduce.

Knows nothing about faces, landmarks or files.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def pad_same(image: Tensor, kernel: int, stride: int) -> Tensor:
    """Pad with zeros so that a convolution without padding divides each side by `stride`.

    Args:
        image: [B, C, H, W], H and W multiples of `stride`.
        kernel: side of the (square) convolution window.
        stride: step of the convolution.

    Returns:
        [B, C, H + kernel - stride, W + kernel - stride]; an odd margin puts its extra line right and below.
    """
    margin = kernel - stride
    before, after = margin // 2, margin - margin // 2
    return F.pad(image, (before, after, before, after))


class ConvPReLU(nn.Module):
    """Convolution with size-preserving padding, then one learned negative slope per channel."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.convolution = nn.Conv2d(channels_in, channels_out, kernel, stride)
        self.activation = nn.PReLU(channels_out)

    def forward(self, image: Tensor) -> Tensor:
        """[B, channels_in, H, W] -> [B, channels_out, H / stride, W / stride]."""
        out: Tensor = self.activation(self.convolution(pad_same(image, self.kernel, self.stride)))
        return out


class BlazeBlock(nn.Module):
    """Residual depthwise-separable block; the skip path has no weights.

    Args:
        channels_in: channels of the input.
        channels_out: channels of the output, at least `channels_in`.
        stride: 1 keeps the size, 2 halves it.
        activation: "prelu" (mesh) or "relu" (detector).

    Source: Bazarevsky et al., BlazeFace (2019), figure 1.
    """

    def __init__(
        self, channels_in: int, channels_out: int, stride: int = 1, activation: str = "prelu"
    ) -> None:
        super().__init__()
        self.stride = stride
        self.channels_added = channels_out - channels_in
        self.depthwise = nn.Conv2d(channels_in, channels_in, 3, stride, groups=channels_in)
        self.pointwise = nn.Conv2d(channels_in, channels_out, 1)
        self.activation: nn.Module = nn.PReLU(channels_out) if activation == "prelu" else nn.ReLU()

    def forward(self, image: Tensor) -> Tensor:
        """[B, channels_in, H, W] -> [B, channels_out, H / stride, W / stride]."""
        change = self.pointwise(self.depthwise(pad_same(image, 3, self.stride)))
        out: Tensor = self.activation(self._skip(image) + change)
        return out

    def _skip(self, image: Tensor) -> Tensor:
        if self.stride == 2:
            image = F.max_pool2d(image, 2)
        if self.channels_added:
            image = F.pad(image, (0, 0, 0, 0, 0, self.channels_added))
        return image


def full_precision(layer: nn.Module, features: Tensor) -> Tensor:
    """Apply `layer` outside any autocast region, in the precision of its own weights.

    Coordinates need it: bfloat16 resolves 192 pixels only to about half a pixel.
    """
    dtype = next(layer.parameters()).dtype
    with torch.autocast(device_type=features.device.type, enabled=False):
        out: Tensor = layer(features.to(dtype))
    return out
