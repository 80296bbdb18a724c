"""Candidates of a picture read from the photo, strip by strip: rows that fit into the cache, several at once.

What has no share in a strip is not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import cv2
import numpy as np

from facewire.animation.composition.maps import Floats, at_side, enlarged, pixel_places
from facewire.animation.composition.plates import Plate
from facewire.media.frame import Pixels

_cv: Any = cv2  # its stubs know neither scalars nor None nor which type comes out
STRIP_PIXELS = 1 << 17
"""Of a strip; with all that belongs to it some megabytes. Shorter ones wait for each other at every step."""
UNSEEN = 1 / 1024
"""Shares below this are not shown."""


class Reading:
    """A candidate at the size of the square; `away` is how far away cells are read, in pixels of it."""

    def __init__(self, plate: Plate, away: Floats | None, share: Floats, side: int) -> None:
        self._plate, self._side = plate, side
        self._share = enlarged(share, side)
        self._seen = share > UNSEEN
        self._away = None if away is None else at_side(away, side, cv2.INTER_LINEAR)

    def add_to(self, sum_: Floats, shares: Floats, rows: slice, corner: tuple[int, int]) -> None:
        """Add what the candidate shows in a strip, (rows, side, 4), and its share, (rows, side)."""
        columns = self._columns(rows)
        if columns.start == columns.stop:
            return
        share = self._share[rows, columns]
        part = np.ascontiguousarray(sum_[:, columns])
        add_share(part, self._shown(rows, columns, corner), share)
        sum_[:, columns] = part
        shares[:, columns] += share

    def _shown(self, rows: slice, columns: slice, corner: tuple[int, int]) -> Plate:
        left, top = corner
        if self._away is None:
            return self._plate[top + rows.start : top + rows.stop, left + columns.start : left + columns.stop]
        here = pixel_places(strip_rows(self._side), self._side)[: rows.stop - rows.start, columns]
        places = _cv.add(self._away[rows, columns], here)
        places = _cv.add(places, (left, top + rows.start, 0.0, 0.0))
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
    """Add a share (H, W) of a picture (H, W, C) to a sum, (H, W, C) contiguous."""
    _cv.accumulateProduct(picture.astype(np.float32), _cv.merge((share,) * picture.shape[2]), sum_)


def strip_rows(side: int) -> int:
    return max(1, STRIP_PIXELS // side)


def strips(side: int) -> Iterable[slice]:
    rows = strip_rows(side)
    for start in range(0, side, rows):
        yield slice(start, min(start + rows, side))


def each(work: Callable[[slice], None], items: list[slice], threads: int) -> None:
    if threads == 1 or len(items) == 1:
        for item in items:
            work(item)
    else:
        list(_pool(threads).map(work, items))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="composer")
