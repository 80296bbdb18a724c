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
        self,
        taps: FeatureTaps,
        *,
        weights: tuple[float, ...] = TAP_WEIGHTS,
        scales: int = SCALES,
        first_scale: int = 0,
    ) -> None:
        """Compare with `taps`, one weight per tap.

        Args:
            taps: the frozen network.
            weights: one per tap.
            scales: picture sizes compared, each half the one before.
            first_scale: halvings before the first comparison; 1 starts at half size, a quarter of the cost.

        Raises:
            ConfigError: the number of weights is not the number of taps, scales < 1 or first_scale < 0.
        """
        super().__init__()
        if len(weights) != len(taps.divisors):
            raise ConfigError("weights", weights, f"one weight for each of the {len(taps.divisors)} taps")
        if scales < 1:
            raise ConfigError("scales", scales, "1 or more")
        if first_scale < 0:
            raise ConfigError("first_scale", first_scale, "0 or more")
        self.taps, self.weights, self.scales, self.first_scale = taps, weights, scales, first_scale

    def forward(self, image: Tensor, target: Tensor) -> Tensor:
        """Return the distance, a scalar >= 0, of RGB pictures (B, 3, H, W) in [0, 1].

        Gradients reach `image` only.
        """
        target = target.detach()
        total = image.new_zeros((), dtype=torch.float32)
        for scale in range(self.first_scale + self.scales):
            if scale > 0:
                image, target = F.avg_pool2d(image, 2), F.avg_pool2d(target, 2)
            if scale >= self.first_scale:
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
