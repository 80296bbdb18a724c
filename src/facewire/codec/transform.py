"""The transform that tables hold: conditional principal axes, nested by keypoint order.

    stage 1   pose and the first keypoints   principal axes of how they change, in the metric of importance
    stage 2   the next keypoints             first what stage 1 says about them (linear regression), then
                                             principal axes of the rest
    ...

So keypoints that move together are paid for once, and a receiver that gets only the first stages has the
first keypoints exactly. Floating point is fine here: this runs when tables are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facewire.codec.importance import Matrix
from facewire.codec.state import POSE

RIDGE = 1e-9
"""Added to variances (picture units squared) before they are inverted."""


@dataclass(frozen=True, slots=True)
class Transform:
    """A square transform and how it is nested.

    basis     (N, N)  component changes per unit of each coefficient
    analysis  (N, N)  row i: coefficient i of what is left after the earlier stages
    stages    where each stage of coefficients ends
    columns   (K,)    coefficients needed for each number of kept keypoints
    """

    basis: Matrix
    analysis: Matrix
    stages: tuple[int, ...]
    columns: tuple[int, ...]


def nested_transform(covariance: Matrix, metric: Matrix, ends: Sequence[int]) -> Transform:
    """Return the transform for changes of this covariance, optimal in this metric.

    Args:
        covariance: (N, N) of what is coded, the change from the reference to the frame.
        metric: (N, N) importance W.
        ends: number of keypoints after each stage, increasing, the last K.
    """
    size = len(covariance)
    basis, analysis = np.zeros((size, size)), np.zeros((size, size))
    stops = [POSE + 3 * end for end in ends]
    for start, stop in zip([0, *stops], stops):
        old, new = slice(0, start), slice(start, stop)
        regression = covariance[new, old] @ np.linalg.inv(covariance[old, old] + RIDGE * np.eye(start))
        left = covariance[new, new] - regression @ covariance[old, new]
        root = np.linalg.cholesky(metric[new, new]).T
        _, axes = np.linalg.eigh(root @ left @ root.T)
        axes = axes[:, ::-1]
        basis[new, old] = regression @ basis[old, old]
        basis[new, new] = np.linalg.solve(root, axes)
        forward = axes.T @ root
        analysis[new, new] = forward
        analysis[new, old] = forward @ np.linalg.solve(metric[new, new], metric[new, old])
    columns = [next(stop for end, stop in zip(ends, stops) if end >= kept) for kept in range(1, ends[-1] + 1)]
    return Transform(basis, analysis, tuple(stops), tuple(columns))
