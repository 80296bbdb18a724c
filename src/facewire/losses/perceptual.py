"""Perceptual term P: pictures should agree in what a frozen network sees (spec section 4, term 1).

image ----> 1, 1/2, 1/4 of the size ----> taps a_i --+
                                                      mean |a_i - b_i| / divisor_i, weighted, summed
target ---> 1, 1/2, 1/4 of the size ----> taps b_i --+   (b_i without gradient)
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facewire.base.errors import ConfigError
from facewire.losses.feature_taps import FeatureTaps

TAP_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
"""Weights of relu1_1 .. relu5_1 (spec section 4 [A])."""
SCALES = 3
"""Picture sizes compared with VGG-19: full, half, quarter; the face network sees the full size only."""


class PerceptualLoss(nn.Module):
    """L1 distance in the features of one frozen network, over an image pyramid."""

    def __init__(
        self, taps: FeatureTaps, *, weights: tuple[float, ...] = TAP_WEIGHTS, scales: int = SCALES
    ) -> None:
        """Compare with `taps`, one weight per tap.

        Raises:
            ConfigError: the number of weights is not the number of taps, or scales < 1.
        """
        super().__init__()
        if len(weights) != len(taps.divisors):
            raise ConfigError("weights", weights, f"one weight for each of the {len(taps.divisors)} taps")
        if scales < 1:
            raise ConfigError("scales", scales, "1 or more")
        self.taps, self.weights, self.scales = taps, weights, scales

    def forward(self, image: Tensor, target: Tensor) -> Tensor:
        """Return the distance, a scalar >= 0, of RGB pictures (B, 3, H, W) in [0, 1].

        Gradients reach `image` only.
        """
        target = target.detach()
        total = image.new_zeros((), dtype=torch.float32)
        for scale in range(self.scales):
            if scale > 0:
                image, target = F.avg_pool2d(image, 2), F.avg_pool2d(target, 2)
            total = total + self._distance(image, target)
        return total

    def _distance(self, image: Tensor, target: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = self.taps(target)
        found = self.taps(image)
        total = image.new_zeros((), dtype=torch.float32)
        for weight, divisor, a, b in zip(self.weights, self.taps.divisors, found, wanted, strict=True):
            total = total + weight / divisor * (a - b).abs().mean(dtype=torch.float32)
        return total
