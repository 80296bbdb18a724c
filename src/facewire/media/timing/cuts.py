"""Where one shot ends and the next begins.

A frame begins a shot when it differs from the one before by much, and by much more than the frames just before did
from theirs: a fast movement raises both. Two cuts in two frames count as one. Fades are not seen here; the face
tracker notices another face.
"""

from __future__ import annotations

from collections import deque
from statistics import median

import numpy as np
from numpy.typing import NDArray

from facewire.media.frame import Pixels

CELLS = (36, 64)
"""Rows and columns that a picture is averaged into; smaller ones are taken as they are."""
SAMPLES = 3
"""Pixels along each side of a cell that are looked at."""
LEAST_CHANGE = 0.075
"""Mean change of brightness and colour, of 1, that a cut makes at least."""
LEAST_RATIO = 4.0
"""How many times the median change of the frames before a cut's is."""
LEAST_RISE = 1.5
"""How many times the change just before it: hands before a face change much in many frames on end."""
MEMORY = 12
"""Frames that count as just before."""


class CutDetector:
    """Looks at the frames of a video in order."""

    def __init__(self) -> None:
        self._before: NDArray[np.float32] | None = None
        self._changes: deque[float] = deque(maxlen=MEMORY)
        self._last = 0.0

    def begins(self, pixels: Pixels) -> bool:
        """Say whether a frame begins a shot; the first one does."""
        now = small(pixels)
        before, self._before = self._before, now
        if before is None or before.shape != now.shape:
            return True
        change = float(np.abs(now - before).mean())
        usual = median(self._changes) if self._changes else 1.0  # the first change tells nothing
        cut = change > max(LEAST_CHANGE, LEAST_RATIO * usual, LEAST_RISE * self._last)
        self._last = change
        if cut:
            self._changes.clear()
        else:
            self._changes.append(change)
        return cut


def small(pixels: Pixels) -> NDArray[np.float32]:
    """Return a picture averaged into at most CELLS cells, (rows, columns, 3) in [0, 1]."""
    height, width = pixels.shape[:2]
    rows, columns = (
        min(cells, max(1, length // SAMPLES)) for cells, length in zip(CELLS, (height, width), strict=True)
    )
    y = (np.arange(rows * SAMPLES) * height) // (rows * SAMPLES)
    x = (np.arange(columns * SAMPLES) * width) // (columns * SAMPLES)
    sampled = pixels[y[:, None], x].astype(np.float32) / 255
    return np.asarray(sampled.reshape(rows, SAMPLES, columns, SAMPLES, 3).mean(axis=(1, 3)), np.float32)
