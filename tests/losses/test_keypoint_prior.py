"""Keypoint prior by hand."""

from __future__ import annotations

import pytest
import torch

from facewire.losses.keypoint_prior import DEPTH, SPREAD, keypoint_prior


def test_the_constants_of_the_paper() -> None:
    assert SPREAD == 0.1
    assert DEPTH == 0.33


def test_one_keypoint_has_no_neighbour() -> None:
    """The diagonal would add D_t for every keypoint."""
    assert keypoint_prior(torch.tensor([[[0.5, 0.5, DEPTH]]])).item() == 0


def test_two_close_keypoints_by_hand() -> None:
    points = torch.tensor([[[0.0, 0.0, DEPTH], [0.1, 0.2, DEPTH]]])
    # squared distance 0.05; two ordered pairs
    assert keypoint_prior(points).item() == pytest.approx(2 * (0.1 - 0.05), abs=1e-6)


def test_keypoints_far_apart_and_at_depth_are_perfect() -> None:
    points = torch.tensor([[[-0.5, 0.0, DEPTH - 0.1], [0.5, 0.0, DEPTH + 0.1]]])
    assert keypoint_prior(points).item() == pytest.approx(0, abs=1e-6)


def test_mean_depth_by_hand() -> None:
    points = torch.tensor([[[-0.5, 0.0, 0.0], [0.5, 0.0, 0.5]]])
    assert keypoint_prior(points).item() == pytest.approx(abs(0.25 - 0.33))


def test_heads_are_averaged() -> None:
    near, far = torch.tensor([[0.0, 0.0, DEPTH]] * 2), torch.tensor([[-1.0, 0, DEPTH], [1.0, 0, DEPTH]])
    assert keypoint_prior(torch.stack((near, far))).item() == pytest.approx(0.2 / 2)


def test_close_keypoints_repel_each_other() -> None:
    points = torch.tensor([[[0.0, 0.0, DEPTH], [0.1, 0.0, DEPTH]]], requires_grad=True)
    (gradient,) = torch.autograd.grad(keypoint_prior(points), points)
    assert gradient[0, 0, 0] > 0 > gradient[0, 1, 0]
