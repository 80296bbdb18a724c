"""Frames of another shape in a canvas of one size: as large as they fit, undistorted, in the middle of black."""

from __future__ import annotations

import numpy as np

from facewire.media.frame import Pixels

SAME_SHAPE = 0.01
"""Relative difference of aspect up to which a picture fills the canvas."""


def size_inside(own: tuple[int, int], canvas: tuple[int, int]) -> tuple[int, int]:
    """Return the size, (width, height), that a picture of size `own` has in a canvas."""
    across, down = canvas[0] / own[0], canvas[1] / own[1]
    if abs(across / down - 1) < SAME_SHAPE:
        return canvas
    scale = min(across, down)
    return max(1, round(own[0] * scale)), max(1, round(own[1] * scale))


def on_canvas(pixels: Pixels, canvas: tuple[int, int]) -> Pixels:
    """Return a picture that is not larger than the canvas, (width, height), in its middle."""
    height, width = pixels.shape[:2]
    if (width, height) == canvas:
        return pixels
    whole = np.zeros((canvas[1], canvas[0], 3), np.uint8)
    left, top = (canvas[0] - width) // 2, (canvas[1] - height) // 2
    whole[top : top + height, left : left + width] = pixels
    return whole
