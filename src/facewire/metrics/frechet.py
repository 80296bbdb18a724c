"""Frechet distance between two sets of feature vectors, each taken as a Gaussian.

    |m_a - m_b|^2 + trace(S_a + S_b - 2 (S_a S_b)^(1/2))

Range 0 upwards; lower is better. With Inception features it is the FID; with SqueezeNet features it is
`frechet-squeeze`, a stand-in with a scale of its own. Both grow when there are few frames: only numbers from the same
number of frames compare.

Source: Dowson and Landau (1982); Heusel et al., GANs trained by a two time-scale update rule (2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from facewire.base.errors import ShapeError
from facewire.metrics.metric import Metric

FID = Metric(
    name="fid",
    title="FID",
    unit="",
    better="lower",
    range=(0.0, None),
    source="Heusel et al. 2017, Inception-v3 of pytorch-fid",
    note="depends on the number of frames; the paper's sets are far larger",
)
FRECHET_SQUEEZE = Metric(
    name="frechet-squeeze",
    title="Fréchet distance (SqueezeNet)",
    unit="",
    better="lower",
    range=(0.0, None),
    source="Heusel et al. 2017 with 512 features of SqueezeNet 1.1 (fire9, mean over space)",
    note="stand-in; not comparable with FID",
)

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, mean (D,) and covariance sums (D, D) of vectors; memory does not grow with their number."""

    count: int
    mean: FloatArray
    scatter: FloatArray

    @staticmethod
    def of(features: npt.NDArray[np.floating]) -> Moments:
        """Return the moments of vectors (N, D)."""
        if features.ndim != 2:
            raise ShapeError("features", "(N, D)", features.shape)
        wide = features.astype(np.float64)
        mean = wide.mean(axis=0) if len(wide) else np.zeros(wide.shape[1])
        centred = wide - mean
        return Moments(len(wide), mean, centred.T @ centred)

    def joined(self, other: Moments) -> Moments:
        """Return the moments of both sets together (Chan et al. 1979)."""
        count = self.count + other.count
        if count == 0:
            return self
        step = other.mean - self.mean
        mean = self.mean + step * (other.count / count)
        between = np.outer(step, step) * (self.count * other.count / count)
        return Moments(count, mean, self.scatter + other.scatter + between)

    @property
    def covariance(self) -> FloatArray:
        """The unbiased covariance; needs two vectors."""
        covariance: FloatArray = self.scatter / (self.count - 1)
        return covariance


def frechet_distance(a: Moments, b: Moments) -> float:
    """Return the distance; each set needs at least two vectors.

    Numerics: trace((S_a S_b)^(1/2)) is the sum of the singular values of S_a^(1/2) S_b^(1/2); no matrix
    becomes complex, also where there are fewer vectors than dimensions.
    """
    if min(a.count, b.count) < 2:
        raise ShapeError("features", "at least 2 vectors on each side", (min(a.count, b.count),))
    cross = np.linalg.svd(_root(a.covariance) @ _root(b.covariance), compute_uv=False).sum()
    shift = np.square(a.mean - b.mean).sum()
    distance = shift + np.trace(a.covariance) + np.trace(b.covariance) - 2 * cross
    return max(0.0, float(distance))


def _root(matrix: FloatArray) -> FloatArray:
    """Return the symmetric square root of a positive semi-definite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    root: FloatArray = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    return root
