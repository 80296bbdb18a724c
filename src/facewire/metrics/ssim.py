"""SSIM: structural similarity.

Local means, variances and covariance under a Gaussian window of 11 x 11 with sigma 1.5, data range 255
(K1 = 0.01, K2 = 0.03), each colour channel on its own, averaged over the places where the window fits and over
the channels. Range -1 to 1, 1 for equal pictures; higher is better.

Source: Wang, Bovik, Sheikh, Simoncelli, Image quality assessment (2004); the same as scikit-image's
`structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False)`. Not taken from torchmetrics,
which counts mirrored borders too and needs seven times the processor time (docs/lab/2026-11-29-libraries.md).
"""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from facewire.metrics.image_pair import check_pair
from facewire.metrics.metric import Metric

SSIM = Metric(
    name="ssim",
    title="SSIM",
    unit="",
    better="higher",
    range=(-1.0, 1.0),
    source="Wang et al. 2004; RGB, Gaussian window 11 with sigma 1.5, data range 255",
    note="the paper does not state its window",
)

WINDOW = 11
SIGMA = 1.5
C1 = 0.01**2
C2 = 0.03**2
"""The constants (K L)^2 for pictures in [0, 1]; scaling both pictures and L changes nothing."""


def structural_similarity(result: Tensor, truth: Tensor) -> Tensor:
    """Return SSIM (B,) of images (B, 3, H, W) in [0, 1]; sides of at least 11."""
    check_pair(result, truth, WINDOW)
    luminance, contrast = similarity_maps(result, truth)
    return (luminance * contrast).mean(dim=(1, 2, 3))


def similarity_maps(result: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Return the luminance map and the contrast-structure map, each (B, 3, H - 10, W - 10)."""
    count = len(result)
    stacked = torch.cat((result, truth, result.square(), truth.square(), result * truth))
    blurred = gaussian_blur(stacked)
    mean_a, mean_b, square_a, square_b, product = blurred.view(5, count, *blurred.shape[1:]).unbind()
    variance = (square_a - mean_a.square()) + (square_b - mean_b.square())
    covariance = product - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + C1) / (mean_a.square() + mean_b.square() + C1)
    contrast = (2 * covariance + C2) / (variance + C2)
    return luminance, contrast


def gaussian_blur(image: Tensor) -> Tensor:
    """Return (B, C, H - 10, W - 10): the window's mean wherever it fits into (B, C, H, W).

    Cost: in channels_last the filters are ten times as fast on a CPU, so other layouts are copied first.
    """
    image = image.contiguous(memory_format=torch.channels_last)
    channels = image.shape[1]
    window = _window().to(image)
    rows = window.view(1, 1, -1, 1).expand(channels, 1, -1, 1)
    columns = window.view(1, 1, 1, -1).expand(channels, 1, 1, -1)
    return F.conv2d(F.conv2d(image, rows, groups=channels), columns, groups=channels)


@cache
def _window() -> Tensor:
    places = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    weights = torch.exp(-0.5 * (places / SIGMA).square())
    return weights / weights.sum()
