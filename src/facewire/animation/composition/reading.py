"""Candidates of a picture read from the photo, strip by strip: rows that fit into the cache, several at once.

What has no share in a strip is not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

import cv2
import numpy as np

from facewire.animation.composition.maps import Floats, at_side, enlarged, pixel_places
from facewire.animation.composition.plates import Plate
from facewire.media.frame import Pixels

T = TypeVar("T")
_cv: Any = cv2  # its stubs know neither scalars nor None nor which type comes out
STRIP_PIXELS = 1 << 16
"""Of a strip: longer ones leave the cache, shorter ones wait for each other at every step (docs/lab)."""
UNSEEN = 1 / 1024
"""Shares below this are not shown."""


class Reading:
    """A candidate at the size of the square.

    Args:
        plate: what is read.
        corner: x and y of the square's first pixel in it.
        away: (S, S, 2), how far away cells are read, in pixels of the square; None where they are.
        share: (S, S), how much of it is shown.
        side: of the square.
    """

    def __init__(
        self, plate: Plate, corner: tuple[int, int], away: Floats | None, share: Floats, side: int
    ) -> None:
        self._plate, self._corner, self._side = plate, corner, side
        self._share = enlarged(share, side)
        self._seen = share > UNSEEN
        self._away = None if away is None else at_side(away, side, cv2.INTER_LINEAR)

    def add_to(self, colours: Floats, through: Floats, rows: slice) -> None:
        """Add what the candidate shows in a strip, (rows, side, 4), the last of which means nothing, and 255 times
        how much of what stands behind it lets through, (rows, side)."""
        columns = self._columns(rows)
        if columns.start == columns.stop:
            return
        share, shown = self._share[rows, columns], self._shown(rows, columns)
        add_share(colours[:, columns], shown, share)
        lets = _cv.bitwise_not(_cv.extractChannel(shown, 3)).astype(np.float32)
        _cv.accumulateProduct(lets, share, through[:, columns])

    def _shown(self, rows: slice, columns: slice) -> Plate:
        left, top = self._corner
        if self._away is None:
            return self._plate[top + rows.start : top + rows.stop, left + columns.start : left + columns.stop]
        # A strip's places fit into the cache, those of the whole square do not.
        here = pixel_places(strip_rows(self._side), self._side)[: rows.stop - rows.start, columns]
        places = _cv.add(_cv.add(self._away[rows, columns], here), (left, top + rows.start, 0.0, 0.0))
        read: Plate = _cv.remap(self._plate, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return read

    def _columns(self, rows: slice) -> slice:
        """Return the columns of a strip in which the candidate is seen."""
        cells = self._seen.shape[0]
        first, last = rows.start * cells // self._side - 2, rows.stop * cells // self._side + 3
        seen = np.flatnonzero(self._seen[max(0, first) : last].any(axis=0))
        if not len(seen):
            return slice(0, 0)
        low, high = (int(seen[0]) - 2) * self._side // cells, (int(seen[-1]) + 3) * self._side // cells
        return slice(max(0, low), min(self._side, high))


def add_share(sum_: Floats, picture: Pixels, share: Floats) -> None:
    """Add a share (H, W) of the colours of a picture (H, W, 3 or 4) to a sum of as many channels, of which a fourth
    means nothing."""
    each_channel = _cv.cvtColor(share, cv2.COLOR_GRAY2RGB if picture.shape[2] == 3 else cv2.COLOR_GRAY2RGBA)
    _cv.accumulateProduct(picture.astype(np.float32), each_channel, sum_)


def strip_rows(side: int) -> int:
    return max(1, STRIP_PIXELS // side)


def strips(side: int) -> Iterable[slice]:
    rows = strip_rows(side)
    for start in range(0, side, rows):
        yield slice(start, min(start + rows, side))


def together(works: Sequence[Callable[[], T]], threads: int) -> list[T]:
    """Return the results of calls, some of them made at once."""
    if threads == 1 or len(works) == 1:
        return [work() for work in works]
    return list(_pool(threads).map(lambda work: work(), works))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="composer")
