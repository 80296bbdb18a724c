"""Turn and return: a still becomes a pair, because the model itself turns it.

    still --turned by the model, without gradient--> source          still itself --> the frame that is asked for

The turned picture shows what the model does to a head that turns: stretched cheeks, streaked hair, a filled-in
background. Asked to turn back, it learns what to do with them, on as many people as there are stills; the frame that
it is compared with is a photograph. (The idea of Rotate-and-Render, CVPR 2020, without its 3-D model.)
"""

from __future__ import annotations

import torch
from torch import Tensor

from facewire.data.pairs import FrameBatch
from facewire.geometry.pose import rotation_from_angles
from facewire.geometry.precision import compose
from facewire.networks.compact.model import CompactTalkingHead

LARGEST_TURN = (30.0, 12.0, 10.0)
"""Yaw, pitch and roll in degrees; drawn evenly within."""
LEAST_PRESENCE = 0.0
"""Logit of the landmark reader below which a turned picture is no source: the still stays its own."""


@torch.no_grad()
def turned_sources(
    model: CompactTalkingHead, frames: FrameBatch, still: tuple[bool, ...], generator: torch.Generator
) -> FrameBatch:
    """Return source frames of which those that are stills are turned at random, labels included.

    Args:
        model: in training.
        frames: B source frames.
        still: of each, whether it is one.
        generator: of the turns.
    """
    rows = [number for number, is_still in enumerate(still) if is_still]
    if not rows:
        return frames
    angles = (2 * torch.rand(len(rows), 3, generator=generator) - 1) * torch.tensor(LARGEST_TURN)
    rotation = rotation_from_angles(*torch.deg2rad(angles).unbind(dim=-1)).to(frames.image.device)
    picture = frames.image[rows]
    canonical, motion = model.motion_reader.from_landmarks(picture, frames.landmarks[rows])
    asked = motion.turned_at_neck(rotation)
    made = model.render(model.identity_from(picture, canonical, motion), asked).to(picture.dtype)
    landmarks, presence = model.motion_reader.reader(made)
    shift = asked.translation - motion.translation
    turned = FrameBatch(
        made,
        landmarks,
        compose(rotation, frames.rotation[rows]),
        frames.translation[rows] + shift * shift.new_tensor((1.0, 1.0, 0.0)),
    )
    return _replaced(frames, rows, turned, presence > LEAST_PRESENCE)


def _replaced(frames: FrameBatch, rows: list[int], new: FrameBatch, usable: Tensor) -> FrameBatch:
    """Return frames with some rows replaced, where the new ones are usable."""

    def part(old: Tensor, made: Tensor) -> Tensor:
        chosen = usable.view(-1, *(1,) * (old.ndim - 1))
        whole = old.clone()
        whole[rows] = torch.where(chosen, made.to(old.dtype), old[rows])
        return whole

    return FrameBatch(
        part(frames.image, new.image),
        part(frames.landmarks, new.landmarks),
        part(frames.rotation, new.rotation),
        part(frames.translation, new.translation),
    )
