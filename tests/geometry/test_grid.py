"""Identity grids."""

from __future__ import annotations

import torch

from facewire.geometry.grid import from_fractions, image_grid, volume_grid


def test_corners_of_a_picture() -> None:
    grid = image_grid(3, 5)
    assert grid.shape == (3, 5, 2)
    assert grid[0, 0].tolist() == [-1, -1]
    assert grid[0, 4].tolist() == [1, -1]  # right: x
    assert grid[2, 0].tolist() == [-1, 1]  # bottom: y
    assert grid[1, 2].tolist() == [0, 0]
    assert grid[0, 1].tolist() == [-0.5, -1]


def test_corners_of_a_volume() -> None:
    grid = volume_grid(2, 3, 5)
    assert grid.shape == (2, 3, 5, 3)
    assert grid[0, 0, 0].tolist() == [-1, -1, -1]
    assert grid[1, 0, 0].tolist() == [-1, -1, 1]  # far: z
    assert grid[0, 2, 0].tolist() == [-1, 1, -1]
    assert grid[0, 0, 4].tolist() == [1, -1, -1]


def test_a_single_cell_lies_in_the_middle() -> None:
    assert image_grid(1, 1).tolist() == [[[0, 0]]]
    assert volume_grid(1, 2, 1)[..., 2].flatten().tolist() == [0, 0]


def test_type_is_as_asked() -> None:
    assert volume_grid(2, 2, 2, dtype=torch.float64).dtype == torch.float64


def test_shares_of_a_picture_become_coordinates() -> None:
    centres_of_the_corner_pixels = torch.tensor([[0.5 / 8, 0.5 / 4], [7.5 / 8, 3.5 / 4], [0.5, 0.5]])
    expected = torch.tensor([[-1.0, -1.0], [1.0, 1.0], [0.0, 0.0]])
    torch.testing.assert_close(from_fractions(centres_of_the_corner_pixels, 4, 8), expected)


def test_shares_of_a_single_pixel_are_finite() -> None:
    assert torch.isfinite(from_fractions(torch.tensor([[0.0, 1.0]]), 1, 1)).all()
