"""What a composition reads: the photo around a head, with a border of its own where the photo ends, in layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facewire.face.crop import CropBox
from facewire.media.frame import Pixels

Floats = NDArray[np.float32]
Plate = NDArray[np.uint8]
"""A photo as it is read, (H, W, 4): colours, and how much of what stands behind they hide."""
_cv: Any = cv2  # its stubs know neither scalars nor None nor which type comes out
ROUND = 0.36
"""Radius of a head's outline at its top, of the square's side."""


@dataclass(frozen=True, slots=True, eq=False)
class Separated:
    """A photo in two layers, for models that move the person before a background that stands still.

    matte       (H, W) float32, share of the person in every pixel; at least so much that nothing of the photo is
                darker than what shines through
    background  (H, W, 3), what stands behind, completed where the person hides it
    """

    matte: Floats
    background: Pixels

    @classmethod
    def of(cls, photo: Pixels, matte: Floats, background: Pixels) -> Separated:
        """Return the layers of a photo; the matte grows where the photo is darker than it can be.

        Dark hair before a bright wall is that: there the photo knows the matte better than the network does.
        """
        brightest = np.maximum(background, 1).astype(np.float32)
        dark = 1 - (photo / brightest).min(axis=2)
        return cls(np.maximum(matte, dark, dtype=np.float32), background)

    def person(self, photo: Pixels) -> Plate:
        """Return the photo less what shines through from behind, and 255 times the matte: (H, W, 4)."""
        through = (1 - self.matte)[..., None] * self.background
        return np.dstack((np.rint(photo - through), np.rint(255 * self.matte))).clip(0, 255).astype(np.uint8)


class Around:
    """The part of a photo that a square may read: one side of it in every direction, and whatever it lacks.

    Where that reaches the photo's upper border, `more` rows above it, too; with them everything beyond is mirrored.
    """

    def __init__(self, box: CropBox, height: int, width: int, more: int = 0) -> None:
        self._spans = [
            (
                max(0, min(start - box.side, length - 1)),
                min(length, max(start + 2 * box.side, 1)),
                length,
                start,
            )
            for start, length in ((box.top, height), (box.left, width))
        ]
        self._lacks = [
            (max(0, -start), max(0, start + box.side - length)) for _, _, length, start in self._spans
        ]
        self._border = cv2.BORDER_REFLECT_101 if more else cv2.BORDER_REPLICATE
        (top, _, _, y), (left, _, _, x) = self._spans
        above, below = self._lacks[0]
        self._lacks[0] = above + (more if top == 0 else 0), below
        self.above = self._lacks[0][0]
        """Rows above the photo."""
        self.top, self.left = y - top + self._lacks[0][0], x - left + self._lacks[1][0]

    def cut(self, plate: Plate) -> Plate:
        """Return that part of a photo."""
        (top, bottom, *_), (left, right, *_) = self._spans
        part = plate[top:bottom, left:right]
        if any(map(any, self._lacks)):
            (above, below), (before, behind) = self._lacks
            part = _cv.copyMakeBorder(part, above, below, before, behind, self._border)
        whole: Plate = np.ascontiguousarray(part)
        return whole


def cap(border: Floats, rows: int, side: int) -> Floats:
    """Return what a round head shows of itself above a row that cuts it, (rows, W) in [0, 1].

    Args:
        border: (W,), share of the person in that row, the first below the rows.
        rows: how many.
        side: of the head's square, pixels.
    """
    cut = np.flatnonzero(border > 0.5)
    if not len(cut):
        return np.zeros((rows, len(border)), np.float32)
    radius = ROUND * side
    half, middle = min((len(cut) + 1) / 2, radius), (cut[0] + cut[-1]) / 2
    above = np.arange(rows, 0, -1)[:, None] + np.sqrt(radius**2 - half**2)
    inside = radius - np.hypot(np.arange(len(border)) - middle, above)
    return np.asarray((inside / 2 + 0.5).clip(0, 1), np.float32)
