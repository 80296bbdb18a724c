"""Pose and landmark labels of a clip, converted to the project's conventions.

A label file `ID.npz` lies beside `ID.mp4`:

    lm    (T, 78, 2)  x, y in [0, 1] of the picture; 0-67 in the 68-point order, 68-72 and 73-77 the irises
    pose  (T, 6)      yaw, pitch, roll in degrees, then tx, ty, tz in centimetres
    det   (T,)        False where landmarks were filled in from neighbouring frames

Its angles follow another convention: R = Ry(yaw) Rx(pitch) Rz(roll) with right-handed elementary rotations
about our axes (positive yaw = nose to the image's left, positive pitch = nose down). The conversion goes
through the matrix, in `label_rotation`, and nowhere else. Clips without such a file: see labelling.py.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from facewire.base.errors import MediaError
from facewire.geometry.grid import from_fractions

FloatArray = npt.NDArray[np.float32]

LANDMARKS = 78
FOCAL = 1.5
"""Focal length of the label camera in picture sides."""

_UNREADABLE = (OSError, KeyError, TypeError, ValueError, EOFError, zipfile.BadZipFile, zlib.error)
"""What NumPy raises for files that are no npz, not all of one, or one of pickled objects."""


@dataclass(frozen=True, slots=True)
class ClipLabels:
    """Labels of T frames in our conventions.

    landmarks    (T, 78, 2)  in picture coordinates
    rotation     (T, 3, 3)   R of geometry.pose
    translation  (T, 3)      where the head's centre is seen (x, y) in picture coordinates, and 0
    detected     (T,)        whether a face was seen; where not, the numbers come from a neighbouring frame
    """

    landmarks: FloatArray
    rotation: FloatArray
    translation: FloatArray
    detected: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.landmarks)

    @property
    def turn(self) -> FloatArray:
        """Angle (T,) between nose and camera in radians: yaw and pitch together, roll does not count."""
        return np.asarray(np.arccos(self.rotation[:, 2, 2].clip(-1, 1)), np.float32)


def label_rotation(degrees: FloatArray) -> FloatArray:
    """Return rotations (T, 3, 3) of label angles (T, 3): yaw, pitch, roll in degrees, label convention."""
    yaw, pitch, roll = np.deg2rad(degrees.astype(np.float64)).T
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)
    about_y = np.array(
        [[np.cos(yaw), zero, np.sin(yaw)], [zero, one, zero], [-np.sin(yaw), zero, np.cos(yaw)]]
    )
    about_x = np.array(
        [[one, zero, zero], [zero, np.cos(pitch), -np.sin(pitch)], [zero, np.sin(pitch), np.cos(pitch)]]
    )
    about_z = np.array(
        [[np.cos(roll), -np.sin(roll), zero], [np.sin(roll), np.cos(roll), zero], [zero, zero, one]]
    )
    product = np.einsum("ijt,jkt,klt->til", about_y, about_x, about_z)
    return np.ascontiguousarray(product, dtype=np.float32)


def load_labels(path: Path, side: int) -> ClipLabels:
    """Read a label file of square pictures of `side` pixels.

    Raises:
        MediaError: the file is missing, is not an npz of plain arrays, or shapes or numbers are wrong.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            landmarks = stored["lm"].astype(np.float32)
            pose = stored["pose"].astype(np.float32)
            detected = stored["det"].astype(bool)
    except _UNREADABLE as problem:
        raise MediaError(path, f"labels cannot be read ({problem}): write them again") from problem
    frames = len(landmarks) if landmarks.ndim else 0
    if landmarks.shape != (frames, LANDMARKS, 2) or pose.shape != (frames, 6) or detected.shape != (frames,):
        shapes = f"{landmarks.shape}, {pose.shape}, {detected.shape}"
        raise MediaError(path, f"lm, pose and det have shapes {shapes}, not (T, 78, 2), (T, 6), (T,)")
    if not (np.isfinite(landmarks).all() and np.isfinite(pose).all() and (pose[:, 5] > 0).all()):
        raise MediaError(
            path, "labels hold numbers that cannot be (NaN, infinite, or a head behind the camera)"
        )
    centre = 0.5 + FOCAL * pose[:, 3:5] / pose[:, 5:]
    return ClipLabels(
        landmarks=in_picture(landmarks, side),
        rotation=label_rotation(pose[:, :3]),
        translation=head_centre(centre, side),
        detected=detected,
    )


def in_picture(shares: npt.NDArray[np.floating], side: int) -> FloatArray:
    """Return picture coordinates of places (*, 2) given in [0, 1], from edge to edge of the picture."""
    places = torch.from_numpy(np.asarray(shares, np.float64))
    return np.asarray(from_fractions(places, side, side).numpy(), np.float32)


def head_centre(shares: npt.NDArray[np.floating], side: int) -> FloatArray:
    """Return the translation labels (T, 3) of head centres (T, 2) given in [0, 1] of the picture."""
    places = in_picture(shares, side)
    return np.concatenate((places, np.zeros((len(places), 1), np.float32)), axis=1)
