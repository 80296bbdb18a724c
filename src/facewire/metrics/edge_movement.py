"""How far edges behind a head move when only the head should: shelves, panels and door frames have to stay.

    edges of the source picture outside of both persons -> a profile across each, in the source and in the made one
    -> the shift at which both agree best, with a parabola between steps

Its unit is a pixel of pictures 256 pixels wide. Where an edge is gone altogether there is some best shift, too.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from facewire.geometry.warp import warp_image
from facewire.metrics.metric import Metric

EDGE_MOVEMENT = Metric(
    name="edge-movement",
    title="movement of edges behind the head",
    unit="px of 256",
    better="lower",
    range=(0.0, None),
    source="shift across edges of the source picture outside of both persons' mattes, mean over pictures",
    note="pictures without edges behind the head are left out",
)

REACH = 6
"""Longest shift that is looked for, in pixels of 256."""
HALF_PROFILE = 4
"""Pixels of a profile to each side of its edge."""
LEAST_SLOPE = 0.04
"""Grey levels (of 1) a pixel from which a place counts as an edge."""
MARGIN = 9
"""Pixels around persons in which no edge is looked at: matte and hair are soft there."""
LEAST_EDGES = 50
"""Below that a picture has no background to speak of."""
AGREEMENT = 0.005
"""Mean difference of profiles, in grey levels, by which a shift of a pixel or more must be better than none."""


def edge_movement(source: Tensor, made: Tensor, persons: Tensor) -> float | None:
    """Return the mean shift across edges of the background in pixels of 256; None where there are too few edges.

    Args:
        source: (3, S, S) RGB in [0, 1].
        made: (3, S, S), the same scene with its head in another motion.
        persons: (1, S, S) in [0, 1], the larger of both pictures' mattes.
    """
    size = source.shape[-1]
    grey, grey_made = (picture.mean(dim=0)[None, None] for picture in (source, made))
    across, down = _slopes(grey)
    slope = torch.hypot(across, down)
    free = F.max_pool2d(persons[None], 2 * MARGIN + 1, stride=1, padding=MARGIN) < 0.05
    inner = torch.zeros_like(free)
    border = REACH + HALF_PROFILE + 1
    inner[..., border:-border, border:-border] = True
    rows, columns = torch.nonzero((slope > LEAST_SLOPE) & free & inner)[:, 2:].unbind(dim=1)
    if len(rows) < LEAST_EDGES:
        return None
    normal = torch.stack((across[0, 0, rows, columns], down[0, 0, rows, columns]), dim=1)
    normal = normal / normal.norm(dim=1, keepdim=True)
    steps = torch.arange(-HALF_PROFILE, HALF_PROFILE + 1.0)
    shifts = torch.arange(-REACH, REACH + 1.0)
    places = torch.stack((columns, rows), dim=1).float()
    before = _read(grey, places[:, None] + steps[:, None] * normal[:, None])
    offsets = (shifts[:, None] + steps).flatten()[:, None]
    after = _read(grey_made, places[:, None] + offsets * normal[:, None]).unflatten(
        1, (len(shifts), len(steps))
    )
    cost = (after - before[:, None]).abs().mean(dim=2)
    return float(_least(cost, shifts).abs().mean()) * 256 / size


def _slopes(grey: Tensor) -> tuple[Tensor, Tensor]:
    """Return the slopes to the right and down of (1, 1, H, W), over a little smoothing."""
    kernel = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]) / 8
    padded = F.pad(grey, (1, 1, 1, 1), mode="replicate")
    return F.conv2d(padded, kernel[None, None]), F.conv2d(padded, kernel.T[None, None])


def _read(grey: Tensor, places: Tensor) -> Tensor:
    """Return the grey levels at places (N, P, 2) in pixels, (N, P)."""
    size = grey.shape[-1]
    return warp_image(grey, (2 * places / (size - 1) - 1)[None])[0, 0]


def _least(cost: Tensor, shifts: Tensor) -> Tensor:
    """Return the shift of least cost (N, S), refined by a parabola; 0 where it is hardly better than none."""
    best = cost.argmin(dim=1).clamp(1, len(shifts) - 2)
    left, middle, right = (cost.gather(1, (best + step)[:, None])[:, 0] for step in (-1, 0, 1))
    bend = (left + right - 2 * middle).clamp_min(1e-6)
    refined = shifts[best] + ((left - right) / (2 * bend)).clamp(-1, 1)
    moved = cost[:, len(shifts) // 2] > middle + AGREEMENT
    return torch.where(moved | (refined.abs() < 1), refined, 0.0)
