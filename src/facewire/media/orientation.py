"""Upright pictures from display matrices: how phones say which way they were held.

A matrix maps stored coordinates (x right, y down) to shown ones. Of its nine numbers four matter here:

    x' = a x + c y        b and c small: upright or mirrored;  a and d small: quarter turns
    y' = b x + d y

Only the eight symmetries of a rectangle are applied; other angles are rounded to the nearest one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facewire.media.frame import Pixels


@dataclass(frozen=True, slots=True)
class Orientation:
    """What to do with a stored picture: transpose first, then mirror."""

    transpose: bool = False
    mirror_x: bool = False
    mirror_y: bool = False

    def size(self, stored: tuple[int, int]) -> tuple[int, int]:
        """Shown (width, height) of a picture with stored (width, height)."""
        return (stored[1], stored[0]) if self.transpose else stored

    def apply(self, pixels: Pixels) -> Pixels:
        """Return the shown picture, uint8 [H, W, 3], contiguous."""
        shown = pixels.swapaxes(0, 1) if self.transpose else pixels
        shown = shown[:, ::-1] if self.mirror_x else shown
        shown = shown[::-1] if self.mirror_y else shown
        return np.ascontiguousarray(shown)


UPRIGHT = Orientation()


def from_rotation(degrees: int) -> Orientation:
    """Return what turning a picture counter-clockwise by `degrees` asks for, to the nearest quarter turn."""
    match round(degrees / 90) % 4:
        case 1:
            return Orientation(transpose=True, mirror_y=True)
        case 2:
            return Orientation(mirror_x=True, mirror_y=True)
        case 3:
            return Orientation(transpose=True, mirror_x=True)
        case _:
            return UPRIGHT


def from_display_matrix(data: bytes) -> Orientation:
    """Return what a display matrix (nine native int32, row by row: a b u c d v x y w) asks for.

    Data of another length, and a matrix of zeros, ask for nothing.
    """
    if len(data) != 36:
        return UPRIGHT
    a, b, _, c, d = (int(value) for value in np.frombuffer(data, dtype=np.int32)[:5])
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Orientation(transpose=True, mirror_x=c < 0, mirror_y=b < 0)
    return Orientation(mirror_x=a < 0, mirror_y=d < 0)
