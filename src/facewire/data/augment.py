"""Joint augmentation: the same change of camera, mirror and colour for both frames of a pair.

Identity and camera change, motion does not: labels follow the picture exactly, so a turned crop has a turned
pose label and a mirrored one swaps left and right landmarks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from facewire.data.pairs import FrameBatch, PairBatch
from facewire.geometry.grid import image_grid
from facewire.geometry.warp import warp_image

MIRRORED = torch.tensor(
    [*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1)]
    + [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
    + [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65]
    + [73, 76, 75, 74, 77, 68, 71, 70, 69, 72]
)
"""Entry i of a mirrored face is entry MIRRORED[i] of the face (68-point order, then the irises)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentConfig:
    """Ranges of the joint augmentation."""

    mirror: float = 0.5
    """Probability."""
    zoom: float = 0.12
    """Standard range of the log scale; drawn uniformly from -zoom/2 to zoom."""
    stretch: float = 0.05
    """Range of the log ratio of width to height: other faces, same motion."""
    turn_degrees: float = 8.0
    """Range of the turn in the picture plane."""
    shift: float = 0.08
    """Range of the shift in picture units."""
    colour: float = 0.15
    """Range of brightness, contrast and channel gains; saturation takes twice that."""


def augment(pair: PairBatch, generator: torch.Generator, config: AugmentConfig) -> PairBatch:
    """Return the pair seen by another camera; the same change for both frames of a row."""
    batch = pair.source.image.shape[0]
    mirror = torch.rand(batch, generator=generator) < config.mirror
    linear, angle = _linear(batch, generator, config)
    shift = config.shift * _uniform((batch, 2), generator)
    colour = _colour(batch, generator, config.colour)

    def change(frames: FrameBatch) -> FrameBatch:
        return _recolour(_move(_mirror(frames, mirror), linear, angle, shift), *colour)

    return PairBatch(change(pair.source), change(pair.driving))


def _uniform(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return 2 * torch.rand(shape, generator=generator) - 1


def _linear(batch: int, generator: torch.Generator, config: AugmentConfig) -> tuple[Tensor, Tensor]:
    """Return the matrices (B, 2, 2) that move picture points, and their turns (B) in radians."""
    draws = torch.rand(batch, generator=generator)
    zoom = torch.exp(config.zoom * (1.5 * draws - 0.5))
    stretch = torch.exp(0.5 * config.stretch * _uniform((batch,), generator))
    angle = math.radians(config.turn_degrees) * _uniform((batch,), generator)
    sine, cosine = torch.sin(angle), torch.cos(angle)
    turn = torch.stack((torch.stack((cosine, -sine), -1), torch.stack((sine, cosine), -1)), dim=-2)
    scale = torch.diag_embed(torch.stack((zoom * stretch, zoom / stretch), dim=-1))
    return turn @ scale, angle


def _mirror(frames: FrameBatch, mirror: Tensor) -> FrameBatch:
    """Mirror the rows where `mirror` holds."""
    flip = torch.diag(torch.tensor([-1.0, 1.0, 1.0]))
    landmarks = frames.landmarks[:, MIRRORED] * torch.tensor([-1.0, 1.0])
    return FrameBatch(
        torch.where(mirror[:, None, None, None], frames.image.flip(3), frames.image),
        torch.where(mirror[:, None, None], landmarks, frames.landmarks),
        torch.where(mirror[:, None, None], flip @ frames.rotation @ flip, frames.rotation),
        torch.where(mirror[:, None], frames.translation @ flip, frames.translation),
    )


def _move(frames: FrameBatch, linear: Tensor, angle: Tensor, shift: Tensor) -> FrameBatch:
    """Move every picture point p to linear p + shift."""
    height, width = frames.image.shape[2:]
    grid = image_grid(height, width)
    back = torch.linalg.inv(linear)
    read = torch.einsum("bij,bhwj->bhwi", back, grid - shift[:, None, None, :])
    sine, cosine, zero = torch.sin(angle), torch.cos(angle), torch.zeros_like(angle)
    rows = ((cosine, -sine, zero), (sine, cosine, zero), (zero, zero, torch.ones_like(angle)))
    turn = torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)
    moved = torch.einsum("bij,bj->bi", linear, frames.translation[:, :2]) + shift
    return FrameBatch(
        warp_image(frames.image, read, padding="reflection"),
        frames.landmarks @ linear.transpose(-1, -2) + shift[:, None],
        turn @ frames.rotation,
        torch.cat((moved, frames.translation[:, 2:]), dim=1),
    )


def _colour(batch: int, generator: torch.Generator, amount: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return channel gains (B, 3, 1, 1), saturation and shift (B, 1, 1, 1)."""
    contrast = 1 + amount * _uniform((batch, 1), generator)
    gain = contrast * (1 + 0.5 * amount * _uniform((batch, 3), generator))
    saturation = 1 + 2 * amount * _uniform((batch,), generator)
    shift = 0.5 * amount * _uniform((batch,), generator)
    return gain[:, :, None, None], saturation[:, None, None, None], shift[:, None, None, None]


def _recolour(frames: FrameBatch, gain: Tensor, saturation: Tensor, shift: Tensor) -> FrameBatch:
    grey = frames.image.mean(dim=1, keepdim=True)
    image = ((grey + saturation * (frames.image - grey)) * gain + shift).clamp(0, 1)
    return FrameBatch(image, frames.landmarks, frames.rotation, frames.translation)
