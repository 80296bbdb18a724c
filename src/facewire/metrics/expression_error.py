"""Expression error: does the result's face do what the driver's does, whosever face it is.

Landmarks of brows, lids and lips are put into the head's own frame: seen from the bridge of the nose, turned back by
the head's rotation, divided by the distance of the outer eye corners. What is left of them after the clip's mean is
taken away is movement and no longer shape; the error is the mean distance in the face's plane between the movements
of both sides, in per cent of the distance of the eye corners. Range 0 upwards; lower is better. A picture that does
not move scores the size of the driver's own movements, in speech about 2 to 3; half a pixel of noise in the landmarks
of a 256 x 256 head crop scores about 1.

Source: the average expression distance (AED) of Ren et al., PIRenderer (2021), on landmarks in place of the
coefficients of a face model.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from facewire.metrics.metric import Metric

EXPRESSION_ERROR = Metric(
    name="expression-error",
    title="expression error",
    unit="% of eye corner distance",
    better="lower",
    range=(0.0, None),
    source="AED of Ren et al. 2021 on landmarks: movements of brows, lids and lips in the head's own frame",
    note="half a pixel of noise in the landmarks makes about 1 already: read it beside the baseline",
)

MOVING = (*range(17, 27), *range(36, 68))
"""Brows, lids and lips among the 78 landmarks."""
BRIDGE = 27
CORNERS = (36, 45)

FloatArray = npt.NDArray[np.float64]


def expression_error(
    result: FloatArray, result_rotations: FloatArray, truth: FloatArray, truth_rotations: FloatArray
) -> float | None:
    """Return the error of a clip, or None where no frame shows both faces.

    Args:
        result, truth: landmarks (T, 68 or more, 3), any unit; NaN where there is no face.
        result_rotations, truth_rotations: head rotations (T, 3, 3).
    """
    ours, theirs = in_own_frame(result, result_rotations), in_own_frame(truth, truth_rotations)
    known = np.isfinite(ours).all(axis=(1, 2)) & np.isfinite(theirs).all(axis=(1, 2))
    if not known.any():
        return None
    ours, theirs = ours[known], theirs[known]
    apart = (ours - ours.mean(axis=0)) - (theirs - theirs.mean(axis=0))
    return float(100 * np.linalg.norm(apart, axis=-1).mean())


def in_own_frame(points: FloatArray, rotations: FloatArray) -> FloatArray:
    """Return brows, lids and lips (T, 42, 2) of landmarks (T, 68 or more, 3), without place, turn and size."""
    left, right = (points[:, corner] for corner in CORNERS)
    size = np.linalg.norm(left - right, axis=-1)
    away = points[:, list(MOVING)] - points[:, BRIDGE : BRIDGE + 1]
    own: FloatArray = (away @ rotations / size[:, None, None])[..., :2]
    return own
