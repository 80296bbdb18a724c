"""What is shown at a moment: a frame of what was recorded, or what a webcam shows now."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from facewire.geometry.head_motion import HeadMotion


@dataclass(frozen=True, slots=True)
class Live:
    """What a webcam shows now, and what of it stands for the photo's own pose and expression."""

    motion: HeadMotion
    reference: HeadMotion


def row_at(moments: Sequence[float], seconds: float) -> int:
    """Return which of some frames, shown from these moments on, is seen at a moment; before the first the first."""
    return max(0, bisect_right(moments, seconds + 1e-6) - 1)
