"""A head seen from the side, where the mesh network sees no face: an average face over the detector's key points.

    detection -> upright square, from the eyes to the mouth -> average face turned to that side, as large -> points

Good for cutting the head out, not for reading an expression.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from facewire.face.detection import Detection
from facewire.face.pose import canonical_face
from facewire.face.region import SquareRegion

YAW = math.radians(75)
"""How far such a head is taken to be turned."""
EYES, MOUTH = (33, 133, 263, 362), (13, 14)
"""Corners of the eyes, and the lips, in the mesh."""
EYE_LEFT, EYE_RIGHT, NOSE, LIPS, EAR_LEFT, EAR_RIGHT = range(6)
"""Key points of a detection."""


def upright_square(detection: Detection, margin: float) -> SquareRegion:
    """Return the square around a detection, `margin` times as large, turned so that the mouth is below the eyes.

    Seen from the side both eyes are in one place, and say nothing of how the head is tilted.
    """
    x0, y0, x1, y1 = detection.box
    across, down = _axis(detection)
    return SquareRegion(
        (x0 + x1) / 2, (y0 + y1) / 2, margin * max(x1 - x0, y1 - y0), -math.atan2(across, down)
    )


def profile_points(detection: Detection) -> NDArray[np.float64]:
    """Return mesh points [478, 3] in pixels of the photograph of a head seen from the side."""
    across, down = _axis(detection)
    length, angle = math.hypot(across, down), -math.atan2(across, down)
    points = detection.keypoints
    ears = (points[EAR_LEFT] + points[EAR_RIGHT]) / 2
    forward = points[NOSE] - ears
    side = 1.0 if forward[0] * math.cos(angle) + forward[1] * math.sin(angle) >= 0 else -1.0
    face = canonical_face().points.astype(np.float64) @ _turned(side * YAW).T
    eyes, mouth = face[list(EYES)].mean(axis=0), face[list(MOUTH)].mean(axis=0)
    face = (face - (eyes + mouth) / 2) * (length / (mouth[1] - eyes[1]))
    tilted = np.array(
        ((math.cos(angle), -math.sin(angle), 0), (math.sin(angle), math.cos(angle), 0), (0, 0, 1))
    )
    middle = ((points[EYE_LEFT] + points[EYE_RIGHT]) / 2 + points[LIPS]) / 2
    placed = face @ tilted.T + (*middle, 0.0)
    irises = [np.repeat(placed[list(pair)].mean(axis=0)[None], 5, axis=0) for pair in (EYES[:2], EYES[2:])]
    return np.concatenate((placed, *irises))


def _axis(detection: Detection) -> tuple[float, float]:
    """Return the way from between the eyes to the mouth, (x, y)."""
    points = detection.keypoints
    x, y = (points[LIPS] - (points[EYE_LEFT] + points[EYE_RIGHT]) / 2).tolist()
    return x, y


def _turned(yaw: float) -> NDArray[np.float64]:
    """Return the rotation that turns the nose to the image's right."""
    c, s = math.cos(yaw), math.sin(yaw)
    return np.array(((c, 0, -s), (0, 1, 0), (s, 0, c)))
