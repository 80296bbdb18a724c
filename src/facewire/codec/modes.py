"""How a frame is coded follows from how far its reference is (docs/bitstream.md section 4)."""

from __future__ import annotations

from typing import Final

from facewire.bitstream.packet import FARTHEST

ABSOLUTE: Final = 0
"""From nothing: a source's own motion."""
ANCHOR: Final = 1
"""From the motion of the source."""
NEXT: Final = 2
"""From the frame just before."""
FIRST_DISTANCE: Final = {NEXT: 1, 3: 2, 4: 4, 5: 7, 6: 13}
"""Smallest distance of each mode that refers to a frame."""
MODES = 7
LARGEST_LEVEL = 32767


def mode_of(distance: int) -> int:
    """Return the mode of a reference `distance` frames back (1 to 31); 0 is the anchor."""
    return _MODE_OF[distance]


_MODE_OF = tuple(
    max((mode for mode, first in FIRST_DISTANCE.items() if first <= distance), default=ANCHOR)
    for distance in range(FARTHEST + 1)
)
