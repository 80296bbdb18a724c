"""The compact model's motion field estimator M.

The paper's M looks at a 3-D volume warped by every flow and predicts masks at every voxel. A head is a
surface: we predict masks per pixel, and one depth per pixel of the driving frame. The composite flow is then
known at every depth, so one small 2-D network serves both the volume and the visible surface.

    per slot: warped source features (4) + heat-map difference (1)  -> 5 x 21 = 105 channels at 64 x 64
    105 -> U-Net -> 21 mask logits, occlusion
    w(x, y, z) = m_0 (x, y, z) + sum_k m_k [A_k ((x, y, z) - x_d,k) + x_s,k]
    A_k = R_s R_d^-1 for keypoints of the head, 1 for those of the body, which does not turn with it

Where head and background meet, masks of 64 x 64 cells mix two motions and smear both. The field therefore also
says where a pixel would come from if it belonged to the head; the generator may choose per pixel (image.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facewire.geometry.grid import image_grid
from facewire.geometry.heatmap import gaussian_maps
from facewire.geometry.keypoints import Keypoints
from facewire.geometry.warp import resize_flow, warp_image
from facewire.networks.compact.head_surface import HeadSurface

SIZE = 64
"""Side of the field in cells."""
COMPRESSED = 4
STRETCHED, HELPS, SOFT = 0.3, 0.25, 0.06
"""Differences of cosines, between frame and source and between mirror image and source, from which on the mirror
image is shown; and how softly."""
LEAST = 0.15
"""Share below which it is not shown at all."""
EDGE = 0.06
"""Picture units within the border of the photo over which it fades out."""
VARIANCE = 0.005
"""Of the keypoint maps; half the paper's, because lids and lips lie close together."""


@dataclass(frozen=True, slots=True)
class SurfaceField:
    """Where every pixel of the driving frame comes from.

    masks      (B, K + 1, 64, 64)  slot weights, identity first, sum 1
    constant   (B, 64, 64, 3)      w at depth 0
    slope      (B, 64, 64, 3)      dw/dz, so that w(z) = constant + z slope
    depth      (B, 64, 64, 1)      of the visible surface in the driving frame
    head       (B, 64, 64, 2)      the flow if everything moved as the head's surface does
    occlusion  (B, 1, 64, 64)      1 where the source shows what the driving frame needs
    mirrored   (B, 64, 64, 2)      where the head's surface lies in the mirrored source, in coordinates of the source:
                                   for the half of a face that the source hides
    mirror     (B, 64, 64, 1)      where that is the better picture: the source hides the surface or shows it at a
                                   grazing angle, its mirror image does not; 0 to 1
    """

    masks: Tensor
    constant: Tensor
    slope: Tensor
    depth: Tensor
    head: Tensor
    occlusion: Tensor
    mirrored: Tensor
    mirror: Tensor

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

    turns: Tensor
    slots_turn: Tensor

    def __init__(
        self,
        keypoints: int,
        surface: HeadSurface,
        body: Sequence[int] = (),
        width: int = 32,
        mirrored: Sequence[int] = (),
    ) -> None:
        """Build the network.

        Args:
            keypoints: K.
            surface: where the head's surface lies, by its first keypoints.
            body: which keypoints do not turn with the head.
            width: channels at 64 x 64.
            mirrored: which keypoint lies where each does when the picture is mirrored; by default each its own.
        """
        super().__init__()
        self.keypoints = keypoints
        self.other_side = list(mirrored or range(keypoints))
        turns = torch.ones(keypoints, dtype=torch.bool)
        turns[list(body)] = False
        self.register_buffer("turns", turns, persistent=False)
        self.register_buffer("slots_turn", torch.cat((torch.tensor([False]), turns)), persistent=False)
        self.surface = surface
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
        open_slots = torch.cat((torch.ones_like(present[:, :1]), present), dim=1)
        grid = image_grid(SIZE, SIZE, device=compressed.device)
        with _full_precision(compressed):
            linear = source.jacobians[:, 0].float() @ driving.jacobians[:, 0].float().transpose(-1, -2)
            turned = driving.points @ linear.transpose(-1, -2)
            offset = source.points - torch.where(self.turns[:, None], turned, driving.points)
            mirror = torch.tensor([-1.0, 1.0, 1.0], device=grid.device)
            own = source.jacobians[:, 0].float()
            # The head of the mirrored picture is held like S R S, its keypoints are those of the other side.
            linear_back = (mirror[:, None] * own * mirror) @ driving.jacobians[:, 0].float().transpose(-1, -2)
            guided = self.surface.keypoints.shape[0]
            there = source.points[:, self.other_side[:guided]] * mirror
            offset_back = there - driving.points[:, :guided] @ linear_back.transpose(-1, -2)
            surface = self.surface(
                driving.points[:, :guided].float(),
                driving.jacobians[:, 0].float(),
                present[:, :guided],
                torch.cat((offset[:, :guided, :2], offset_back[..., :2]), dim=-1),
                SIZE,
                (own, own * mirror, driving.jacobians[:, 0].float()),
            )
            depth, carried = surface.depth, surface.carried
            plane = torch.einsum("bij,hwj->bhwi", linear[:, :2, :2], grid)
            head = plane + depth * linear[:, None, None, :2, 2] + carried[..., :2]
            back = torch.einsum("bij,hwj->bhwi", linear_back[:, :2, :2], grid)
            back = back + depth * linear_back[:, None, None, :2, 2] + carried[..., 2:]
            mirrored = back * mirror[:2]
            better = _better_mirrored(mirrored, surface.covered, *surface.facing.split(1, dim=-1))
            hints = self._hints(compressed.float(), grid, plane, linear, offset, source, driving, open_slots)
        features = self._network(hints.contiguous(memory_format=torch.channels_last))
        logits = self.masks(features).flatten(2).float()
        occlusion = torch.sigmoid(self.occlusion(features).float())
        closed = ~open_slots[:, :, None]
        masks = torch.softmax(logits.masked_fill(closed, -torch.inf), dim=1).unflatten(2, (SIZE, SIZE))
        with _full_precision(compressed):
            constant, slope = compose(masks, grid, linear, offset, self.turns)
        return SurfaceField(masks, constant, slope, depth, head, occlusion, mirrored, better)

    def _hints(
        self,
        compressed: Tensor,
        grid: Tensor,
        plane: Tensor,
        linear: Tensor,
        offset: Tensor,
        source: Keypoints,
        driving: Keypoints,
        present: Tensor,
    ) -> Tensor:
        """Return what the flow of every slot would show, and where its keypoint went: (B, 5 (K + 1), 64, 64)."""
        batch, slots = compressed.shape[0], self.keypoints + 1
        depth_shift = driving.points[..., 2:] * linear[:, None, :2, 2] * self.turns[:, None]
        shift, now, before = (
            F.pad(part, (0, 0, 1, 0))  # the first slot neither turns nor moves
            for part in (offset[..., :2] + depth_shift, driving.points[..., :2], source.points[..., :2])
        )
        turned = torch.where(self.slots_turn[:, None, None, None], plane[:, None], grid)
        flows = turned + shift[:, :, None, None]
        warped = warp_image(compressed, flows.reshape(batch, slots * SIZE, SIZE, 2))
        warped = warped.view(batch, COMPRESSED, slots, SIZE, SIZE) * present[:, None, :, None, None]
        maps = gaussian_maps(now, grid, VARIANCE) - gaussian_maps(before, grid, VARIANCE)
        return torch.cat((warped.flatten(1, 2), maps * present[:, :, None, None]), dim=1)

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


def _better_mirrored(
    flow: Tensor, covered: Tensor, in_source: Tensor, in_mirror: Tensor, in_frame: Tensor
) -> Tensor:
    """Return where the mirrored source shows the head's surface better, (B, H, W, 1) in [0, 1].

    A surface is stretched where the frame shows it from the front and the source from the side. Without a turn
    between them nothing is; and of a frontal source the mirror image shows no more than the source.

    Args:
        flow: (B, H, W, 2), where it is read; what lies outside of the photo is no help.
        covered: (B, H, W, 1), 1 on the head.
        in_source, in_mirror, in_frame: (B, H, W, 1), how far the surface faces the camera in each.
    """
    stretched = torch.sigmoid((in_frame - in_source - STRETCHED) / SOFT)
    helps = torch.sigmoid((in_mirror - in_source - HELPS) / SOFT)
    edge = 1 - flow.abs().amax(dim=-1, keepdim=True)
    better = stretched * helps * covered * (edge / EDGE).clamp(0, 1)
    return ((better - LEAST) / (1 - LEAST)).clamp(min=0)


def _full_precision(tensor: Tensor) -> torch.autocast:
    """Return a context in which products of coordinates stay float32 (see geometry/precision.py)."""
    return torch.autocast(tensor.device.type, enabled=False)


def compose(
    masks: Tensor, grid: Tensor, linear: Tensor, offset: Tensor, turns: Tensor
) -> tuple[Tensor, Tensor]:
    """Return w at depth 0 and dw/dz of the composite flow, each (B, 64, 64, 3).

    Two linear parts, A and 1, make the sum over slots a sum of offsets.
    """
    carried = torch.cat((offset, turns.to(offset.dtype).expand(len(offset), -1)[..., None]), dim=-1)
    summed = torch.einsum("bkhw,bki->bhwi", masks[:, 1:], carried)
    moved, turning = summed[..., :3], summed[..., 3:]
    still = 1 - turning
    flat = F.pad(grid, (0, 1))
    turned = torch.einsum("bij,hwj->bhwi", linear[..., :2], grid)
    constant = still * flat + turning * turned + moved
    away = torch.tensor([0.0, 0.0, 1.0], device=grid.device)
    slope = still * away + turning * linear[:, None, None, :, 2]
    return constant, slope
