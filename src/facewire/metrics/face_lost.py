"""Face lost: the share of frames whose face the result no longer shows.

Counted over the frames in which the driver has a face. Range 0 to 1; lower is better. Landmark metrics leave such
frames out, so they must be read together with this one.

Source: the project's own face finder.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from facewire.metrics.metric import Metric

FACE_LOST = Metric(
    name="face-lost",
    title="face lost",
    unit="share of frames",
    better="lower",
    range=(0.0, 1.0),
    source="frames of the result without a face, of those where the driver has one (the project's face mesh)",
)

FloatArray = npt.NDArray[np.float64]


def lost_share(result: FloatArray, truth: FloatArray) -> float | None:
    """Return the share for landmarks (T, N, 2 or more), NaN where there is no face; None if the truth has none."""
    there = np.isfinite(truth[:, 0, 0])
    return float(np.isnan(result[there, 0, 0]).mean()) if there.any() else None
