"""Has the synthesis failed, and where: the test behind residual refresh (docs/bitstream.md section 14).

    shown, truth -> 32 x 32 cell means -> how far each cell lies outside what its neighbourhood in the other picture
    holds -> wrong cells -> failed if there are many of them

A cell of the truth that has its like within one cell of the same place in the shown picture is right: a mouth a few
pixels off is a matter of motion, not of missing content. What remains wrong is content that the warp cannot
make: a hand, another person, a light switched on.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from facewire.animation.animator import Animator, Person, Pixels
from facewire.geometry.head_motion import HeadMotion
from facewire.talks.patches import Patches

OFF: Final = "off"
SOURCE: Final = "source"
PATCH: Final = "patch"
MODES: Final = (SOURCE, PATCH, OFF)

CELLS = 32
"""Along a side; 8 pixels each at 256."""
MOST_LEVELS = 60.0
"""A cell that lies farther outside its neighbourhood counts no more than this in `how_wrong`."""
WRONG_LEVELS = 20.0
"""Grey levels outside its neighbourhood that make a cell wrong."""
FAILED_SHARE = 0.1
"""Share of wrong cells that makes a frame failed: 103 of 1024 cells, a square of 81 pixels."""
TEST_SECONDS = Fraction(1, 5)
"""Every how often a frame is tested."""
WAIT_SECONDS = 1
"""Between two refreshes at least: a failure that changes faster than that is no matter of a still picture."""
MARGIN = 1
"""Cells around the wrong ones that a patch covers too."""

Cells = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Box:
    """A region in pixels."""

    left: int
    top: int
    width: int
    height: int

    def of(self, picture: Pixels) -> Pixels:
        """Return the region of a picture, a copy."""
        rows, columns = slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)
        return np.ascontiguousarray(picture[rows, columns])


class Refresher:
    """Decides, frame by frame, whether the receiver needs a patch."""

    def __init__(self, animator: Animator, rate: Fraction) -> None:
        """Take who renders, and frames a second."""
        self._animator = animator
        self._every, self._wait = max(1, round(TEST_SECONDS * rate)), round(WAIT_SECONDS * rate)
        self._last = 0

    def failed(
        self, number: int, person: Person, motion: HeadMotion, truth: Pixels, laid: Patches
    ) -> Box | None:
        """Return where the synthesis of a frame failed, or None if it did not or is not looked at.

        Args:
            number: of the frame.
            person: the source that the receiver holds.
            motion: (1) of the frame.
            truth: the frame itself, as large as what the receiver shows.
            laid: patches that the receiver shows.
        """
        if number % self._every or number - self._last < self._wait:
            return None
        shown = laid.over(next(self._animator.render(person, motion)), number)
        wrong = wrong_cells(shown, truth)
        if wrong.mean() < FAILED_SHARE:
            return None
        self._last = number
        return around(wrong, len(truth))


def wrong_cells(shown: Pixels, truth: Pixels) -> Cells:
    """Return which cells of two pictures (S, S, 3) have nothing like them nearby in the other, (32, 32)."""
    wrong: Cells = _away(shown, truth) > WRONG_LEVELS
    return wrong


def how_wrong(shown: Pixels, truth: Pixels) -> float:
    """Return by how many grey levels the cells of two pictures (S, S, 3) lie outside their neighbourhoods, mean."""
    return float(np.minimum(_away(shown, truth), MOST_LEVELS).mean())


def around(wrong: Cells, size: int) -> Box:
    """Return the box of the wrong cells and a margin, in pixels of a picture of side `size`."""
    rows, columns = np.flatnonzero(wrong.any(axis=1)), np.flatnonzero(wrong.any(axis=0))
    side = size // CELLS
    top, left = (max(0, int(places[0]) - MARGIN) for places in (rows, columns))
    bottom, right = (_end(int(places[-1]) + 1 + MARGIN, size) for places in (rows, columns))
    return Box(left * side, top * side, right - left * side, bottom - top * side)


def _end(cell: int, size: int) -> int:
    """Return where the cells before a cell end, in pixels; the last ones end with the picture."""
    return size if cell >= CELLS else cell * (size // CELLS)


def _away(shown: Pixels, truth: Pixels) -> NDArray[np.float32]:
    """Return how far each cell of either picture lies outside its neighbourhood in the other, (32, 32)."""
    a, b = _cells(shown), _cells(truth)
    away: NDArray[np.float32] = np.maximum(_outside(a, b), _outside(b, a)).max(axis=2)
    return away


def _cells(picture: Pixels) -> NDArray[np.float32]:
    """Return the means of 32 x 32 cells, (32, 32, 3)."""
    side = len(picture) // CELLS
    even = picture[: side * CELLS, : side * CELLS].astype(np.float32)
    means: NDArray[np.float32] = even.reshape(CELLS, side, CELLS, side, 3).mean(axis=(1, 3))
    return means


def _outside(cells: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how far each cell lies outside the values of the 3 x 3 cells around its place in the other picture."""
    padded = np.pad(other, ((1, 1), (1, 1), (0, 0)), mode="edge")
    near = np.stack([padded[y : y + CELLS, x : x + CELLS] for y in range(3) for x in range(3)])
    away: NDArray[np.float32] = np.maximum(near.min(axis=0) - cells, cells - near.max(axis=0)).clip(min=0)
    return away
