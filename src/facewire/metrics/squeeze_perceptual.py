"""squeeze-perceptual: a perceptual distance on SqueezeNet, a stand-in for LPIPS.

Each tap's channels are scaled to unit length at every place, the squared difference is summed over channels,
averaged over the picture and summed over the seven taps. That is LPIPS without its learned channel weights and on
the original Caffe network, so the numbers have a scale of their own: they rank results, and must not be compared
with LPIPS. Range 0 (equal) to 14, in practice below 5; lower is better.

Source: Zhang et al., The unreasonable effectiveness of deep features (2018), its unweighted variant.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from facewire.metrics.metric import Metric

SQUEEZE_PERCEPTUAL = Metric(
    name="squeeze-perceptual",
    title="squeeze-perceptual",
    unit="",
    better="lower",
    range=(0.0, None),
    source="Zhang et al. 2018, unweighted, on SqueezeNet 1.1 (seven taps)",
    note="stand-in; not comparable with LPIPS",
)

EPSILON = 1e-10


def tap_distance(result: Sequence[Tensor], truth: Sequence[Tensor]) -> Tensor:
    """Return the distance (B,) of two lists of taps (B, C_i, H_i, W_i)."""
    return torch.stack([_distance(a, b) for a, b in zip(result, truth, strict=True)]).sum(dim=0)


def _distance(a: Tensor, b: Tensor) -> Tensor:
    """Return the mean over space of |u - v|^2 with u = a / |a|, v = b / |b|, as |u|^2 + |v|^2 - 2 u v.

    Cost: never holds u or v, which are the largest tensors of the evaluation.
    """
    square_a, square_b = a.square().sum(dim=1), b.square().sum(dim=1)
    length_a, length_b = square_a.sqrt() + EPSILON, square_b.sqrt() + EPSILON
    shared = (a * b).sum(dim=1) / (length_a * length_b)
    apart = square_a / length_a.square() + square_b / length_b.square() - 2 * shared
    return apart.clamp_min(0).mean(dim=(1, 2))
