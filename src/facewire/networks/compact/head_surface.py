"""The visible surface of a head: how deep it lies in every cell, and which keypoints it moves with.

Keypoints alone are too few for that: between them depth is a guess, and a wrong depth halves the turn that the
receiver sees (docs/lab). A mean head (mean_head.py) fills the gaps. Its points follow the keypoints of the person and
the expression, turn with the head and count where they face the camera. Nothing here is learned or sent.

    p = R (a - S x_mean) + S x_d        points of the mean head a, each tied to the keypoints nearby by S
    share of a cell ~ exp(-d^2 / 2 sigma^2 - gamma p_z) sigmoid(-beta n_z)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facewire.geometry.grid import axis_line
from facewire.geometry.warp import resize_flow
from facewire.networks.compact.mean_head import mean_head

COARSE = 32
"""Cells along a side; the surface is smooth."""
VARIANCE = 0.0015
"""Of a point's reach, in squared picture units; points are 0.1 apart."""
NEARER = 8.0
"""How much nearer points hide those behind them: gamma, per picture unit of depth."""
FACING = 10.0
"""How sharply points that look away lose their share."""
NEAR = 20.0
"""The reach of the nearest point, times this, is 1 everywhere between points: there the head covers a cell."""


class VisibleSurface(NamedTuple):
    """What of a head is seen in every cell.

    depth    (B, side, side, 1)
    carried  (B, side, side, C)  values of the keypoints that it moves with
    covered  (B, side, side, 1)  1 on the head, falling to 0 beside it
    facing   (B, side, side, V)  how far it faces the camera of other pictures, the cosine of its angle
    """

    depth: Tensor
    carried: Tensor
    covered: Tensor
    facing: Tensor


class HeadSurface(nn.Module):
    """A mean head that follows the keypoints of a person."""

    points: Tensor
    normals: Tensor
    keypoints: Tensor
    ties: Tensor

    def __init__(self, keypoints: Sequence[tuple[float, float, float]], unit: float) -> None:
        """Tie the mean head to keypoints.

        Args:
            keypoints: G places on the mean head, in centimetres.
            unit: picture units per centimetre.
        """
        super().__init__()
        for name, constant in mean_head(keypoints, unit)._asdict().items():
            self.register_buffer(name, torch.tensor(constant), persistent=False)

    def forward(
        self,
        driving: Tensor,
        rotation: Tensor,
        present: Tensor,
        values: Tensor,
        side: int,
        views: Sequence[Tensor] = (),
    ) -> VisibleSurface:
        """Return the visible surface.

        Args:
            driving: x_d (B, G, 3).
            rotation: R_d (B, 3, 3).
            present: (B, G), False for keypoints that are not known; without any the depth is 0.
            values: (B, G, C), what every keypoint carries.
            side: cells along a side of the result.
            views: V rotations (B, 3, 3) of the head in other pictures.
        """
        ties = self.ties * present[:, None]
        ties = ties / ties.sum(dim=-1, keepdim=True).clamp_min(1e-12)
        points = (self.points - ties @ self.keypoints) @ rotation.transpose(-1, -2) + ties @ driving
        away = (self.normals @ rotation.transpose(-1, -2))[..., 2]
        line = axis_line(COARSE, driving.device, driving.dtype)
        across, down = ((line - points[..., i, None]).square() / (2 * VARIANCE) for i in range(2))
        seen = F.logsigmoid(-FACING * away) - NEARER * points[..., 2]
        logits = (seen[..., None] - across)[:, :, None] - down[..., None]
        shares = torch.softmax(logits, dim=1)
        facing = [-self.normals @ view[:, 2, :, None] for view in views]
        known = present.any(dim=1)[:, None, None]
        carried = torch.cat((points[..., 2:], ties @ values, *facing), dim=-1) * known
        mixed = torch.einsum("bahw,bac->bhwc", shares, carried)
        near = (across[:, :, None] + down[..., None]).amin(dim=1)
        covered = (NEAR * torch.exp(-near)).clamp(max=1)[..., None] * known[..., None]
        mixed = resize_flow(torch.cat((mixed, covered), dim=-1), side, side)
        depth, found, cosines, covered = mixed.split((1, values.shape[-1], len(views), 1), dim=-1)
        return VisibleSurface(depth, found, covered, cosines)
