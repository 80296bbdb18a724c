"""Free view: how far the receiver turns the head away from the driver's pose, over a clip.

Nothing is sent for it: R_d <- R_u R_d happens at the receiver (spec section 3).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facewire.base.errors import ConfigError
from facewire.geometry.pose import turn_of_degrees

LIMITS = {"yaw": 45.0, "pitch": 30.0, "roll": 45.0}
"""Largest offset in degrees; beyond, nothing that the source shows is left to see."""


@dataclass(frozen=True, slots=True)
class ViewPath:
    """Angles in degrees along a clip; each axis holds one value, or several passed through at even steps."""

    yaw: tuple[float, ...] = (0.0,)
    pitch: tuple[float, ...] = (0.0,)
    roll: tuple[float, ...] = (0.0,)

    def __post_init__(self) -> None:
        for axis, limit in LIMITS.items():
            for value in getattr(self, axis):
                if not (math.isfinite(value) and abs(value) <= limit):
                    raise ConfigError(axis, value, f"degrees from {-limit:g} to {limit:g}")

    @property
    def is_still(self) -> bool:
        """True if the driver's own view is shown."""
        return all(value == 0 for value in (*self.yaw, *self.pitch, *self.roll))

    @property
    def is_sweep(self) -> bool:
        """True if some angle changes along the clip."""
        return max(len(self.yaw), len(self.pitch), len(self.roll)) > 1

    def angles(self, share: float) -> tuple[float, float, float]:
        """Return (yaw, pitch, roll) in degrees at a share of the clip in [0, 1]."""
        return _along(self.yaw, share), _along(self.pitch, share), _along(self.roll, share)

    def rotation(self, share: float) -> NDArray[np.float32]:
        """Return R_u, (3, 3), at a share of the clip in [0, 1]."""
        return turn_of_degrees(*self.angles(share))


def parse_angles(text: str) -> tuple[float, ...]:
    """Return the angles of "20", "-30:30" or "0:30:-30:0".

    Raises:
        ConfigError: it is not numbers with colons between them.
    """
    try:
        return tuple(float(part) for part in text.split(":"))
    except ValueError:
        raise ConfigError("angle", text, "degrees such as 20, or a sweep such as -30:30") from None


def _along(values: tuple[float, ...], share: float) -> float:
    return float(np.interp(share * (len(values) - 1), np.arange(len(values)), values))
