"""A rotated square in a photograph: cutting it out and finding the way back.

    photograph [H, W, 3] --sample--> picture [3, size, size] in [0, 1]
    photograph pixels    <--to_photo-- points in [0, 1] of the square

Pixel (column i, row j) covers [i, i+1] x [j, j+1]; its centre is (i + 1/2, j + 1/2).

Knows nothing about networks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SquareRegion:
    """A rotated square.

    Attributes:
        x: centre, pixels from the left edge.
        y: centre, pixels from the upper edge.
        side: pixels.
        angle: rotation of the square against the photograph in radians, positive clockwise as seen.
    """

    x: float
    y: float
    side: float
    angle: float

    def to_photo(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Move points from the square to the photograph.

        Args:
            points: [N, 3], x and y in [0, 1] of the square, z in units of its side.

        Returns:
            [N, 3] in pixels of the photograph, z scaled like x.
        """
        offset = (points[:, :2] - 0.5) @ self._axes()
        centre = np.array((self.x, self.y))
        return np.column_stack((offset + centre, points[:, 2] * self.side))

    def sample(self, photo: NDArray[np.uint8], size: int, padding: str = "border") -> Floats:
        """Cut the square out.

        Args:
            photo: [H, W, 3] uint8.
            size: side of the result in pixels.
            padding: what is outside the photo: its "border" repeated, or "zeros".

        Returns:
            [3, size, size] float32 in [0, 1]; averaged first where the square is much larger than `size`.
        """
        step = max(1, int(self.side / size))
        window, left, top = self._window(photo, step)
        if step > 1:
            window = _averaged(_averaged(window, step, 0), step, 1)
        steps = (np.arange(size) + 0.5) / size - 0.5
        columns, rows = np.meshgrid(steps, steps)
        places = np.stack((columns, rows), axis=-1) @ self._axes() + np.array((self.x - left, self.y - top))
        read = _read(window, (places / step - 0.5).astype(np.float32), padding)
        return np.ascontiguousarray(read.transpose(2, 0, 1))

    def cut(self, photo: NDArray[np.uint8], size: int, padding: str = "border") -> NDArray[np.uint8]:
        """Do the same and return (size, size, 3) uint8."""
        shares = self.sample(photo, size, padding).transpose(1, 2, 0)
        return np.ascontiguousarray(np.rint(255 * shares).astype(np.uint8))

    def _axes(self) -> NDArray[np.float64]:
        """Row 0: the whole side to the right; row 1: the whole side down, both in photograph pixels."""
        cosine, sine = self.side * math.cos(self.angle), self.side * math.sin(self.angle)
        return np.array(((cosine, sine), (-sine, cosine)))

    def _window(self, photo: NDArray[np.uint8], step: int) -> tuple[Floats, int, int]:
        """Copy the upright part of the photograph that holds the square; returns it with its corner."""
        height, width = photo.shape[:2]
        reach = self.side * (abs(math.cos(self.angle)) + abs(math.sin(self.angle))) / 2 + 2 * step
        left, right = _span(self.x, reach, width)
        top, bottom = _span(self.y, reach, height)
        return photo[top:bottom, left:right].astype(np.float32) / np.float32(255), left, top


def _averaged(picture: Floats, step: int, axis: int) -> Floats:
    """Return means over `step` lines; at the end over as many as there are."""
    starts = np.arange(0, picture.shape[axis], step)
    counts = np.diff(starts, append=picture.shape[axis]).astype(np.float32)
    sums = np.add.reduceat(picture, starts, axis=axis)
    return np.asarray(sums / counts.reshape([-1 if axis == number else 1 for number in range(3)]))


def _read(picture: Floats, places: Floats, padding: str) -> Floats:
    """Return a picture [h, w, C] bilinearly at places [H, W, 2]: x and y, 0 is the middle of the first pixel."""
    margin = 0
    if padding == "zeros":
        picture, margin = np.pad(picture, ((1, 1), (1, 1), (0, 0))), 1
    height, width = picture.shape[:2]
    x = (places[..., 0] + margin).clip(0, width - 1)
    y = (places[..., 1] + margin).clip(0, height - 1)
    left, top = x.astype(np.intp), y.astype(np.intp)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    across, down = (x - left.astype(x.dtype))[..., None], (y - top.astype(y.dtype))[..., None]
    above = picture[top, left] * (1 - across) + picture[top, right] * across
    below = picture[bottom, left] * (1 - across) + picture[bottom, right] * across
    return np.asarray(above * (1 - down) + below * down)


def _span(centre: float, reach: float, length: int) -> tuple[int, int]:
    """Clip [centre - reach, centre + reach] to [0, length], at least one pixel."""
    low = min(max(math.floor(centre - reach), 0), length - 1)
    high = max(min(math.ceil(centre + reach), length), low + 1)
    return low, high
