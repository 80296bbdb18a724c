"""What a person can do about a picture whose face cannot be used: it is turned, cut too tightly, or not there."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from facewire.face.finder import EYE_CORNERS, SURE_SCORE, Face, FaceFinder

MOST_TILT = 60.0
"""Degrees between the eyes' line and the horizontal; what knows upright heads only makes nothing of more."""
UPRIGHT_GAIN = 0.05
"""A doubtful face is not upright if the detector is surer of it by this in the turned picture: to the mesh a face on
its head looks like an upright one."""
MENDS = {
    1: "lies on its side: turn the picture to the left by 90 degrees first",
    2: "stands on its head: turn the picture by 180 degrees first",
    3: "lies on its side: turn the picture to the right by 90 degrees first",
}
"""By the quarter turns to the left that set the picture upright."""
WIDER, GREY = 0.8, 127
"""Share of a picture that is added on each side, in grey, to see whether it was cut too tightly: this finds faces of
which up to a fifth is missing on each side."""
TIGHT = (
    "the face fills the picture: give one with more around the head, or --crop none for a square head crop"
)
NONE = "give one in which the face is larger and seen from the front, or --crop none for a square head crop"


def turned(finder: FaceFinder, picture: NDArray[np.uint8], face: Face) -> str:
    """Return what to do if a face of a picture [H, W, 3] uint8 is not upright, else ""."""
    if abs(_tilt(face)) > MOST_TILT:
        return f"the head {MENDS[round(_tilt(face) / 90) % 4]}"
    if face.score >= SURE_SCORE:
        return ""
    scores = {quarters: _score(finder, picture, face, quarters) for quarters in MENDS}
    best = max(scores, key=scores.__getitem__)
    return f"the head {MENDS[best]}" if scores[best] > face.score + UPRIGHT_GAIN else ""


def missed(finder: FaceFinder, picture: NDArray[np.uint8]) -> str:
    """Return what to do about a picture [H, W, 3] uint8 in which no face was found."""
    for quarters in (2, 1, 3):
        faces = finder.find(_turned(picture, quarters))
        if any(abs(_tilt(face)) <= MOST_TILT and face.score >= SURE_SCORE for face in faces):
            return f"the head {MENDS[quarters]}"
    rows, columns = (round(WIDER * length) for length in picture.shape[:2])
    wider = np.pad(picture, ((rows, rows), (columns, columns), (0, 0)), constant_values=GREY)
    return TIGHT if finder.find(wider) else NONE


def _score(finder: FaceFinder, picture: NDArray[np.uint8], face: Face, quarters: int) -> float:
    """Return how sure the detector is of an upright face in its place in the picture turned to the left."""
    x, y = (face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2
    width, height = picture.shape[1], picture.shape[0]
    for _ in range(quarters):
        x, y, width, height = y, width - x, height, width
    faces = finder.find(_turned(picture, quarters))
    there = (other.score for other in faces if abs(_tilt(other)) <= MOST_TILT and _holds(other, x, y))
    return max(there, default=0.0)


def _turned(picture: NDArray[np.uint8], quarters: int) -> NDArray[np.uint8]:
    """Return a picture turned to the left."""
    return np.ascontiguousarray(np.rot90(picture, quarters))


def _tilt(face: Face) -> float:
    """Return how far a head is turned in the picture, clockwise, in degrees from -180 to 180."""
    left, right = (face.landmarks[corner, :2] for corner in EYE_CORNERS)
    return math.degrees(math.atan2(float(right[1] - left[1]), float(right[0] - left[0])))


def _holds(face: Face, x: float, y: float) -> bool:
    """Return whether a face covers a point."""
    left, top, right, bottom = face.box
    return left < x < right and top < y < bottom
