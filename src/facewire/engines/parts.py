"""What a frame is put together from, as arrays: the record between engines and the composer.

    networks/composition.py: Composition --parts_of--> Parts, one per frame --composition/--> picture of any size

A model that only gives finished pictures (the paper's) shows no candidate: everything is its repair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from facewire.media.frame import Pixels

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A picture that may be shown.

    of    what is read: PHOTO or BACKGROUND of networks/composition.py
    flow  (h, w, 2) float32, where in the source crop every pixel is read, corner to corner in [-1, 1]; None where
          the picture stands still
    """

    of: str
    flow: Array | None


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """One frame before it is put together; S is the model's resolution.

    candidates  N
    shares      (S, S, N) float32 in [0, 1]
    repair      (S, S, 3) float32, what is added, 1 for white
    """

    candidates: tuple[Layer, ...]
    shares: Array
    repair: Array


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A frame as the networks draw it, and what moved it.

    picture  (S, S, 3) uint8
    masks    (K + 1, h, w) float32, which part of every cell's motion is which keypoint's, sum 1; the first slot
             stands still
    """

    picture: Pixels
    masks: Array
