"""How much an error of each component matters: the metric that quantisation steps are chosen by.

A metric is a symmetric positive definite matrix W (N, N): an error e of the components costs e' W e. Either
it is measured on pictures (how far the synthesised picture moves per unit of each component), or it is the
one below, which looks at where keypoints end up.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from facewire.codec.state import POSE

Matrix = npt.NDArray[np.float64]


def posed_metric(
    canonical: Matrix,
    *,
    weights: Matrix | None = None,
    depth: float = 0.3,
    pose: float = 0.05,
    expression: float = 0.05,
) -> Matrix:
    """Return W (N, N) that charges the error of posed keypoints x = R x_c + t + delta of a frontal head.

    Args:
        canonical: (K, 3) mean canonical keypoints, picture units.
        weights: (K,) importance of each keypoint; None means 1 for all.
        depth: weight of errors in z, which a picture hardly shows, against x and y.
        pose: extra charge on angles and translation themselves, as a share of what a rigid motion of all
            keypoints costs: R also turns the Jacobians, and a receiver may turn the head.
        expression: extra charge on each delta itself.
    """
    keypoints = len(canonical)
    share = np.ones(keypoints) if weights is None else np.asarray(weights, dtype=np.float64)
    axes = np.tile([1.0, 1.0, depth], keypoints) * np.repeat(share, 3)
    jacobian = posed_jacobian(canonical)
    posed = jacobian.T @ (axes[:, None] * jacobian)
    extra = np.concatenate((pose * np.diag(posed)[:POSE], expression * axes))
    return np.asarray(posed + np.diag(extra))


def posed_jacobian(canonical: Matrix) -> Matrix:
    """Return d(posed keypoints) / d(components), (3K, N), at the frontal pose (signs of `geometry.pose`)."""
    keypoints = len(canonical)
    x, y, z = np.asarray(canonical, dtype=np.float64).T
    zero = np.zeros(keypoints)
    jacobian = np.zeros((keypoints, 3, POSE + 3 * keypoints))
    jacobian[:, :, 0] = np.stack((-z, zero, x), axis=1)
    jacobian[:, :, 1] = np.stack((zero, z, -y), axis=1)
    jacobian[:, :, 2] = np.stack((-y, x, zero), axis=1)
    jacobian[:, :, 3:POSE] = np.eye(3)
    for k in range(keypoints):
        jacobian[k, :, POSE + 3 * k : POSE + 3 * k + 3] = np.eye(3)
    return jacobian.reshape(3 * keypoints, -1)
