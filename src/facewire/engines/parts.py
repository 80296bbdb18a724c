"""What a frame is put together from, as arrays: the record between engines and the composer.

    networks/composition.py: Composition --parts_of--> Parts, one per frame --composer.py--> picture of any size

A model that only gives finished pictures (the paper's) shows no candidate: everything is its repair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewire.geometry.head_motion import HeadMotion
from facewire.networks.compact.model import CompactTalkingHead
from facewire.networks.presets import Model
from facewire.networks.types import Identity

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


@torch.inference_mode()
def parts_of(model: Model, identity: Identity, motions: HeadMotion, kept: int | None = None) -> list[Parts]:
    """Return the parts of B frames of one identity; motions on the model's device."""
    if not isinstance(model, CompactTalkingHead):
        pictures = _last(model.render(identity, motions, kept))
        return [Parts((), np.empty((*picture.shape[:2], 0), np.float32), picture) for picture in pictures]
    made = model.composition(identity, motions, kept)
    of = tuple(candidate.of for candidate in made.candidates)
    flows = [None if one.flow is None else one.flow.float().cpu().numpy() for one in made.candidates]
    shares, repair = _last(made.shares), _last(made.repair)
    return [
        Parts(
            tuple(
                Layer(name, None if flow is None else flow[row]) for name, flow in zip(of, flows, strict=True)
            ),
            shares[row],
            repair[row],
        )
        for row in range(len(motions))
    ]


def _last(maps: Tensor) -> Array:
    """Return maps (B, C, H, W) as an array (B, H, W, C)."""
    arrays: Array = maps.float().permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return arrays
