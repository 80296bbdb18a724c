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
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from facewire.geometry.grid import from_fractions
from facewire.geometry.warp import warp_image


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

    def sample(self, photo: NDArray[np.uint8], size: int, padding: str = "border") -> Tensor:
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
            window = F.avg_pool2d(window, step, ceil_mode=True, count_include_pad=False)
        steps = (np.arange(size) + 0.5) / size - 0.5
        columns, rows = np.meshgrid(steps, steps)
        places = np.stack((columns, rows), axis=-1) @ self._axes() + np.array((self.x - left, self.y - top))
        height, width = window.shape[2:]
        shares = torch.from_numpy(places / (np.array((width, height)) * step))
        return warp_image(window, from_fractions(shares, height, width).float()[None], padding)[0]

    def cut(self, photo: NDArray[np.uint8], size: int, padding: str = "border") -> NDArray[np.uint8]:
        """Do the same and return (size, size, 3) uint8."""
        shares = self.sample(photo, size, padding).permute(1, 2, 0)
        return np.ascontiguousarray((255 * shares).round().byte().numpy())

    def _axes(self) -> NDArray[np.float64]:
        """Row 0: the whole side to the right; row 1: the whole side down, both in photograph pixels."""
        cosine, sine = self.side * math.cos(self.angle), self.side * math.sin(self.angle)
        return np.array(((cosine, sine), (-sine, cosine)))

    def _window(self, photo: NDArray[np.uint8], step: int) -> tuple[Tensor, int, int]:
        """Copy the upright part of the photograph that holds the square; returns it with its corner."""
        height, width = photo.shape[:2]
        reach = self.side * (abs(math.cos(self.angle)) + abs(math.sin(self.angle))) / 2 + 2 * step
        left, right = _span(self.x, reach, width)
        top, bottom = _span(self.y, reach, height)
        part = np.array(photo[top:bottom, left:right].transpose(2, 0, 1))
        return torch.from_numpy(part)[None].float() / 255, left, top


def _span(centre: float, reach: float, length: int) -> tuple[int, int]:
    """Clip [centre - reach, centre + reach] to [0, length], at least one pixel."""
    low = min(max(math.floor(centre - reach), 0), length - 1)
    high = max(min(math.ceil(centre + reach), length), low + 1)
    return low, high
