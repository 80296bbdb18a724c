"""A mean head: points all over face and skull, where they face, and which keypoints they follow. Arrays, no torch.

points of the published face, some of them, evenly spread    +    points of an ellipsoid that no face covers
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from facewire.face.pose import canonical_face

Floats = NDArray[np.float32]

FACE_POINTS = 100
SKULL_POINTS = 150
"""Spread evenly over the whole skull; those that a face covers are left out."""
SKULL_CENTRE, SKULL_RADII = (0.0, -4.5, 3.5), (7.6, 9.0, 9.5)
"""In centimetres of the canonical face: ears at z = 3.5, crown 13.5 above its origin."""
HEAD_CENTRE, HEAD_RADII = (0.0, -1.0, 4.0), (8.0, 11.0, 10.0)
"""Of the ellipsoid whose normals the surface has."""
NECK = 3.0
"""Height in centimetres (downwards) where the skull ends."""
CLEARANCE = 1.8
"""Centimetres between the points of the skull and those of the face."""
SOFTNESS = 3e-3
"""Squared distance below which two keypoints hold a point alike."""


class MeanHead(NamedTuple):
    """A mean head that is tied to G keypoints, all float32.

    points     (A, 3)  picture units
    normals    (A, 3)  outward, of length 1
    keypoints  (G, 3)  where the keypoints lie on it
    ties       (A, G)  how much each keypoint holds a point, not 0; only their ratios count
    """

    points: Floats
    normals: Floats
    keypoints: Floats
    ties: Floats


def mean_head(keypoints: Sequence[tuple[float, float, float]], unit: float) -> MeanHead:
    """Return the mean head tied to keypoints.

    Args:
        keypoints: G places on the mean head, in centimetres.
        unit: picture units per centimetre.
    """
    points, normals = _surface()
    points, known = np.float32(unit) * points, np.float32(unit) * np.array(keypoints, np.float32)
    squared = np.square(points[:, None] - known).sum(axis=-1)
    return MeanHead(points, normals, known, (squared + np.float32(SOFTNESS)) ** -2)


@cache
def _surface() -> tuple[Floats, Floats]:
    """Return points (A, 3) in centimetres and outward unit normals (A, 3)."""
    face = canonical_face().points
    skull = np.array(SKULL_CENTRE, np.float32) + np.array(SKULL_RADII, np.float32) * _sphere(SKULL_POINTS)
    clear = np.linalg.norm(skull[:, None] - face, axis=-1).min(axis=1) > CLEARANCE
    above_the_neck = skull[:, 1] < NECK
    points = np.concatenate((_spread(face, FACE_POINTS), skull[clear & above_the_neck]))
    normals = (points - np.array(HEAD_CENTRE, np.float32)) / np.square(np.array(HEAD_RADII, np.float32))
    return points, normals / np.linalg.norm(normals, axis=-1, keepdims=True)


def _sphere(count: int) -> Floats:
    """Return points (count, 3) spread evenly over the unit sphere, on a golden spiral."""
    steps = np.arange(count, dtype=np.float32) + np.float32(0.5)
    height = 1 - 2 * steps / np.float32(count)
    angle = np.float32(math.pi * (1 + math.sqrt(5))) * steps
    radius = np.sqrt(1 - np.square(height))
    return np.stack((radius * np.cos(angle), height, radius * np.sin(angle)), axis=1)


def _spread(points: Floats, count: int) -> Floats:
    """Return `count` of the points, each as far from those before it as can be."""
    chosen = [int(points[:, 2].argmin())]
    nearest = np.square(points - points[chosen[0]]).sum(axis=1)
    while len(chosen) < count:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.square(points - points[chosen[-1]]).sum(axis=1))
    return points[chosen]
