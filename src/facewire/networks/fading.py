"""Where a frame fades into the photo around the head's square: the window of large_picture.py."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
FADED_SHARE = 0.2
"""Part of the side over which the window falls."""
REST = 3
"""Cells of the border where it is 0: as far as the filter that enlarges reaches."""


@dataclass(frozen=True, slots=True)
class Fading:
    """On which sides of the square the window falls: those where the photo goes on."""

    left: bool = True
    top: bool = True
    right: bool = True
    bottom: bool = True

    @classmethod
    def within(cls, left: int, top: int, side: int, height: int, width: int) -> Fading:
        """Return the sides of a square of a photo (height, width) beyond which the photo goes on."""
        return cls(left > 0, top > 0, left + side < width, top + side < height)

    def window(self, size: int) -> Floats:
        """Return the window, (size, size) in [0, 1]."""
        across = _ramp(size, self.left) * _ramp(size, self.right)[::-1]
        down = _ramp(size, self.top) * _ramp(size, self.bottom)[::-1]
        return down[:, None] * across


def _ramp(size: int, falls: bool) -> Floats:
    if not falls:
        return np.ones(size, np.float32)
    begin = (REST - 0.5) / size
    share = (((np.arange(size) + 0.5) / size - begin) / (FADED_SHARE - begin)).clip(0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)
