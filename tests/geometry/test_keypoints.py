"""Keypoints: placing, expectation over heat maps, shapes."""

from __future__ import annotations

import pytest
import torch

from facewire.base.errors import ShapeError
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.heatmap import expected_points, spatial_softmax
from facewire.geometry.keypoints import (
    CanonicalKeypoints,
    Keypoints,
    place,
)
from facewire.geometry.pose import orthonormal, rotation_from_degrees


def test_placing_by_hand() -> None:
    canonical = CanonicalKeypoints(torch.tensor([[[0.0, 0.0, -0.5], [0.2, 0.0, 0.0]]]))
    motion = HeadMotion(
        rotation_from_degrees(90, 0, 0)[None],
        torch.tensor([[0.1, 0.2, 0.3]]),
        torch.tensor([[[0.0, 0.01, 0.0], [0.0, 0.0, 0.0]]]),
    )
    placed = place(canonical, motion)
    # Yaw by 90 degrees: near (-z) goes right (+x), right goes far (+z).
    expected = torch.tensor([[[0.6, 0.21, 0.3], [0.1, 0.2, 0.5]]])
    torch.testing.assert_close(placed.points, expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(placed.jacobians[0, 1], motion.rotation[0])


def test_jacobians_turn_with_the_head() -> None:
    generator = torch.Generator().manual_seed(0)
    own = torch.randn(1, 2, 3, 3, generator=generator)
    rotation = rotation_from_degrees(10, 20, 30)[None]
    motion = HeadMotion(rotation, torch.zeros(1, 3), torch.zeros(1, 2, 3))
    placed = place(CanonicalKeypoints(torch.zeros(1, 2, 3), own), motion)
    torch.testing.assert_close(placed.jacobians, rotation @ own)


def test_placing_has_the_right_gradient() -> None:
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()

    def placed(
        points: torch.Tensor, jacobians: torch.Tensor, columns: torch.Tensor, t: torch.Tensor, d: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        result = place(CanonicalKeypoints(points, jacobians), HeadMotion(orthonormal(columns), t, d))
        return result.points, result.jacobians

    inputs = (draw(2, 3, 3), draw(2, 3, 3, 3), draw(2, 6), draw(2, 3), draw(2, 3, 3))
    assert torch.autograd.gradcheck(placed, inputs)


def test_shapes_are_checked() -> None:
    with pytest.raises(ShapeError, match="points"):
        Keypoints(torch.zeros(2, 4, 2), torch.zeros(2, 4, 2, 3))
    with pytest.raises(ShapeError, match="jacobians"):
        Keypoints(torch.zeros(2, 4, 3), torch.zeros(2, 4, 3))


def test_the_first_keypoints_are_kept() -> None:
    points = torch.arange(12.0).view(1, 4, 3)
    kept = Keypoints(points, torch.zeros(1, 4, 3, 3)).kept(2)
    assert kept.points.tolist() == [[[0, 1, 2], [3, 4, 5]]]
    assert kept.jacobians.shape == (1, 2, 3, 3)


def test_one_person_expands_to_many_frames() -> None:
    many = CanonicalKeypoints(torch.zeros(1, 4, 3), torch.zeros(1, 4, 3, 3)).expand(6)
    assert many.points.shape == (6, 4, 3)
    assert many.jacobians is not None
    assert many.jacobians.shape == (6, 4, 3, 3)
    assert CanonicalKeypoints(torch.zeros(1, 4, 3)).expand(6).jacobians is None


def test_all_weight_on_one_cell_gives_its_coordinates() -> None:
    heatmap = torch.zeros(1, 2, 3, 3, 5)
    heatmap[0, 0, 0, 2, 1] = 1  # z first, y last, x second of five
    heatmap[0, 1, 2, 1, 4] = 1
    assert expected_points(heatmap).tolist() == [[[-0.5, 1, -1], [1, 0, 1]]]


def test_two_cells_share_by_weight() -> None:
    heatmap = torch.zeros(1, 1, 1, 1, 2)
    heatmap[0, 0, 0, 0] = torch.tensor([0.25, 0.75])
    assert expected_points(heatmap).tolist() == [[[0.5, 0, 0]]]


def test_even_weight_gives_the_middle() -> None:
    points = expected_points(spatial_softmax(torch.zeros(2, 3, 4, 6, 8)))
    assert points.abs().max() < 1e-6


def test_expected_points_have_the_right_gradient() -> None:
    heatmap = torch.rand(1, 2, 2, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.autograd.gradcheck(expected_points, heatmap.requires_grad_())


def test_spatial_softmax_by_hand() -> None:
    logits = torch.tensor([0.0, 0.1]).view(1, 1, 1, 1, 2)
    weights = spatial_softmax(logits, temperature=0.1).flatten()
    torch.testing.assert_close(weights, torch.tensor([1.0, 2.718281828]) / 3.718281828)
