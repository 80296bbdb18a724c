"""Where the appearance volume comes from in the driving pose: what M does in each family.

    c = compressed volume, warped by K + 1 grids: itself first, then one moved by each keypoint
    Gaussian(x_d) - Gaussian(x_s), zero for the first -----> hourglass --> masks, occlusion
    flow = sum of mask * grid

Grids include both ends. The samplers of all families but ZK do not, so the first grid is no identity there: it
stretches by N / (N - 1). The weights were trained with it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facewire.geometry.grid import volume_grid
from facewire.geometry.heatmap import gaussian_maps
from facewire.geometry.precision import apply, compose
from facewire.geometry.warp import warp_volume
from facewire.networks.paper.blocks2d import conv2d
from facewire.networks.paper.blocks3d import DownBlock3d, UpBlock3d, conv3d
from facewire.networks.paper.motion_field import present_slots, slot_softmax
from facewire.networks.types import MotionField


@dataclass(frozen=True, slots=True)
class Pair:
    """Where keypoints are and how the heads are turned; points (B, K, 3), rotations (B, 3, 3)."""

    driving: Tensor
    source: Tensor
    driving_rotation: Tensor
    source_rotation: Tensor


def grids(pair: Pair, like: Tensor, *, first_order: bool) -> Tensor:
    """Return K + 1 grids (B, K + 1, D, H, W, 3) for volumes (B, C, D, H, W), the unmoved one first."""
    still = volume_grid(*like.shape[2:], device=like.device)
    away = still - pair.driving[:, :, None, None, None]
    if first_order:
        turn = compose(pair.source_rotation, pair.driving_rotation.transpose(-1, -2))
        away = apply(turn[:, None, None, None, None], away)
    moved = away + pair.source[:, :, None, None, None]
    return torch.cat((still.expand(len(moved), 1, *still.shape), moved), dim=1)


def slot_inputs(compressed: Tensor, pair: Pair, flows: Tensor, *, align_corners: bool) -> Tensor:
    """Return what the hourglass sees, slot after slot: heat, then warped channels (B, K + 1, 1 + C, D, H, W)."""
    batch, slots = flows.shape[:2]
    repeated = compressed[:, None].expand(batch, slots, *compressed.shape[1:])
    warped = warp_volume(repeated.flatten(0, 1), flows.flatten(0, 1), align_corners=align_corners)
    grid = volume_grid(*compressed.shape[2:], device=compressed.device)
    heat = gaussian_maps(pair.driving, grid) - gaussian_maps(pair.source, grid)
    heat = torch.cat((torch.zeros_like(heat[:, :1]), heat), dim=1)[:, :, None]
    return torch.cat((heat.to(warped.dtype), warped.view(repeated.shape)), dim=2)


def summed(masks: Tensor, flows: Tensor, floor: float) -> Tensor:
    """Return the flow (B, D, H, W, 3) of masks (B, K + 1, D, H, W), those below `floor` left out."""
    counted = torch.where(masks < floor, torch.zeros_like(masks), masks)
    return (counted[..., None] * flows).sum(dim=1)


class Encoder(nn.Module):
    """Halves and keeps every size."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.down_blocks = nn.ModuleList(DownBlock3d(a, b) for a, b in itertools.pairwise(widths))

    def forward(self, x: Tensor) -> list[Tensor]:
        kept = [x]
        for block in self.down_blocks:
            kept.append(block(kept[-1]))
        return kept


class Decoder(nn.Module):
    """Doubles; every size meets its counterpart; a last convolution over output and input."""

    def __init__(self, widths: Sequence[int], last: int) -> None:
        super().__init__()
        inputs, *inner = widths
        goals = [*reversed(inner[:-1]), last]
        sources = [inner[-1], *(2 * goal for goal in goals[:-1])]
        self.up_blocks = nn.ModuleList(UpBlock3d(a, b) for a, b in zip(sources, goals))
        joined = last + inputs
        self.conv, self.norm = conv3d(joined, joined, 3), nn.BatchNorm3d(joined)

    def forward(self, kept: list[Tensor]) -> Tensor:
        x = kept.pop()
        for block in self.up_blocks:
            x = torch.cat((block(x), kept.pop()), dim=1)
        return F.relu(self.norm(self.conv(x)))


class Hourglass(nn.Module):
    """U-Net with skips at every size."""

    def __init__(self, widths: Sequence[int], last: int) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(widths), Decoder(widths, last)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.decoder(self.encoder(x))
        return out


class DenseMotion(nn.Module):
    """M of LivePortrait, ZLH and SadTalker.

    Args:
        keypoints, channels, depth: of what comes in.
        compressed: channels that are warped K + 1 times.
        widths: of the hourglass, after each halving.
        last: channels of its last doubling.
        floor: masks below it are left out of the flow.
    """

    def __init__(
        self, *, keypoints: int = 21, channels: int = 32, depth: int = 16, compressed: int = 4,
        widths: Sequence[int] = (64, 128, 256, 512, 1024), last: int = 32, floor: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        inputs = (keypoints + 1) * (compressed + 1)
        self.hourglass = Hourglass((inputs, *widths), last)
        joined = inputs + last
        self.mask = conv3d(joined, keypoints + 1, 7)
        self.compress, self.norm = conv3d(channels, compressed, 1), nn.BatchNorm3d(compressed)
        self.occlusion = conv2d(joined * depth, 1, 7)
        self.floor = floor

    def forward(self, volume: Tensor, pair: Pair, kept: int | Tensor | None = None) -> MotionField:
        """Return flow, masks (as they were before small ones were cut) and occlusion."""
        flows = grids(pair, volume, first_order=False)
        compressed = F.relu(self.norm(self.compress(volume)))
        slots = slot_inputs(compressed, pair, flows, align_corners=False)
        present = present_slots(kept, pair.driving)
        slots = slots * present[:, :, None, None, None, None]
        seen = self.hourglass(slots.flatten(1, 2))
        masks = slot_softmax(self.mask(seen), present)
        occlusion = torch.sigmoid(self.occlusion(seen.flatten(1, 2)))
        return MotionField(summed(masks, flows, self.floor), masks, occlusion)
