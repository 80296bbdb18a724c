"""How far eyes and lips are open, as LivePortrait's networks are told it.

eye    between the middles of its lids, over its width
lips   between the middles of the inner lips, over the width between the corners of the mouth
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GAPS = ((159, 145), (386, 374), (13, 14))
WIDTHS = ((33, 133), (362, 263), (61, 291))
"""Mesh points of the eye on the left of the picture, the other one and the lips."""


def openness(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far left eye, right eye and lips are open, (3,), of a mesh (478, 2 or 3) in pixels."""
    points = landmarks[:, :2]

    def apart(pairs: tuple[tuple[int, int], ...]) -> NDArray[np.float64]:
        one, other = np.array(pairs).T
        return np.asarray(np.hypot(*(points[one] - points[other]).T))

    return np.asarray(apart(GAPS) / (apart(WIDTHS) + 1e-6))
