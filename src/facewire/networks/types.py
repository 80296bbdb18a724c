"""What the networks hand to each other and to the losses: frozen records of tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints, Keypoints, place

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Identity:
    """Everything that is taken from a source picture, once per person and session; B sources at once.

    features   what the model renders from, largest batch axis first: for the paper's networks one appearance
               volume f_s (B, C, D, H, W), for other models whatever maps they need, each (B, ...)
    canonical  keypoints x_c without pose and expression
    motion     R_s, t_s and delta_s of the source picture itself
    """

    features: tuple[Tensor, ...]
    canonical: CanonicalKeypoints
    motion: HeadMotion

    def __len__(self) -> int:
        return len(self.motion)

    @property
    def keypoints(self) -> Keypoints:
        """The source keypoints x_s = R_s x_c + t_s + delta_s (paper Eq. 1)."""
        return place(self.canonical, self.motion)

    def expand(self, batch: int) -> Identity:
        """Return the same identity for `batch` driving frames (only from a batch of one or of `batch`)."""
        if len(self) == batch:
            return self
        features = tuple(feature.expand(batch, *feature.shape[1:]) for feature in self.features)
        return Identity(features, self.canonical.expand(batch), self.motion.expand(batch))

    def to(self, device: torch.device | str) -> Identity:
        """Return the same identity on another device."""
        jacobians = self.canonical.jacobians
        canonical = CanonicalKeypoints(
            self.canonical.points.to(device), None if jacobians is None else jacobians.to(device)
        )
        return Identity(
            tuple(feature.to(device) for feature in self.features), canonical, self.motion.to(device)
        )


@dataclass(frozen=True, slots=True)
class MotionField:
    """How the source volume moves to become the driving frame (spec 2.5).

    flow       (B, D, H, W, 3)     source coordinates to read, composite of all slots
    masks      (B, K + 1, D, H, W) share of each slot, identity first; sum 1 over the slots
    occlusion  (B, 1, H, W)        in [0, 1]; 0 where the source shows nothing and G must invent
    """

    flow: Tensor
    masks: Tensor
    occlusion: Tensor


@dataclass(frozen=True, slots=True)
class Synthesis:
    """A rendered frame with what the losses look at.

    image      (B, 3, H, W)  RGB in [0, 1]
    keypoints  x_d, the driving keypoints
    motion     R_d, t_d, delta_d
    field      the motion field that moved the source
    """

    image: Tensor
    keypoints: Keypoints
    motion: HeadMotion
    field: MotionField
