"""Where mouth and eyes stand open: maps that tell the generator what no source picture can show it.

A flow leads from every pixel between parted lips to the closed lips of the source; warped, they look like stretched
lips, and nothing says that teeth belong there. The keypoints of lips, lids and irises do say it. Nothing here is
learned or sent.

    an opening lies between two parabolas through its corners and its two lips:  y_u (1 - s^2) < y < y_l (1 - s^2)

Channels: mouth open, how deep in it (-1 upper lip, 1 lower lip), how much of it the source does not show; eyes open,
irises in them, how much of them the source does not show. 0 everywhere for a closed mouth, closed eyes, and for
openings whose keypoints are not present.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from facewire.geometry.grid import image_grid
from facewire.geometry.keypoints import CanonicalKeypoints, Keypoints
from facewire.networks.compact.guides import EYES, MEAN_IRISES, number_of

CHANNELS = 6
OPEN_MOUTH, NEW_MOUTH, OPEN_EYES, NEW_EYES = 0, 2, 3, 5
"""The channels of what is open, and of what of it the source does not show."""
SIDE = 128
"""Of the maps, in cells."""
EDGE = 0.02
"""Picture units over which an opening begins, about two and a half pixels of 256."""
INNER = 0.9
"""Width of the inner mouth, as a share of that between its outer corners."""
EYE_HALF_WIDTH = 1.45
IRIS_RADIUS = 0.62
"""In centimetres."""

EYE_SLANT = math.sin(math.radians(25)), math.cos(math.radians(25))
"""How far to its side, and how far forward, an eye of a head that looks straight ahead is turned."""
AWAY = 0.12, 0.28
"""By how much less an eye faces the camera than in the source, in cosines: from where, and from where entirely, it is
one that turns away."""
AROUND_EYE = 2.6, 2.2
"""Half width, of an eye seen from the front, and half height of what lies around an eye, in centimetres."""
AS_OPEN = (0.5, 0.8), (2.0, 1.5)
"""Shares of its opening in the source between which an eye begins to be as open as there, and ceases to be."""


LIPS = (number_of("upper lip"), number_of("lower lip"))
CORNERS = (number_of("mouth corner, image left"), number_of("mouth corner, image right"))


@dataclass(frozen=True, slots=True)
class _Opening:
    """Two corners, and two lips between them: each (B, 2)."""

    left: Tensor
    right: Tensor
    upper: Tensor
    lower: Tensor

    def gap(self) -> Tensor:
        """Return how far the lips are apart, (B, 1, 1)."""
        upper, lower = self._heights()
        return (lower - upper).clamp_min(0)

    def depth(self, grid: Tensor) -> tuple[Tensor, Tensor]:
        """Return how open every cell is, 0 to 1, and how far down in the opening it lies, -1 to 1: (B, H, W)."""
        s, v = self._places(grid)
        upper, lower = self._heights()
        bow = (1 - s * s).clamp_min(0)
        top, bottom = upper * bow, lower * bow
        inside = (torch.minimum(v - top, bottom - v) / EDGE).clamp(0, 1)
        height = (2 * v - top - bottom) / (bottom - top).clamp_min(EDGE)
        return inside, height.clamp(-1, 1)

    def distance(self, grid: Tensor, widths: float, height: Tensor) -> Tensor:
        """Return the square of how far every cell is from the middle, (B, H, W); 1 on an ellipse around it.

        Args:
            widths: half of the ellipse's width, in half widths of the opening.
            height: half of its height, (B, 1, 1).
        """
        s, v = self._places(grid)
        return (s / widths).square() + (v / height).square()

    def _places(self, grid: Tensor) -> tuple[Tensor, Tensor]:
        """Return how far every cell lies along the opening, -1 to 1 between the corners, and below: (B, H, W)."""
        middle, along, half = self._frame()
        x, y = (grid[..., i] - middle[:, i, None, None] for i in range(2))
        right, down = (along[:, i, None, None] for i in range(2))
        return (x * right + y * down) / half, y * right - x * down

    def _frame(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return the middle (B, 2), the direction (B, 2) and half of the width (B, 1, 1)."""
        across = self.right - self.left
        width = across.square().sum(dim=-1, keepdim=True).clamp_min(1e-8).sqrt()
        return (self.left + self.right) / 2, across / width, width[:, :, None] / 2

    def _heights(self) -> tuple[Tensor, Tensor]:
        """Return how far below the line between the corners the lips are, (B, 1, 1) each."""
        middle, along, _ = self._frame()
        down = torch.stack((-along[:, 1], along[:, 0]), dim=-1)
        upper, lower = (((lip - middle) * down).sum(dim=-1) for lip in (self.upper, self.lower))
        return upper[:, None, None], lower[:, None, None]


def opening_maps(
    canonical: CanonicalKeypoints, source: Keypoints, driving: Keypoints, kept: Tensor
) -> Tensor:
    """Return the maps of B heads, (B, 6, 128, 128) in [-1, 1].

    Args:
        canonical: of the person, for the size of the eyes.
        source, driving: posed keypoints.
        kept: (B,) how many of the ordered keypoints are present.
    """
    grid = image_grid(SIDE, SIDE, device=driving.points.device)
    size = _centimetre(canonical)
    mouth = _mouth(driving)
    inside, height = mouth.depth(grid)
    inside = inside * (kept > max(*LIPS, *CORNERS))[:, None, None]
    maps = [inside, inside * height, inside * _news(_mouth(source), mouth)]
    open_, irises, news = [], [], []
    for lids in EYES:
        eye = _eye(driving, lids, size)
        inside = eye.depth(grid)[0] * (kept > max(lids))[:, None, None]
        iris = driving.points[:, lids[2], :2]
        x, y = (grid[..., i] - iris[:, i, None, None] for i in range(2))
        distance = (x * x + y * y).clamp_min(1e-8).sqrt()
        disc = ((IRIS_RADIUS * size[:, :, None] - distance) / EDGE + 0.5).clamp(0, 1)
        open_.append(inside)
        irises.append(inside * disc)
        news.append(inside * _news(_eye(source, lids, size), eye))
    maps += [left + right for left, right in (open_, irises, news)]
    return torch.stack(maps, dim=1)


def eyes_turning_away(
    canonical: CanonicalKeypoints, source: Keypoints, driving: Keypoints, kept: Tensor
) -> Tensor:
    """Return what lies around eyes that the source shows better than the frame has to, (B, 1, 128, 128) in [0, 1].

    An eye on the far side of a head that turns away is in the source, wider than it is wanted and as open; lids that
    close or open are not. Arguments as those of `opening_maps`.
    """
    grid = image_grid(SIDE, SIDE, device=driving.points.device)
    size = _centimetre(canonical)
    found = torch.zeros_like(grid[..., 0])
    for side, lids in zip((1, -1), EYES, strict=True):
        before, now = (_eye(head, lids, size) for head in (source, driving))
        gone = _facing(source, side) - _facing(driving, side)
        open_ = now.gap() / before.gap().clamp_min(EDGE / 4)
        share = _rise(gone, AWAY) * _rise(open_, AS_OPEN[0]) * _rise(open_, AS_OPEN[1])
        around = now.distance(grid, AROUND_EYE[0] / EYE_HALF_WIDTH, AROUND_EYE[1] * size[:, :, None])
        near = _rise(around, (1.0, 0.5))
        found = found + near * share * (kept > max(lids))[:, None, None]
    return found.clamp_max(1)[:, None]


def _facing(head: Keypoints, side: int) -> Tensor:
    """Return how much an eye faces the camera, a cosine, (B, 1, 1); 1 is the one on the left of the picture."""
    aside, forward = EYE_SLANT
    towards = head.jacobians[:, 0, 2]
    facing: Tensor = side * aside * towards[:, 0] + forward * towards[:, 2]
    return facing[:, None, None]


def _rise(values: Tensor, ends: tuple[float, float]) -> Tensor:
    """Return 0 at the first end, 1 at the second, and a straight line between them."""
    return ((values - ends[0]) / (ends[1] - ends[0])).clamp(0, 1)


def _centimetre(canonical: CanonicalKeypoints) -> Tensor:
    """Return how long a centimetre of the person is in picture units, (B, 1)."""
    left, right = (canonical.points[:, lids[2]] for lids in EYES)
    apart: Tensor = (right - left).norm(dim=-1)
    return apart[:, None] / MEAN_IRISES


def _news(before: _Opening, now: _Opening) -> Tensor:
    """Return which share of an opening was not open before, (B, 1, 1)."""
    return (1 - before.gap() / now.gap().clamp_min(EDGE / 4)).clamp(0, 1)


def _mouth(head: Keypoints) -> _Opening:
    upper, lower, left, right = (head.points[:, number, :2] for number in (*LIPS, *CORNERS))
    middle, half = (left + right) / 2, INNER * (right - left) / 2
    return _Opening(middle - half, middle + half, upper, lower)


def _eye(head: Keypoints, lids: tuple[int, ...], size: Tensor) -> _Opening:
    """Return an eye; its corners, which no keypoint is tied to, lie beside the middle of its lids."""
    upper, lower = (head.points[:, number, :2] for number in lids[:2])
    half = EYE_HALF_WIDTH * size * head.jacobians[:, 0, :2, 0]
    middle = (upper + lower) / 2
    return _Opening(middle - half, middle + half, upper, lower)
