"""Convolutions whose files hold the weight before spectral normalisation, and the two vectors that estimate it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facewire.geometry.precision import unreduced


class SpectralConv2d(nn.Module):
    """A convolution by weight_orig / (u . W v), with u and v exactly as stored: never iterated further."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, bias: bool = True) -> None:
        super().__init__()
        self.weight_orig = nn.Parameter(torch.zeros(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.register_buffer("weight_u", torch.zeros(outputs))
        self.register_buffer("weight_v", torch.zeros(inputs * kernel * kernel))
        self.weight_u: Tensor
        self.weight_v: Tensor

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight(), self.bias, padding=self.weight_orig.shape[-1] // 2)

    def weight(self) -> Tensor:
        """Return the normalised weight; the estimate is made in float32 under autocast too."""
        with unreduced(self.weight_orig):
            largest = torch.dot(self.weight_u, torch.mv(self.weight_orig.flatten(1), self.weight_v))
            return self.weight_orig / largest
