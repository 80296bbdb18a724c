"""Maps of cells at other sizes, as `networks.large_picture` resizes them: shares, flows, windows."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_cv: Any = cv2  # its stubs know neither scalars nor None nor which type comes out


def displacements(flow: Floats, window: Floats, side: int) -> Floats:
    """Return the faded displacements of a flow in pixels of the square, in every cell of the window, (S, S, 2)."""
    cells = len(window)
    scale = window * np.float32(side * (cells - 1) / (2 * cells))
    places = _between(_between(flow, cells), cells, axis=1)
    away: Floats = (places - _corner_to_corner(cells)) * scale[..., None]
    return away


def _between(flow: Floats, cells: int, axis: int = 0) -> Floats:
    """Return a flow at another number of cells along an axis, linearly, both reaching from corner to corner."""
    first, share = _places(flow.shape[axis], cells)
    share = share.reshape((-1, 1) if axis else (-1, 1, 1))
    low = flow.take(first, axis)
    between: Floats = low + (flow.take(first + 1, axis) - low) * share
    return between


@lru_cache(maxsize=4)
def _places(old: int, new: int) -> tuple[NDArray[np.intp], Floats]:
    """Return between which old cells new ones lie: the first of the two, and the share of the second."""
    places = np.arange(new) * ((old - 1) / (new - 1))
    first = np.minimum(places.astype(np.intp), old - 2)
    return first, (places - first).astype(np.float32)


@lru_cache(maxsize=4)
def _corner_to_corner(cells: int) -> Floats:
    """Return where cells are read that nothing moves, (cells, cells, 2)."""
    line = np.linspace(-1, 1, cells, dtype=np.float32)
    return np.stack(np.broadcast_arrays(line, line[:, None]), axis=-1)


def enlarged(maps: Floats, side: int) -> Floats:
    return at_side(maps, side, cv2.INTER_CUBIC)


def at_side(maps: Floats, side: int, filter_: int) -> Floats:
    """Return maps (S, S) or (S, S, C) at another size, as `networks.large_picture.resized`."""
    if side >= maps.shape[0]:
        larger: Floats = _cv.resize(np.ascontiguousarray(maps), (side, side), interpolation=filter_)
        return larger
    return np.ascontiguousarray(_averaged(_averaged(maps, side, 0), side, 1))


def _averaged(maps: Floats, side: int, axis: int) -> Floats:
    """Return maps with fewer cells along an axis.

    Few weights are not 0, and a product of matrices would wake threads, which on a busy machine costs ten times more.
    """
    first, weights = _averages(maps.shape[axis], side)
    shape = [side if place == axis else 1 for place in range(maps.ndim)]
    averaged: Floats = maps.take(first, axis) * weights[0].reshape(shape)
    for tap, weight in enumerate(weights[1:], start=1):
        averaged += maps.take(np.minimum(first + tap, maps.shape[axis] - 1), axis) * weight.reshape(shape)
    return averaged


@lru_cache(maxsize=4)
def _averages(old: int, new: int) -> tuple[NDArray[np.intp], Floats]:
    """Return which old cell is the first in each of fewer new ones (new), and the weights of it and those after it,
    (taps, new): a triangle over two new cells."""
    centre = (np.arange(new)[:, None] + 0.5) * (old / new)
    weights = np.maximum(0, 1 - np.abs(np.arange(old) + 0.5 - centre) * (new / old))
    weights /= weights.sum(axis=1, keepdims=True)
    first = (weights > 0).argmax(axis=1)
    taps = np.arange(int((weights > 0).sum(axis=1).max()))[:, None]
    there = first + taps < old
    held = weights[np.arange(new), np.minimum(first + taps, old - 1)] * there
    return first, np.asarray(held, np.float32)


def planes(maps: Floats) -> Floats:
    """Return maps (S, S, N) one behind the other, (N, S, S)."""
    return np.ascontiguousarray(np.moveaxis(maps, 2, 0))


@lru_cache(maxsize=8)
def pixel_places(rows: int, columns: int) -> Floats:
    """Return x and y of pixels, (rows, columns, 2)."""
    x, y = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
    return np.stack((x, y), axis=-1)
