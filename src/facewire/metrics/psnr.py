"""PSNR: peak signal-to-noise ratio.

10 log10(255^2 / MSE) in decibels with the error taken over all pixels and channels of one picture. Higher is
better; 0 to about 50 for 8-bit pictures. Equal pictures would be infinite and count as 100. The formula stays here:
torchmetrics gives the same number and takes a second to import for one line.
"""

from __future__ import annotations

import torch
from torch import Tensor

from facewire.metrics.image_pair import check_pair
from facewire.metrics.metric import Metric

PSNR = Metric(
    name="psnr",
    title="PSNR",
    unit="dB",
    better="higher",
    range=(0.0, 100.0),
    source="10 log10(255^2 / mean squared error over pixels and channels), per frame",
)

EQUAL = 100.0
"""Decibels given to equal pictures, which would be infinitely good."""


def peak_signal_to_noise(result: Tensor, truth: Tensor) -> Tensor:
    """Return PSNR (B,) in decibels of images (B, 3, H, W) in [0, 1]."""
    check_pair(result, truth)
    mse = (result - truth).square().mean(dim=(1, 2, 3))
    return (-10 * torch.log10(mse.clamp_min(1e-30))).clamp_max(EQUAL)
