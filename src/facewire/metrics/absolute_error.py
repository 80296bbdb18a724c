"""L1: mean absolute difference of two pictures.

Range 0 (equal) to 255; lower is better. Source: Wang et al. 2021 (face-vid2vid), whose Table 1 has the
magnitudes of the 0..255 scale.
"""

from __future__ import annotations

from torch import Tensor

from facewire.metrics.image_pair import check_pair
from facewire.metrics.metric import Metric

L1 = Metric(
    name="l1",
    title="L1",
    unit="grey levels of 255",
    better="lower",
    range=(0.0, 255.0),
    source="mean absolute difference over pixels and channels; Wang et al. 2021, Table 1",
)


def absolute_error(result: Tensor, truth: Tensor) -> Tensor:
    """Return L1 (B,) of images (B, 3, H, W) in [0, 1], on the 0..255 scale."""
    check_pair(result, truth)
    return 255 * (result - truth).abs().mean(dim=(1, 2, 3))
