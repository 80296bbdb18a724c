"""Head pose from the mesh: the rigid motion that carries a canonical face onto it.

    canonical point --R, scale, translation--> mesh point:   q = scale * R @ p + translation

Convention, as in `facewire.geometry.pose`: x right, y down, z away from the camera;
R = Rx(pitch) Ry(yaw) Rz(roll) on column vectors; positive yaw turns the nose to the image's right, positive
pitch raises it, positive roll tilts the head clockwise in the image. A face that looks straight into the
camera has R = 1. The mesh is a parallel projection: seen from a short distance, a face far from the middle
of the picture looks turned, and is measured so.

Source: canonical face and weights of the fit from MediaPipe's face geometry module (Apache-2.0, see
`weights/NOTICE`); the fit is Umeyama, Least-squares estimation of transformation parameters (1991), with
weights.

Knows nothing about networks or pictures.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from facewire.base.errors import ShapeError
from facewire.face.mesh_points import MESH_POINTS
from facewire.face.store import WEIGHTS_FOLDER, read_arrays
from facewire.geometry.arrays import Numbers, library, like

CANONICAL_FILE = "canonical_face.safetensors"


class CanonicalFace(NamedTuple):
    """An average face that looks straight into the camera.

    Attributes:
        points: [468, 3] in centimetres, in our axes; the origin lies inside the head.
        weights: [468], how much each point counts in a rigid fit; zero where faces move or differ.
    """

    points: NDArray[np.float32]
    weights: NDArray[np.float32]


class HeadPose(NamedTuple):
    """Where a head is and how it is turned; leading axes as those of the landmarks.

    Attributes:
        rotation: [*, 3, 3], canonical to observed.
        translation: [*, 3], where the canonical origin lies, in the landmarks' unit.
        scale: [*], landmark units per centimetre of the canonical face.
    """

    rotation: Numbers
    translation: Numbers
    scale: Numbers


@cache
def canonical_face(folder: Path = WEIGHTS_FOLDER) -> CanonicalFace:
    """Read the canonical face (once).

    Raises:
        WeightsError, HashMismatch: the file is not the published one.
    """
    arrays = read_arrays(CANONICAL_FILE, folder)
    return CanonicalFace(arrays["points"], arrays["weights"])


def head_pose(landmarks: Numbers) -> HeadPose:
    """Fit the canonical face to a mesh.

    Args:
        landmarks: [*, N, 3], N at least 468 (irises are ignored), all axes in one unit; any number type,
            computed in float64.

    Returns:
        Rotation, translation and scale in float64.

    Numerics: exact for a rigidly moved canonical face (1e-5 degrees).
    """
    if landmarks.ndim < 2 or landmarks.shape[-1] != 3 or landmarks.shape[-2] < MESH_POINTS:
        raise ShapeError("landmarks", "[*, 468 or more, 3]", tuple(landmarks.shape))
    face = canonical_face()
    used = np.flatnonzero(face.weights)
    target = landmarks[..., used, :]
    target = target.astype(np.float64) if isinstance(target, np.ndarray) else target.double()
    source, weights = (like(part[used].astype(np.float64), target) for part in face)
    return fit_similarity(source, target, weights)


def fit_similarity(source: Numbers, target: Numbers, weights: Numbers) -> HeadPose:
    """Find the rotation, scale and translation with least weighted squared error.

    Args:
        source: [N, 3].
        target: [*, N, 3], of the same kind of numbers.
        weights: [N], not negative, not all zero.
    """
    share = (weights / weights.sum())[:, None]
    source_mean, target_mean = (share * source).sum(-2), (share * target).sum(-2)
    from_mean, to_mean = source - source_mean, target - target_mean[..., None, :]
    covariance = (share * to_mean).swapaxes(-1, -2) @ from_mean
    by = library(covariance)
    u, values, v = by.linalg.svd(covariance)
    # A mirror image would fit a nearly flat cloud as well: the weakest axis takes the sign that turns.
    signs = by.ones_like(values)
    signs[..., 2] = by.sign(by.linalg.det(u) * by.linalg.det(v))
    rotation = (u * signs[..., None, :]) @ v
    scale = (values * signs).sum(-1) / (share * from_mean * from_mean).sum()
    translation = target_mean - scale[..., None] * (rotation @ source_mean)
    return HeadPose(rotation, translation, scale)
