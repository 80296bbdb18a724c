"""Joint augmentation: the same change of camera, mirror and colour for both frames of a pair.

Identity and camera change, motion does not: labels follow the picture exactly, so a turned crop has a turned
pose label and a mirrored one swaps left and right landmarks.

Random numbers are drawn on the CPU, whatever the device of the pictures, so a seed means the same everywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from facewire.base.errors import ConfigError
from facewire.data.pairs import FrameBatch, PairBatch
from facewire.geometry.grid import image_grid
from facewire.geometry.precision import apply, compose
from facewire.geometry.warp import warp_image

MIRRORED = (
    *(*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1)),  # jaw, brows, nose
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),  # eyes
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),  # outer lips
    *(64, 63, 62, 61, 60, 67, 66, 65),  # inner lips
    *(73, 76, 75, 74, 77, 68, 71, 70, 69, 72),  # irises: centre, then around it
)
"""Landmark i of a mirrored face is landmark MIRRORED[i] of the face."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentConfig:
    """Ranges of the joint augmentation; all 0 leave the pair as it is."""

    mirror: float = 0.5
    """Probability, 0 to 1."""
    zoom: float = 0.12
    """Range of the log scale: drawn from -zoom / 2 to zoom, 0 to 1."""
    stretch: float = 0.05
    """Range of the log ratio of width to height, 0 to 1: other faces, same motion."""
    turn_degrees: float = 8.0
    """Range of the turn in the picture plane, 0 to 90."""
    shift: float = 0.08
    """Range of the shift in picture units, 0 to 1."""
    colour: float = 0.15
    """Range of brightness, contrast and channel gains, 0 to 0.5; saturation takes twice that."""

    def __post_init__(self) -> None:
        limits = {
            "mirror": 1.0,
            "zoom": 1.0,
            "stretch": 1.0,
            "turn_degrees": 90.0,
            "shift": 1.0,
            "colour": 0.5,
        }
        for name, limit in limits.items():
            if not 0 <= getattr(self, name) <= limit:
                raise ConfigError(f"augment.{name}", getattr(self, name), f"0 to {limit:g}")


@dataclass(frozen=True, slots=True)
class _Change:
    """What happens to the rows of a batch, the same for source and driving frame.

    mirror      (B,)            bool
    linear      (B, 2, 2)       moves picture points, with shift (B, 2)
    turn        (B, 3, 3)       what that does to the head's rotation
    gain        (B, 3, 1, 1)    per channel, with saturation and brightness (B, 1, 1, 1)
    """

    mirror: Tensor
    linear: Tensor
    shift: Tensor
    turn: Tensor
    gain: Tensor
    saturation: Tensor
    brightness: Tensor


def augment(pair: PairBatch, generator: torch.Generator, config: AugmentConfig) -> PairBatch:
    """Return the pair seen by another camera; the same change for both frames of a row."""
    change = _drawn(len(pair.source.image), generator, config, pair.source.image.device)

    def changed(frames: FrameBatch) -> FrameBatch:
        return _recoloured(_moved(_mirrored(frames, change), change), change)

    return PairBatch(changed(pair.source), changed(pair.driving), pair.clips, pair.still)


def _drawn(batch: int, generator: torch.Generator, config: AugmentConfig, device: torch.device) -> _Change:
    def uniform(*shape: int) -> Tensor:
        return 2 * torch.rand(shape, generator=generator) - 1

    mirror = torch.rand(batch, generator=generator) < config.mirror
    zoom = torch.exp(config.zoom * (0.25 + 0.75 * uniform(batch)))
    stretch = torch.exp(0.5 * config.stretch * uniform(batch))
    turn = _about_z(math.radians(config.turn_degrees) * uniform(batch))
    scale = torch.stack((zoom * stretch, zoom / stretch), dim=-1)
    shift = config.shift * uniform(batch, 2)
    contrast = 1 + config.colour * uniform(batch, 1)
    gain = contrast * (1 + 0.5 * config.colour * uniform(batch, 3))
    saturation = 1 + 2 * config.colour * uniform(batch)
    brightness = 0.5 * config.colour * uniform(batch)
    return _Change(
        mirror.to(device),
        (turn[:, :2, :2] * scale[:, None]).to(device),
        shift.to(device),
        turn.to(device),
        gain[:, :, None, None].to(device),
        saturation[:, None, None, None].to(device),
        brightness[:, None, None, None].to(device),
    )


def _about_z(angle: Tensor) -> Tensor:
    """Return rotations (B, 3, 3) in the picture plane, clockwise, by angles (B,) in radians."""
    sine, cosine = torch.sin(angle), torch.cos(angle)
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    rows = ((cosine, -sine, zero), (sine, cosine, zero), (zero, zero, one))
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def _mirrored(frames: FrameBatch, change: _Change) -> FrameBatch:
    """Mirror the rows that the change mirrors."""
    sign = torch.tensor([-1.0, 1.0, 1.0], device=frames.image.device)
    mirror = change.mirror
    return FrameBatch(
        torch.where(mirror[:, None, None, None], frames.image.flip(3), frames.image),
        torch.where(mirror[:, None, None], frames.landmarks[:, list(MIRRORED)] * sign[:2], frames.landmarks),
        torch.where(mirror[:, None, None], sign[:, None] * frames.rotation * sign, frames.rotation),
        torch.where(mirror[:, None], frames.translation * sign, frames.translation),
    )


def _moved(frames: FrameBatch, change: _Change) -> FrameBatch:
    """Move every picture point p to linear p + shift."""
    height, width = frames.image.shape[2:]
    grid = image_grid(height, width, device=frames.image.device)
    back = torch.linalg.inv(change.linear)[:, None, None]
    read = apply(back, grid - change.shift[:, None, None, :])
    centre = apply(change.linear, frames.translation[:, :2]) + change.shift
    return FrameBatch(
        warp_image(frames.image, read, padding="reflection"),
        apply(change.linear[:, None], frames.landmarks) + change.shift[:, None],
        compose(change.turn, frames.rotation),
        torch.cat((centre, frames.translation[:, 2:]), dim=1),
    )


def _recoloured(frames: FrameBatch, change: _Change) -> FrameBatch:
    grey = frames.image.mean(dim=1, keepdim=True)
    coloured = (grey + change.saturation * (frames.image - grey)) * change.gain + change.brightness
    return FrameBatch(coloured.clamp(0, 1), frames.landmarks, frames.rotation, frames.translation)
