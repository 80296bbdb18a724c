"""What stands behind a person, completed where the person hides it; once per source picture.

What surely is background is kept. The rest is filled from it by a pyramid: means of what is known, coarser and
coarser, then enlarged again wherever the finer level knows nothing. Smooth, not invented: what a moving head uncovers
is a rim of some pixels.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

REACH = 15
"""Side in pixels of the square by which the matte is widened: beside a person, pixels hold some of it."""
SURE, UNSURE = 0.05, 0.3
"""Widened share of a person up to which a pixel counts fully as background, and from which it does not count."""


def complete(image: Tensor, matte: Tensor) -> Tensor:
    """Return the background (B, 3, H, W) of pictures whose persons have the matte (B, 1, H, W); H = W = 2^n."""
    near = grown(matte, REACH)
    known = ((UNSURE - near) / (UNSURE - SURE)).clamp(0, 1)
    return filled(image, known)


def filled(image: Tensor, known: Tensor) -> Tensor:
    """Return pictures (B, C, H, W) that are kept as far as they are known, (B, 1, H, W); H = W = 2^n."""
    if image.shape[-1] == 1:
        return image
    share = F.avg_pool2d(known, 2)
    mean = F.avg_pool2d(image * known, 2) / share.clamp_min(1e-6)
    coarse = filled(mean, (2 * share).clamp(max=1))
    large = F.interpolate(coarse, scale_factor=2.0, mode="bilinear", align_corners=False)
    return known * image + (1 - known) * large


def grown(maps: Tensor, side: int) -> Tensor:
    """Return the largest value in the square around each pixel of maps (B, C, H, W), along rows, then columns."""
    along = F.max_pool2d(maps, (1, side), stride=1, padding=(0, side // 2))
    return F.max_pool2d(along, (side, 1), stride=1, padding=(side // 2, 0))
