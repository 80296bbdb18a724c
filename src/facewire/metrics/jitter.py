"""Temporal jitter: how much more nervous the result's landmarks are than the driver's.

Acceleration of a landmark is the second difference of its place over three frames in a row; its mean length over 68
points and all such triples, in pixels of a 256 x 256 picture per frame squared, is the nervousness of a clip. The
metric is the result's minus the driver's: above zero the result trembles, below zero it is stiller than the driver
(a frozen picture is as far below zero as the driver is above). The nearer to zero the better. The landmark network
trembles itself, on both sides alike.

Source: the "jitter" of pose estimation (mean acceleration), e.g. Kanazawa et al., Learning 3D human dynamics (2019).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from facewire.metrics.keypoint_distance import CLASSICAL
from facewire.metrics.metric import Metric

JITTER = Metric(
    name="jitter",
    title="temporal jitter",
    unit="px at 256 per frame²",
    better="ideal",
    range=(None, None),
    source="mean landmark acceleration of the result minus the driver's",
    note="at the clips' own frame rate; the paper gives none",
)

FloatArray = npt.NDArray[np.float64]


def excess_acceleration(result: FloatArray, truth: FloatArray) -> float | None:
    """Return the jitter of landmarks (T, N >= 68, 2 or more) of frames in a row, or None without a usable triple.

    Triples with a missing face (NaN) on either side are left out on both.
    """
    ours, theirs = _acceleration(result), _acceleration(truth)
    known = np.isfinite(ours) & np.isfinite(theirs)
    if not known.any():
        return None
    return float(ours[known].mean() - theirs[known].mean())


def _acceleration(points: FloatArray) -> FloatArray:
    """Return (T - 2,) mean lengths of second differences; NaN where a face is missing."""
    second = np.diff(points[:, :CLASSICAL, :2], n=2, axis=0)
    lengths: FloatArray = np.linalg.norm(second, axis=-1).mean(axis=-1)
    return lengths
