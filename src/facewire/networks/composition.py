"""How a frame is put together: candidate pictures, which share each has, and what is added.

    frame = sum_i shares_i read(of_i, flows_i) + repair

Everything here is small and smooth, so that a frame can be put together at any size: flows, shares and repair are
enlarged, and the candidates are read from a larger photo instead of its crop (the same coordinates, mapped).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

PHOTO, BACKGROUND = "photo", "background"
"""What a candidate is read from: the source picture, or what stands behind its person (`CompactFeatures`)."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One picture that the generator may show.

    of    PHOTO or BACKGROUND
    flow  (B, 64, 64, 2) where every pixel of the frame is read, in the picture coordinates of the source crop (a
          mirrored candidate is the photo, too: its flow runs backwards); None where the picture stands still
    """

    of: str
    flow: Tensor | None


@dataclass(frozen=True, slots=True)
class Composition:
    """A frame before it is put together.

    candidates  in the order of `shares`
    shares      (B, N, 256, 256) in [0, 1]; where their sum stays below 1 the rest is the repair's alone
    repair      (B, 3, 256, 256), what is added
    openings    (B, 6, 128, 128) where mouth and eyes stand open (openings.py)
    """

    candidates: tuple[Candidate, ...]
    shares: Tensor
    repair: Tensor
    openings: Tensor
