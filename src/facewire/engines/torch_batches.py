"""A model in torch, picture by picture or many at once, on any device: what computes where no engine does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewire.base.errors import ConfigError
from facewire.engines.engine import Layers
from facewire.engines.parts import Drawn, Layer, Parts
from facewire.face.finder import PRESENCE_THRESHOLD
from facewire.geometry.head_motion import HeadMotion
from facewire.media.frame import Pixels
from facewire.networks.compact.model import CompactTalkingHead
from facewire.networks.paper.face_vid2vid import FaceVid2Vid
from facewire.networks.presets import Model
from facewire.networks.relatives.model import RelativeTalkingHead
from facewire.networks.types import Identity

Array = NDArray[Any]


class TorchBatches:
    """Pictures (S, S, 3) uint8 in and out, of a model on its device."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.device = next(model.parameters()).device

    @torch.inference_mode()
    def identity(self, picture: Pixels) -> Identity:
        """Return what the networks keep of a head crop."""
        identity: Identity = self.model.identity(self.tensor([picture]))
        return identity

    def layers(self, identity: Identity) -> Layers | None:
        """Return the layers of a head crop by what was kept of it; None of models without layers."""
        if not isinstance(self.model, CompactTalkingHead) or self.model.matte is None:
            return None
        matte, background = identity.features[-2:]
        return Layers(matte[0, 0].cpu().numpy(), pixels(background)[0])

    @torch.inference_mode()
    def motion(self, pictures: Sequence[Pixels]) -> HeadMotion:
        """Return the motion of head crops."""
        motion: HeadMotion = self.model.motion(self.tensor(pictures))
        return motion

    @torch.inference_mode()
    def read(self, pictures: Sequence[Pixels]) -> tuple[HeadMotion, list[bool]] | None:
        """Return the motion of head crops, and whether each shows a face; None of models that do not tell."""
        if not isinstance(self.model, CompactTalkingHead):
            return None
        motion, presence = self.model.read(self.tensor(pictures))
        return motion, [value >= PRESENCE_THRESHOLD for value in presence.tolist()]

    @torch.inference_mode()
    def parts(self, identity: Identity, motions: HeadMotion, kept: int | None = None) -> list[Parts]:
        """Return what the pictures of a person in motions are put together from."""
        return parts_of(self.model, identity, motions.to(self.device), kept)

    @torch.inference_mode()
    def draw(self, identity: Identity, motions: HeadMotion, kept: int | None = None) -> list[Drawn]:
        """Return the pictures of a person in motions and which keypoint moved what of them.

        Raises:
            ConfigError: the model is of another family.
        """
        if isinstance(self.model, RelativeTalkingHead):
            raise ConfigError(
                "weights", "of another family", "compact-256 or the paper's, whose motion field has masks"
            )
        return drawn_of(self.model, identity, motions.to(self.device), kept)

    @torch.inference_mode()
    def render(self, identity: Identity, motions: HeadMotion, kept: int | None = None) -> list[Pixels]:
        """Return the networks' own pictures of a person in motions."""
        return pixels(self.model.render(identity, motions.to(self.device), kept))

    def tensor(self, pictures: Iterable[Pixels]) -> Tensor:
        """Return (B, 3, S, S) in [0, 1] of pictures."""
        image = torch.from_numpy(np.stack(list(pictures))).to(self.device).permute(0, 3, 1, 2)
        return image.float().div(255).contiguous(memory_format=torch.channels_last)


def pixels(images: Tensor) -> list[Pixels]:
    """Return pictures (B, 3, S, S) in [0, 1] as B of (S, S, 3)."""
    scaled = (images.clamp(0, 1) * 255).round_().to(torch.uint8).permute(0, 2, 3, 1)
    return list(np.ascontiguousarray(scaled.cpu().numpy()))


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


@torch.inference_mode()
def drawn_of(
    model: CompactTalkingHead | FaceVid2Vid, identity: Identity, motions: HeadMotion, kept: int | None = None
) -> list[Drawn]:
    """Return B frames of one identity, and which keypoint moved what of them; motions on the model's device.

    Of volumes the mean over their depth.
    """
    made = model.synthesis(identity, motions, kept)
    masks = made.field.masks.float()
    flat = (masks.mean(dim=2) if masks.ndim == 5 else masks).cpu().numpy()
    return [Drawn(picture, flat[row]) for row, picture in enumerate(pixels(made.image.float()))]


def _last(maps: Tensor) -> Array:
    """Return maps (B, C, H, W) as an array (B, H, W, C)."""
    arrays: Array = maps.float().permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return arrays
