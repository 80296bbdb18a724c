"""Do lips and lids follow the driver: correlation of how far they are open.

For every frame the aperture of the mouth (of the eyes) is read off the mesh of the result and of the driver. Over the
frames of a clip each series has its clip mean subtracted; the products are then summed over all clips and give one
correlation. A model that copies the resting mouth of each person and never moves it scores 0, because what differs
between clips has been taken away. Range -1 to 1; higher is better. A clip in which the mouth never moves counts
little, as it should. Not defined where one side never changes (a still picture).

Source: the aperture ratios of Soukupova and Cech, Real-time eye blink detection (2016); pooling within groups is the
textbook's within-group correlation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from facewire.face.expression import eye_aperture, mouth_aperture
from facewire.metrics.metric import Metric

LIP_APERTURE = Metric(
    name="lip-correlation",
    title="lip aperture correlation",
    unit="",
    better="higher",
    range=(-1.0, 1.0),
    source="aperture ratio of the inner lips, result against driver, pooled within clips",
    note="a metric of this project; the paper has none like it",
)
EYE_APERTURE = Metric(
    name="eye-correlation",
    title="eye aperture correlation",
    unit="",
    better="higher",
    range=(-1.0, 1.0),
    source="aperture ratio of the lids (mean of both eyes), result against driver, pooled within clips",
    note="a metric of this project; blinks are rare, so few frames decide it",
)

FloatArray = npt.NDArray[np.float64]
LEAST_SPREAD = 1e-4
"""Standard deviation of an aperture below which a series counts as never changing."""


@dataclass(frozen=True, slots=True)
class Comovement:
    """Centred sums of squares and products of two series; those of several clips add up."""

    count: int
    result: float
    truth: float
    product: float

    @property
    def numbers(self) -> tuple[float, ...]:
        """All four, as they are stored and drawn."""
        return float(self.count), self.result, self.truth, self.product

    @staticmethod
    def from_numbers(numbers: Sequence[float]) -> Comovement:
        """Return what `numbers` came from."""
        count, result, truth, product = numbers
        return Comovement(int(count), result, truth, product)

    @staticmethod
    def of(result: FloatArray, truth: FloatArray) -> Comovement:
        """Return the sums of two series (T,); frames with NaN on either side are left out."""
        known = np.isfinite(result) & np.isfinite(truth)
        if not known.any():
            return Comovement(0, 0.0, 0.0, 0.0)
        a, b = result[known] - result[known].mean(), truth[known] - truth[known].mean()
        return Comovement(int(known.sum()), float(a @ a), float(b @ b), float(a @ b))

    def __add__(self, other: Comovement) -> Comovement:
        return Comovement(
            self.count + other.count,
            self.result + other.result,
            self.truth + other.truth,
            self.product + other.product,
        )

    @property
    def correlation(self) -> float | None:
        """The pooled correlation; None where one side never changes."""
        least = self.count * LEAST_SPREAD**2
        if min(self.result, self.truth) <= least:
            return None
        return self.product / float(np.sqrt(self.result * self.truth))


def lip_series(points: FloatArray) -> FloatArray:
    """Return the mouth's aperture (T,) of landmarks (T, 78, 2 or more); NaN where there is no face."""
    aperture: FloatArray = mouth_aperture(torch.from_numpy(points[..., :2])).numpy()
    return aperture


def eye_series(points: FloatArray) -> FloatArray:
    """Return the mean aperture of both eyes (T,) of landmarks (T, 78, 2 or more); NaN where there is no face."""
    aperture: FloatArray = eye_aperture(torch.from_numpy(points[..., :2])).mean(dim=-1).numpy()
    return aperture
