"""The compact model's motion field estimator M.

The paper's M looks at a 3-D volume warped by every flow and predicts masks at every voxel. A head is a
surface: we predict masks per pixel, and one depth per pixel of the driving frame. The composite flow is then
known at every depth, so one small 2-D network serves both the volume and the visible surface.

    per slot: warped source features (4) + heat-map difference (1)  -> 5 x 21 = 105 channels at 64 x 64
    105 -> U-Net -> 21 mask logits, occlusion
    w(x, y, z) = m_0 (x, y, z) + sum_k m_k [A ((x, y, z) - x_d,k) + x_s,k],  A = R_s R_d^-1
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facewire.geometry.grid import image_grid
from facewire.geometry.heatmap import gaussian_maps
from facewire.geometry.keypoints import Keypoints
from facewire.geometry.warp import resize_flow, warp_image

SIZE = 64
"""Side of the field in cells."""
COMPRESSED = 4
VARIANCE = 0.005
"""Of the keypoint maps; half the paper's, because lids and lips lie close together."""
DEPTH_VARIANCE = 0.02
"""How far, squared, a keypoint's depth reaches where no other one is nearer."""


@dataclass(frozen=True, slots=True)
class SurfaceField:
    """Where every pixel of the driving frame comes from.

    masks      (B, K + 1, 64, 64)  slot weights, identity first, sum 1
    constant   (B, 64, 64, 3)      w at depth 0
    slope      (B, 64, 64, 3)      dw/dz, so that w(z) = constant + z slope
    depth      (B, 64, 64, 1)      of the visible surface in the driving frame
    occlusion  (B, 1, 64, 64)      1 where the source shows what the driving frame needs
    """

    masks: Tensor
    constant: Tensor
    slope: Tensor
    depth: Tensor
    occlusion: Tensor

    def surface(self) -> Tensor:
        """Return the flow of the visible surface, (B, 64, 64, 2)."""
        return (self.constant + self.depth * self.slope)[..., :2]

    def volume(self, depth: int, side: int) -> Tensor:
        """Return the flow on `depth` planes of a coarser raster, (B, depth, side, side, 3)."""
        constant, slope = (resize_flow(part, side, side) for part in (self.constant, self.slope))
        z = torch.linspace(-1, 1, depth, device=constant.device)[:, None, None, None]
        return constant[:, None] + z * slope[:, None]


class CompactField(nn.Module):
    """M of the compact model."""

    def __init__(self, keypoints: int, width: int = 32) -> None:
        super().__init__()
        self.keypoints = keypoints
        slots = keypoints + 1
        inputs = slots * (COMPRESSED + 1)
        self.enter = nn.Conv2d(inputs, width, 3, padding=1)
        widths = (width, 2 * width, 3 * width, 4 * width)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(widths))
        self.middle = nn.Conv2d(widths[-1], widths[-1], 3, padding=1)
        self.up = nn.ModuleList(
            nn.Conv2d(b + a, a, 3, padding=1) for a, b in zip(widths[-2::-1], widths[:0:-1], strict=True)
        )
        self.refine = nn.Conv2d(width, width, 3, padding=1)
        self.masks = nn.Conv2d(width, slots, 3, padding=1)
        self.occlusion = nn.Conv2d(width, 1, 3, padding=1)
        assert self.occlusion.bias is not None
        nn.init.normal_(self.occlusion.weight, std=1e-3)
        nn.init.constant_(self.occlusion.bias, 2.0)

    def forward(
        self, compressed: Tensor, source: Keypoints, driving: Keypoints, kept: Tensor
    ) -> SurfaceField:
        """Return the field.

        Args:
            compressed: (B, 4, 64, 64) source features.
            source, driving: the keypoints of B heads; one linear part per head (J = R).
            kept: (B,) how many keypoints of the ordered list are present; the slots of the rest are closed.
        """
        present = torch.arange(self.keypoints, device=kept.device) < kept[:, None]
        grid = image_grid(SIZE, SIZE, device=compressed.device)
        with _full_precision(compressed):
            linear = source.jacobians[:, 0].float() @ driving.jacobians[:, 0].float().transpose(-1, -2)
            offset = source.points - driving.points @ linear.transpose(-1, -2)
            depth = interpolated_depth(driving.points, grid, present)
            hints = self._hints(compressed.float(), grid, linear, offset, source, driving, present)
        features = self._network(hints.contiguous(memory_format=torch.channels_last))
        logits = self.masks(features).float()
        occlusion = torch.sigmoid(self.occlusion(features).float())
        closed = torch.cat((torch.ones_like(present[:, :1]), present), dim=1)[:, :, None, None]
        masks = torch.softmax(logits.masked_fill(~closed, -torch.inf), dim=1)
        with _full_precision(compressed):
            constant, slope = _compose(masks, grid, linear, offset)
        return SurfaceField(masks, constant, slope, depth, occlusion)

    def _hints(
        self,
        compressed: Tensor,
        grid: Tensor,
        linear: Tensor,
        offset: Tensor,
        source: Keypoints,
        driving: Keypoints,
        present: Tensor,
    ) -> Tensor:
        """Return what every slot's flow would show, and where its keypoint went: (B, 5 (K + 1), 64, 64)."""
        batch, slots = compressed.shape[0], self.keypoints + 1
        plane = torch.einsum("bij,hwj->bhwi", linear[:, :2, :2], grid)
        depth_shift = driving.points[..., 2:] * linear[:, None, :2, 2]
        shift = offset[..., :2] + depth_shift
        flows = torch.cat(
            (grid.expand(batch, 1, *grid.shape), plane[:, None] + shift[:, :, None, None]), dim=1
        )
        tall = flows.reshape(batch, slots * SIZE, SIZE, 2)
        warped = warp_image(compressed, tall).view(batch, COMPRESSED, slots, SIZE, SIZE)
        maps = gaussian_maps(driving.points[..., :2], grid, VARIANCE)
        maps = (maps - gaussian_maps(source.points[..., :2], grid, VARIANCE)) * present[:, :, None, None]
        warped[:, :, 1:] *= present[:, None, :, None, None]
        identity = torch.zeros_like(maps[:, :1])
        return torch.cat((warped.flatten(1, 2), identity, maps), dim=1)

    def _network(self, seen: Tensor) -> Tensor:
        x = F.relu(self.enter(seen))
        skips = []
        for layer in self.down:
            skips.append(x)
            x = F.relu(layer(x))
        x = x + F.relu(self.middle(x))
        for layer in self.up:
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
            x = F.relu(layer(torch.cat((x, skips.pop()), dim=1)))
        return F.relu(self.refine(x))


def interpolated_depth(points: Tensor, grid: Tensor, present: Tensor) -> Tensor:
    """Return the depth of the visible surface, (B, H, W, 1): that of the keypoints nearby.

    On a rigid head every slot's flow is the same one as soon as the depth is right. A depth that a network learns
    from pictures alone is not (docs/lab), so none is learned.

    Args:
        points: x_d (B, K, 3).
        grid: (H, W, 2).
        present: (B, K), False for keypoints that are not known.
    """
    squared = (grid - points[:, :, None, None, :2]).square().sum(dim=-1)
    nearness = (-squared / (2 * DEPTH_VARIANCE)).masked_fill(~present[:, :, None, None], -torch.inf)
    shares = torch.softmax(nearness, dim=1).nan_to_num(0.0)  # no keypoint at all: depth 0
    return torch.einsum("bkhw,bk->bhw", shares, points[..., 2]).unsqueeze(-1)


def _full_precision(tensor: Tensor) -> torch.autocast:
    """Return a context in which products of coordinates stay float32 (see geometry/precision.py)."""
    return torch.autocast(tensor.device.type, enabled=False)


def _compose(masks: Tensor, grid: Tensor, linear: Tensor, offset: Tensor) -> tuple[Tensor, Tensor]:
    """Return w at depth 0 and dw/dz of the composite flow, each (B, 64, 64, 3).

    One linear part for all keypoints makes the sum over slots a sum of offsets.
    """
    still = masks[:, 0, :, :, None]
    flat = F.pad(grid, (0, 1))
    turned = torch.einsum("bij,hwj->bhwi", linear[..., :2], grid)
    moved = torch.einsum("bkhw,bki->bhwi", masks[:, 1:], offset)
    constant = still * flat + (1 - still) * turned + moved
    away = torch.tensor([0.0, 0.0, 1.0], device=grid.device)
    slope = still * away + (1 - still) * linear[:, None, None, :, 2]
    return constant, slope
