"""Shifts of known size, and what must not count."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from facewire.geometry.grid import image_grid
from facewire.geometry.warp import warp_image
from facewire.metrics.edge_movement import REACH, edge_movement

SIZE = 256


def _wall() -> torch.Tensor:
    """Return a wall with panels, lines across and down, a little soft as photographs are."""
    rows, columns = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    panels = ((rows // 37) + (columns // 41)) % 2
    return F.avg_pool2d(0.3 + 0.4 * panels.float()[None, None], 3, 1, 1)[0].expand(3, -1, -1)


def _nobody() -> torch.Tensor:
    return torch.zeros(1, SIZE, SIZE)


def _shifted(pixels: float) -> torch.Tensor:
    flow = image_grid(SIZE, SIZE)[None] + torch.full((2,), 2 * pixels / (SIZE - 1))
    return warp_image(_wall()[None], flow)[0]


@pytest.mark.parametrize("pixels", [0.0, 0.5, 1.0, 2.5, 4.0])
def test_a_shift_is_measured_in_pixels(pixels: float) -> None:
    assert edge_movement(_wall(), _shifted(pixels), _nobody()) == pytest.approx(pixels, abs=0.15)


def test_light_is_no_movement_and_a_bend_is_its_mean() -> None:
    still = edge_movement(_wall(), _wall() + 0.01, _nobody())
    assert still is not None
    assert still < 0.1
    grid = image_grid(SIZE, SIZE)
    bend = grid + 2 * 2 / (SIZE - 1) * torch.sin(4 * grid.flip(-1))
    bent = edge_movement(_wall(), warp_image(_wall()[None], bend[None])[0], _nobody())
    assert bent is not None
    assert 0.7 < bent < 1.8  # 2 px at most, mean of a sine 1.3


def test_what_persons_cover_does_not_count() -> None:
    made = _wall().clone()
    made[:, 60:, 80:180] = _shifted(3.0)[:, 60:, 80:180]
    persons = _nobody()
    persons[:, 60:, 80:180] = 1
    assert edge_movement(_wall(), made, persons) == pytest.approx(0, abs=0.05)
    moved = edge_movement(_wall(), made, _nobody())
    assert moved is not None
    assert 0.2 < moved < REACH
    assert edge_movement(_wall() * 0 + 0.5, made, persons) is None
    assert edge_movement(_wall(), made, torch.ones(1, SIZE, SIZE)) is None
