"""Where a frame fades into the photo around the head's square: the window of large_picture.py.

Displacements and result fade with the window, so the square's border is the photo itself and needs no seam. Where the
person crosses the border, that takes a fifth of the side; where only the background does, which stands still anyway,
it takes a few cells, and hair that comes near is shown as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
FADED_SHARE = 0.2
"""Part of the side over which the window falls where the person crosses the border."""
NARROW_SHARE = 0.07
"""The same where nobody does."""
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

    def window(self, size: int, person: Floats | None = None) -> Floats:
        """Return the window, (size, size) in [0, 1].

        Args:
            size: cells of its side.
            person: (size, size) share of the person in the photo; None where everything may move.
        """
        window = np.ones((size, size), np.float32)
        person = np.ones_like(window) if person is None else person
        for quarter_turns, falls in enumerate((self.left, self.top, self.right, self.bottom)):
            if falls:  # turned so that this side is the left one
                window = np.rot90(window, quarter_turns) * _falling(np.rot90(person, quarter_turns))
                window = np.rot90(window, -quarter_turns)
        return np.ascontiguousarray(window)


def _falling(person: Floats) -> Floats:
    """Return the window (S, S) that falls towards the left side, given the person's share."""
    size = len(person)
    reach = round(FADED_SHARE * size)
    beside = person[:, : round(NARROW_SHARE * size)].max(axis=1, keepdims=True)
    near = cv2.dilate(np.ascontiguousarray(beside), np.ones((2 * reach + 1, 1)))
    crosses = cv2.blur(near, (1, 2 * reach + 1), borderType=cv2.BORDER_REPLICATE).reshape(size, 1)
    return np.asarray(
        crosses * _ramp(size, FADED_SHARE) + (1 - crosses) * _ramp(size, NARROW_SHARE), np.float32
    )


def _ramp(size: int, width: float) -> Floats:
    begin = (REST - 0.5) / size
    share = (((np.arange(size) + 0.5) / size - begin) / (width - begin)).clip(0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)
