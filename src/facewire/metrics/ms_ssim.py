"""MS-SSIM: structural similarity at five scales.

Contrast-structure at every scale and luminance at the coarsest, raised to the published weights and multiplied;
scales are 2 x 2 averages of the one before. The window is that of ssim.py. Negative means count as zero. Range 0
to 1, 1 for equal pictures; higher is better. Pictures need sides of at least 176.

Source: Wang, Simoncelli, Bovik, Multiscale structural similarity (2003). Not taken from torchmetrics, which mixes the
channels before the powers and cannot give SSIM along with it (docs/lab/2026-11-29-libraries.md).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from facewire.metrics.image_pair import check_pair
from facewire.metrics.metric import Metric
from facewire.metrics.ssim import WINDOW, similarity_maps

MS_SSIM = Metric(
    name="ms-ssim",
    title="MS-SSIM",
    unit="",
    better="higher",
    range=(0.0, 1.0),
    source="Wang et al. 2003; five scales, the published weights, window as SSIM",
    note="the paper does not state its window",
)

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
SMALLEST = WINDOW * 2 ** (len(WEIGHTS) - 1)
"""Pixels along a side, so that the window still fits at the coarsest scale."""


def multiscale_similarity(result: Tensor, truth: Tensor) -> Tensor:
    """Return MS-SSIM (B,) of images (B, 3, H, W) in [0, 1]; sides of at least 176."""
    check_pair(result, truth, SMALLEST)
    return _both(result, truth)[1]


def single_and_multiscale(result: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Return SSIM (B,) and MS-SSIM (B,) at the price of the second alone."""
    check_pair(result, truth, SMALLEST)
    return _both(result, truth)


def _both(result: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    single = result.new_ones(len(result))
    product = result.new_ones(*result.shape[:2])
    for scale, weight in enumerate(WEIGHTS):
        luminance, contrast = similarity_maps(result, truth)
        whole = luminance * contrast
        if scale == 0:
            single = whole.mean(dim=(1, 2, 3))
        factor = whole if scale == len(WEIGHTS) - 1 else contrast
        product = product * factor.mean(dim=(2, 3)).clamp_min(0).pow(weight)
        result, truth = F.avg_pool2d(result, 2), F.avg_pool2d(truth, 2)
    return single, torch.mean(product, dim=1)
