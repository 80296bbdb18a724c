"""How a frame is put together: candidate pictures, which share each has, and what is added.

    frame = sum_i shares_i picture_i + repair

    picture of the PHOTO     the source picture I read at the flow
    picture of the PERSON    only the person is read at the flow and laid over the background B, which stands still:
                             read(I - (1 - matte) B) + (1 - read(matte)) B

The person's layer is the photo less what shines through from behind, so that hair carries no rim of the old
background along; where nothing moves, both layers together are the photo, exactly. Matte and background are made once
per source picture (`CompactFeatures`).

Everything here is small and smooth, so that a frame can be put together at any size: flows, shares and repair are
enlarged, and the candidates are read from a larger photo instead of its crop (the same coordinates, mapped).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from facewire.geometry.warp import resize_flow, warp_image


@dataclass(frozen=True, slots=True)
class Candidate:
    """One picture that the generator may show.

    of    PHOTO or PERSON
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


class Layers(NamedTuple):
    """A source picture in two layers.

    person      (B, 3, H, W) I - (1 - matte) B; may leave [0, 1]
    matte       (B, 1, H, W) share of the person in every pixel
    background  (B, 3, H, W) what stands behind the person
    """

    person: Tensor
    matte: Tensor
    background: Tensor

    @staticmethod
    def of(image: Tensor, matte: Tensor, background: Tensor) -> Layers:
        """Return the layers of pictures (B, 3, H, W)."""
        return Layers(image - (1 - matte) * background, matte, background)

    def read(self, flow: Tensor) -> tuple[Tensor, Tensor]:
        """Return the pictures (B, 3, H, W) of persons moved by a flow (B, h, w, 2), and their mattes."""
        both = torch.cat((self.person, self.matte), dim=1)
        moved = warp_image(both, resize_flow(flow, *both.shape[2:]))
        matte = moved[:, 3:]
        return moved[:, :3] + (1 - matte) * self.background, matte
