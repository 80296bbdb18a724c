"""A picture of a head made of the one before, moved as the head's surface has moved since: a twentieth of the work.

    motion then, motion now --mean head--> where every pixel lay then --> picture then, read there

Lips, lids and brows move with their keypoints; what opens is stretched, what was hidden stays hidden, and beside the
head nothing moves. So it serves for a picture or two, until the networks have drawn another.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints, place
from facewire.media.frame import Pixels
from facewire.networks.compact.guides import GUIDES, UNIT
from facewire.networks.compact.mean_head import Floats, MeanHead, mean_head

_cv: Any = cv2
CELLS: Final = 32
"""Along a side of the flow; a mean head's surface is smooth."""
VARIANCE = 0.0015
"""Of a point's reach, in squared picture units; points are 0.1 apart."""
NEARER, FACING = 8.0, 10.0
"""How much nearer points hide those behind them, and how sharply points that look away lose their share."""
NEAR = 20.0
"""The reach of all points together, times this, is 1 everywhere on the head, and falls to 0 beside it."""
LEAST = 1e-12
"""Of a share that is divided by."""
FAR = 0.2
"""Picture units: if a point of the head has moved further than this, another picture must be drawn."""


def moved(picture: Pixels, canonical: CanonicalKeypoints, then: HeadMotion, now: HeadMotion) -> Pixels | None:
    """Return a picture of a head in the motion `now`; None if the head is too far away from where it was.

    Args:
        picture: (N, N, 3), a head's square of the project's crop, in the motion `then`.
        canonical: of that person (1), keypoints of the compact model.
        then, now: batches of one.
    """
    flow = head_flow(canonical, then, now)
    if np.abs(flow).max() > FAR:
        return None
    side = len(picture)
    away = _cv.resize(flow * np.float32((side - 1) / 2), (side, side), interpolation=cv2.INTER_LINEAR)
    return np.asarray(
        _cv.remap(picture, away + _places(side), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    )


def head_flow(canonical: CanonicalKeypoints, then: HeadMotion, now: HeadMotion) -> Floats:
    """Return where in the picture of the motion `then` each cell of that of `now` lay, less where it lies now.

    Returns:
        (CELLS, CELLS, 2) picture units, 0 beside the head.
    """
    head = _head()
    before, after = (_points(head, canonical, motion.arrays()) for motion in (then, now))
    away = head.normals @ now.arrays().rotation[0, 2]
    seen = np.exp(-np.logaddexp(0, FACING * away) - NEARER * after[:, 2])
    across, down = (np.exp(-np.square(_line() - after[:, i, None]) / (2 * VARIANCE)) for i in range(2))
    carried = np.column_stack((seen[:, None] * (before - after)[:, :2], seen, np.ones_like(seen)))
    # What a cell gets of each point is one factor a row times one a column, so the sum over points is a product.
    rows = np.ascontiguousarray((carried[:, :, None] * down[:, None]).reshape(len(carried), -1).T, np.float32)
    mixed = _cv.gemm(rows, across.astype(np.float32), 1, None, 0).reshape(4, CELLS, CELLS)
    covered = np.minimum(1, NEAR * mixed[3])
    flow: Floats = np.moveaxis(mixed[:2] / np.maximum(mixed[2], LEAST) * covered, 0, -1)
    return np.ascontiguousarray(flow)


def _points(head: MeanHead, canonical: CanonicalKeypoints, motion: HeadMotion) -> Floats:
    """Return where the points of the mean head lie, (A, 3): it follows the keypoints of the person."""
    ties, rest = _tied()
    guides: Floats = place(canonical, motion).points[0, : len(head.keypoints)]
    points: Floats = rest @ motion.rotation[0].T + ties @ guides
    return points


@cache
def _head() -> MeanHead:
    return mean_head([guide.canonical for guide in GUIDES], UNIT)


@cache
def _tied() -> tuple[Floats, Floats]:
    """Return which share each keypoint has of a point, (A, G), and where the point lies beside their mean, (A, 3)."""
    head = _head()
    ties = head.ties / head.ties.sum(axis=-1, keepdims=True)
    return ties, head.points - ties @ head.keypoints


@cache
def _line() -> Floats:
    """Return the middles of the cells in picture units of 256 pixels, (CELLS,): -1 and 1 are middles of pixels."""
    middles = (np.arange(CELLS) + 0.5) * (256 / CELLS) - 0.5
    return np.asarray(middles / 127.5 - 1, np.float32)


@lru_cache(maxsize=4)
def _places(side: int) -> NDArray[np.float32]:
    """Return x and y of every pixel, (side, side, 2)."""
    x, y = np.meshgrid(np.arange(side, dtype=np.float32), np.arange(side, dtype=np.float32))
    return np.stack((x, y), axis=-1)
