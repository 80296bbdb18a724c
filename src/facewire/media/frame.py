"""One picture of a video with its exact time."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from facewire.base.errors import ShapeError

Pixels = NDArray[np.uint8]
"""A picture: uint8 [H, W, 3], RGB, 0..255, row 0 at the top."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A picture and the moment at which it is shown.

    `pixels` is shared, not copied: whoever changes it in place changes every holder's picture. So do not.
    """

    pixels: Pixels
    """uint8 [H, W, 3], RGB, C-contiguous."""
    pts: int
    """Presentation time in ticks of `time_base`; may start anywhere, also below zero."""
    time_base: Fraction
    """Length of one tick in seconds, above zero."""

    def __post_init__(self) -> None:
        check_pixels("frame.pixels", self.pixels)
        if not self.pixels.flags.c_contiguous:
            raise ValueError("frame.pixels must be contiguous: use numpy.ascontiguousarray")
        if self.time_base <= 0:
            raise ValueError(f"time_base is {self.time_base}, must be above zero")

    @property
    def time(self) -> Fraction:
        """Presentation time in seconds, exact."""
        return self.pts * self.time_base

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]


def check_pixels(name: str, pixels: Pixels) -> None:
    """Raise unless `pixels` is a non-empty uint8 [H, W, 3] array."""
    if pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise ShapeError(name, "[H, W, 3], not empty", pixels.shape)
    if pixels.dtype != np.uint8:
        raise TypeError(f"{name} has dtype {pixels.dtype}, must be uint8")
