"""Pose and landmark labels of a clip, converted to the project's conventions.

A label file `ID.npz` lies beside `ID.mp4`:

    lm    (T, 78, 2)  x, y in [0, 1] of the picture; 0-67 in the 68-point order, 68-72 and 73-77 the irises
    pose  (T, 6)      yaw, pitch, roll in degrees, then tx, ty, tz in centimetres
    det   (T,)        False where landmarks were filled in from neighbouring frames

Its angles follow another convention: R = Ry(yaw) Rx(pitch) Rz(roll) with right-handed elementary rotations
about our axes (positive yaw = nose to the image's left, positive pitch = nose down). The conversion goes
through the matrix, in `label_rotation`, and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from facewire.base.errors import MediaError

FloatArray = npt.NDArray[np.float32]

LANDMARKS = 78
FOCAL = 1.5
"""Focal length of the label camera in picture sides."""


@dataclass(frozen=True, slots=True)
class ClipLabels:
    """Labels of T frames in our conventions.

    landmarks    (T, 78, 2)  in [-1, 1]
    rotation     (T, 3, 3)   R of geometry.pose
    translation  (T, 3)      projected head centre (x, y) in [-1, 1] and 0
    scale        (T,)        picture units per centimetre at the head
    detected     (T,)        bool
    """

    landmarks: FloatArray
    rotation: FloatArray
    translation: FloatArray
    scale: FloatArray
    detected: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.landmarks)


def label_rotation(degrees: FloatArray) -> FloatArray:
    """Return rotations (T, 3, 3) of label angles (T, 3): yaw, pitch, roll in degrees, label convention."""
    yaw, pitch, roll = np.deg2rad(degrees.astype(np.float64)).T
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)
    about_y = np.array([[np.cos(yaw), zero, np.sin(yaw)], [zero, one, zero], [-np.sin(yaw), zero, np.cos(yaw)]])
    about_x = np.array(
        [[one, zero, zero], [zero, np.cos(pitch), -np.sin(pitch)], [zero, np.sin(pitch), np.cos(pitch)]]
    )
    about_z = np.array([[np.cos(roll), -np.sin(roll), zero], [np.sin(roll), np.cos(roll), zero], [zero, zero, one]])
    product = np.einsum("ijt,jkt,klt->til", about_y, about_x, about_z)
    return np.ascontiguousarray(product, dtype=np.float32)


def load_labels(path: Path) -> ClipLabels:
    """Read a label file.

    Raises:
        MediaError: the file is missing, is not an npz of plain arrays, or its shapes are wrong.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            landmarks = stored["lm"].astype(np.float32)
            pose = stored["pose"].astype(np.float32)
            detected = stored["det"].astype(bool)
    except (OSError, KeyError, ValueError) as problem:
        raise MediaError(path, f"labels cannot be read ({problem}); prepare the clip again") from problem
    frames = len(landmarks)
    if landmarks.shape != (frames, LANDMARKS, 2) or pose.shape != (frames, 6) or detected.shape != (frames,):
        raise MediaError(path, f"labels have shapes {landmarks.shape}, {pose.shape}, {detected.shape}")
    scale = 2 * FOCAL / pose[:, 5]
    centre = np.stack((pose[:, 3] * scale, pose[:, 4] * scale, np.zeros(frames, np.float32)), axis=1)
    return ClipLabels(
        landmarks=2 * landmarks - 1,
        rotation=label_rotation(pose[:, :3]),
        translation=centre.astype(np.float32),
        scale=scale.astype(np.float32),
        detected=detected,
    )
