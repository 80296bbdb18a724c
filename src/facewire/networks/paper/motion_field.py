"""M, the motion field estimator: which keypoint moves which part of the volume (spec 2.5).

K = 20, so 21 slots: identity first, then one per keypoint. Shapes at 256x256; D x H x W = 16 x 64 x 64.

    f_s 32 --1x1x1 conv--> 4 --warped by each of the 21 flows--> 21 x 4 --+
    Gaussian(x_d,k) - Gaussian(x_s,k), zero for identity -------> 21 x 1 --+--> 105 = 21 x 5
    105 --DownBlock3d-64..1024, UpBlock3d-512..32--> 32
    105 + 32 = 137 --7x7x7-Conv-21, softmax over slots--> masks m_k
    137 x 16 = 2192 --7x7-Conv-1, sigmoid--------------> occlusion o
    sum_k m_k w_k -------------------------------------> flow w

The U-Net has no inner skips: 137 = 105 + 32 fixes the outer concatenation only, and the codes that follow the
paper's appendix have none.

Keypoints are ordered by importance, and a sender may leave out the last ones. A missing keypoint's slot
takes no part: its five input channels are zero and its mask is zero before the softmax shares out the rest,
so whatever stands in its place in the driving motion cannot change the picture.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from facewire.base.errors import ShapeError
from facewire.geometry.flow import composite_flow, sparse_flows
from facewire.geometry.grid import volume_grid
from facewire.geometry.heatmap import gaussian_maps
from facewire.geometry.keypoints import Keypoints
from facewire.geometry.warp import warp_volume
from facewire.networks.paper.blocks2d import conv2d
from facewire.networks.paper.blocks3d import DownBlock3d, UpBlock3d, conv3d
from facewire.networks.paper.config import PaperConfig
from facewire.networks.types import MotionField


class MotionFieldEstimator(nn.Module):
    """Appearance volume and keypoint pairs to flow, masks and occlusion."""

    def __init__(self, config: PaperConfig) -> None:
        super().__init__()
        slots = config.keypoints + 1
        inputs = slots * (config.compressed + 1)
        down, up = config.encoder_widths(), config.decoder_widths()
        joined = inputs + up[-1]
        self.flat = config.warp == "2-D"
        self.compress = conv3d(config.volume_channels, config.compressed, 1)
        self.down = nn.Sequential(*(DownBlock3d(a, b) for a, b in zip((inputs, *down), down)))
        self.up = nn.Sequential(*(UpBlock3d(a, b) for a, b in zip((down[-1], *up), up)))
        self.mask_head = conv3d(joined, slots, config.window)
        self.occlusion_head = conv2d(joined * config.volume_depth, 1, config.window)

    def forward(
        self, volume: Tensor, source: Keypoints, driving: Keypoints, kept: int | Tensor | None = None
    ) -> MotionField:
        """Return the motion field of B pairs.

        Args:
            volume: f_s (B, C, D, H, W).
            source, driving: B heads with K keypoints each.
            kept: how many of the ordered keypoints are present, one number or (B,); None is all.
        """
        if self.flat:
            source, driving = source.in_plane(), driving.in_plane()
        grid = volume_grid(*volume.shape[2:], device=volume.device)
        present = present_slots(kept, source.points)
        flows = sparse_flows(source, driving, grid)
        warped = self._warped(volume, flows)
        slots = torch.cat((_heat(source, driving, grid).to(warped.dtype), warped), dim=2)
        slots = slots * present[:, :, None, None, None, None]
        inputs = slots.flatten(1, 2)
        joined = torch.cat((inputs, self.up(self.down(inputs))), dim=1)
        masks = slot_softmax(self.mask_head(joined), present)
        occlusion = torch.sigmoid(self.occlusion_head(joined.flatten(1, 2)))
        return MotionField(composite_flow(masks, flows), masks, occlusion)

    def _warped(self, volume: Tensor, flows: Tensor) -> Tensor:
        """Return the compressed volume moved by each flow, (B, K + 1, 4, D, H, W)."""
        compressed = self.compress(volume)
        batch, slots = flows.shape[:2]
        repeated = compressed[:, None].expand(batch, slots, *compressed.shape[1:])
        warped = warp_volume(repeated.flatten(0, 1), flows.flatten(0, 1))
        return warped.view(repeated.shape)


def present_slots(kept: int | Tensor | None, points: Tensor) -> Tensor:
    """Return which slots take part, booleans (B, K + 1), for points (B, K, 3); identity always does.

    Raises:
        ValueError: a plain number outside 0 to K.
        ShapeError: a tensor that is not (B,).
    """
    batch, count = points.shape[:2]
    if kept is None:
        kept = count
    if isinstance(kept, Tensor):
        if kept.shape != (batch,):
            raise ShapeError("kept", f"({batch},)", kept.shape)
    elif not 0 <= kept <= count:
        raise ValueError(f"kept = {kept}: there are 0 to {count} keypoints")
    else:
        kept = torch.full((batch,), kept, device=points.device)
    order = torch.arange(count + 1, device=points.device)
    return order <= kept.to(points.device)[:, None]


def slot_softmax(logits: Tensor, present: Tensor) -> Tensor:
    """Return masks (B, K + 1, D, H, W) in float32: softmax over the slots, exactly 0 where not present."""
    missing = ~present[:, :, None, None, None]
    return torch.softmax(logits.float().masked_fill(missing, float("-inf")), dim=1)


def _heat(source: Keypoints, driving: Keypoints, grid: Tensor) -> Tensor:
    """Return Gaussian(x_d) - Gaussian(x_s) per slot, zero for identity, (B, K + 1, 1, D, H, W)."""
    maps = gaussian_maps(driving.points, grid) - gaussian_maps(source.points, grid)
    return torch.cat((torch.zeros_like(maps[:, :1]), maps), dim=1)[:, :, None]
