"""Gaussian maps."""

from __future__ import annotations

import math

import pytest
import torch

from facewire.geometry.grid import image_grid, volume_grid
from facewire.geometry.heatmap import VARIANCE, gaussian_maps


def test_value_and_place_of_the_peak() -> None:
    points = torch.tensor([[[0.0, 0.5, -1.0]]])
    maps = gaussian_maps(points, volume_grid(3, 5, 3))
    assert maps.shape == (1, 1, 3, 5, 3)
    assert maps[0, 0, 0, 3, 1] == 1
    assert maps.argmax() == (0 * 5 + 3) * 3 + 1


def test_value_at_a_distance_by_hand() -> None:
    grid = torch.tensor([0.1, 0.0]).view(1, 1, 2)
    value = gaussian_maps(torch.zeros(1, 1, 2), grid).item()
    assert value == pytest.approx(math.exp(-0.5 * 0.1**2 / VARIANCE))
    wide = gaussian_maps(torch.zeros(1, 1, 2), grid, variance=0.1).item()
    assert wide == pytest.approx(math.exp(-0.05))


def test_gradient() -> None:
    points = torch.tensor([[[0.1, 0.2], [-0.3, 0.4]]], dtype=torch.float64, requires_grad=True)
    grid = image_grid(3, 4, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda p: gaussian_maps(p, grid, 0.2), points)
