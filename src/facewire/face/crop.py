"""The project's head crop: one fixed square around a head, the same for a still and for a whole clip.

    +-------------------+
    |      _______      |   face height (hairline to chin)  57 % of the side
    |     /       \\     |   middle of the face              53 % of the side from above
    |    |  o   o  |    |   over a clip the square stands still and the head moves inside it
    |    |    |    |    |
    |     \\  ___  /     |
    |      \\_____/      |
    +-------------------+

Knows nothing about networks or files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facewire.base.errors import ConfigError, ShapeError
from facewire.face.finder import Face, check_photo
from facewire.face.resize import resized

FACE_SHARE = 0.57
"""Height of the face (all mesh points) relative to the side of the square."""

CENTRE_SHARE = 0.53
"""Height of the middle of the face in the square, from above."""

MOST_SHARE = 0.75
"""Where the picture has no room, the square shrinks until the face takes this part; then it leaves it."""

UNION_SHARE = 0.94
"""The part of the square that a moving face may reach."""


@dataclass(frozen=True, slots=True)
class CropBox:
    """A square in a photograph, in whole pixels; it may reach beyond the photograph.

    Attributes:
        left: column of its first pixel.
        top: row of its first pixel.
        side: pixels, at least 1.
    """

    left: int
    top: int
    side: int

    def __post_init__(self) -> None:
        if self.side < 1:
            raise ConfigError("side", self.side, "at least 1")

    @classmethod
    def middle(cls, height: int, width: int) -> CropBox:
        """Return the largest square in the middle of a picture."""
        side = min(height, width)
        return cls((width - side) // 2, (height - side) // 2, side)

    def relative(self, landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
        """Move landmarks [*, 3] from photograph pixels to [0, 1] of the square (z in the same unit)."""
        return (landmarks - (self.left, self.top, 0.0)) / self.side


def crop_box_from_faces(faces: Sequence[Face], height: int, width: int, share: float = FACE_SHARE) -> CropBox:
    """Choose the square for one still (one face) or a clip (the same head in several frames).

    The square is as large as the median face wants it, larger if the head moves far, and stays inside the
    picture wherever that has room.

    Args:
        faces: at least one; all of the same head.
        height: of the photograph in pixels.
        width: of the photograph in pixels.
        share: height of the face relative to the side, where nothing else decides.
    """
    if not faces:
        raise ConfigError("faces", "[]", "at least one face")
    return crop_box_from_boxes(np.array([face.box for face in faces]), height, width, share)


def crop_box_from_boxes(
    boxes: NDArray[np.float64], height: int, width: int, share: float = FACE_SHARE
) -> CropBox:
    """Do the same for the boxes of the faces, (N, 4): left, top, right, bottom; N at least 1."""
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    ordered = np.sort(boxes[:, 3] - boxes[:, 1])
    # As numpy's median, which loads masked arrays: that takes longer than a whole picture.
    tall = float(ordered[(len(boxes) - 1) // 2 : len(boxes) // 2 + 1].mean())
    side = max(tall / share, *((high - low) / UNION_SHARE).tolist())
    side = min(side, max(min(height, width), tall / MOST_SHARE))
    whole = max(1, round(side))
    middle = (low + high) / 2
    left = _fit(float(middle[0]) - 0.5 * side, whole, width)
    top = _fit(float(middle[1]) - CENTRE_SHARE * side, whole, height)
    return CropBox(left, top, whole)


def _fit(start: float, side: int, length: int) -> int:
    """Move [start, start + side] into [0, length] where it fits, over its middle where it does not."""
    if side > length:
        return round(min(max(start, length - side), 0))
    return min(max(round(start), 0), length - side)


def crop(photo: NDArray[np.uint8], box: CropBox, size: int) -> NDArray[np.uint8]:
    """Cut a square out and resize it.

    Args:
        photo: [H, W, 3] uint8; outside it, its border is repeated.
        box: the square.
        size: side of the result in pixels.

    Returns:
        [size, size, 3] uint8. Shrinking averages over all pixels (triangle filter); enlarging is cubic.
    """
    check_photo(photo)
    if size < 1:
        raise ShapeError("size", "at least 1", (size,))
    square = _cut(photo, box)
    if size == box.side:
        return square.copy()
    return resized(square, size, size, "bilinear" if size < box.side else "bicubic")


def _cut(photo: NDArray[np.uint8], box: CropBox) -> NDArray[np.uint8]:
    """Copy the pixels of a square, repeating the border outside."""
    height, width = photo.shape[:2]
    inside = 0 <= box.left <= width - box.side and 0 <= box.top <= height - box.side
    if inside:
        part = photo[box.top : box.top + box.side, box.left : box.left + box.side]
        return np.ascontiguousarray(part)
    rows = np.clip(np.arange(box.top, box.top + box.side), 0, height - 1)
    columns = np.clip(np.arange(box.left, box.left + box.side), 0, width - 1)
    return photo[rows[:, None], columns]
