"""Head pose error: the angle between two head rotations.

The one angle of the rotation that takes one head to the other, in degrees, 0 to 180; lower is better. Both rotations
are read off the face mesh; on real pictures such a reading repeats to about a degree.

Source: the geodesic distance on rotations, Huynh, Metrics for 3D rotations (2009).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from facewire.metrics.metric import Metric

POSE_ERROR = Metric(
    name="pose-error",
    title="head pose error",
    unit="degrees",
    better="lower",
    range=(0.0, 180.0),
    source="angle between the rotations of both face meshes (Huynh 2009)",
    note="the paper gives no pose error",
)

FloatArray = npt.NDArray[np.float64]


def rotation_angle(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the angle (T,) in degrees between rotations (T, 3, 3); NaN where either is NaN.

    Numerics: from the length of R1 - R2, which is 2 sqrt(2) sin(angle / 2), so small angles stay exact.
    """
    chord = np.linalg.norm(first - second, axis=(-2, -1)) / (2 * np.sqrt(2))
    angle: FloatArray = np.rad2deg(2 * np.arcsin(np.clip(chord, 0, 1)))
    return angle
