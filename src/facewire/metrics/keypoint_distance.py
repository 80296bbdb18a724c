"""AKD: average distance between the landmarks of the result and of the truth.

The 68 classical points of the project's own face mesh, found in both pictures, mean Euclidean distance in the picture
plane, in pixels of a 256 x 256 picture. Range 0 upwards; lower is better. A landmark network sees the same face in
two pictures up to about a pixel apart, so 1 is very good.

The paper measures with another detector (Bulat and Tzimiropoulos' face-alignment), so magnitudes are alike and
numbers are not comparable.

Source: Siarohin et al., First order motion model (2019), section 4.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from facewire.metrics.metric import Metric

AKD = Metric(
    name="akd",
    title="AKD",
    unit="px at 256",
    better="lower",
    range=(0.0, None),
    source="Siarohin et al. 2019; 68 points of the project's own face mesh in both pictures",
    note="not the paper's landmark detector",
)

CLASSICAL = 68

FloatArray = npt.NDArray[np.float64]


def keypoint_distance(result: FloatArray, truth: FloatArray) -> FloatArray:
    """Return the mean distance (T,) of landmarks (T, N >= 68, 2 or more); NaN where either face is missing."""
    away = result[:, :CLASSICAL, :2] - truth[:, :CLASSICAL, :2]
    distance: FloatArray = np.linalg.norm(away, axis=-1).mean(axis=-1)
    return distance
