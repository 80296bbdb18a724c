"""Equivariance: zero where keypoints follow the picture exactly."""

from __future__ import annotations

import pytest
import torch

from facewire.geometry.keypoints import Keypoints
from facewire.geometry.transform import PlaneTransform, random_transform
from facewire.losses.equivariance import jacobian_equivariance, keypoint_equivariance


def _keypoints(seed: int = 0, batch: int = 2) -> Keypoints:
    generator = torch.Generator().manual_seed(seed)
    points = torch.rand(batch, 4, 3, generator=generator) - 0.5
    return Keypoints(points, torch.eye(3) + 0.3 * torch.randn(batch, 4, 3, 3, generator=generator))


def _still(batch: int = 2) -> PlaneTransform:
    return random_transform(batch, torch.Generator(), sigma_affine=0.0, sigma_tps=0.0)


def _shift(by: float) -> PlaneTransform:
    affine = torch.tensor([[[1.0, 0.0, by], [0.0, 1.0, 0.0]]])
    return PlaneTransform(affine, torch.zeros(1, 2), torch.zeros(1, 1))


def _followed(found: Keypoints, transform: PlaneTransform) -> Keypoints:
    """Return the keypoints of the original picture, if they follow T exactly."""
    points, jacobians = found.points.clone(), found.jacobians.clone()
    points[..., :2] = transform.points(found.points[..., :2])
    slope = transform.jacobians(found.points[..., :2])
    jacobians[..., :2, :2] = slope @ found.jacobians[..., :2, :2]
    return Keypoints(points, jacobians)


def test_nothing_is_lost_where_nothing_moves() -> None:
    same = _keypoints()
    assert keypoint_equivariance(same, same, _still()).item() == 0
    assert jacobian_equivariance(same, same, _still()).item() == pytest.approx(0, abs=1e-6)


def test_keypoints_that_follow_are_perfect() -> None:
    transform = random_transform(2, torch.Generator().manual_seed(1), sigma_affine=0.2, sigma_tps=0.05)
    found = _keypoints()
    driving = _followed(found, transform)
    assert keypoint_equivariance(driving, found, transform).item() == pytest.approx(0, abs=1e-6)
    assert jacobian_equivariance(driving, found, transform).item() == pytest.approx(0, abs=1e-5)
    assert keypoint_equivariance(found, found, transform).item() > 0.01
    assert jacobian_equivariance(found, found, transform).item() > 0.01


def test_a_missed_shift_by_hand() -> None:
    same = _keypoints(batch=1)
    # off by 0.3 in x, right in y: mean over both coordinates
    assert keypoint_equivariance(same, same, _shift(0.3)).item() == pytest.approx(0.15)
    assert jacobian_equivariance(same, same, _shift(0.3)).item() == pytest.approx(0, abs=1e-6)


def test_depth_does_not_matter() -> None:
    same = _keypoints()
    deeper = Keypoints(same.points + torch.tensor([0.0, 0.0, 0.5]), same.jacobians)
    assert keypoint_equivariance(deeper, same, _still()).item() == 0


def test_the_gradient_pulls_towards_the_image_of_the_point() -> None:
    same = _keypoints(batch=1)
    points = same.points.clone().requires_grad_()
    loss = keypoint_equivariance(Keypoints(points, same.jacobians), same, _shift(0.3))
    (gradient,) = torch.autograd.grad(loss, points)
    assert gradient[..., 0].max() < 0  # T puts it further right, so going right helps
    assert gradient[..., 1:].abs().max() == 0


def test_a_jacobian_of_twice_the_size_by_hand() -> None:
    eye = torch.eye(3).expand(1, 4, 3, 3)
    points = torch.zeros(1, 4, 3)
    # |1 - 2| on two of four numbers
    loss = jacobian_equivariance(Keypoints(points, eye), Keypoints(points, 2 * eye), _still(1))
    assert loss.item() == pytest.approx(0.5)


def test_a_singular_jacobian_gives_a_finite_loss() -> None:
    flat = Keypoints(torch.zeros(1, 4, 3), torch.zeros(1, 4, 3, 3).requires_grad_())
    loss = jacobian_equivariance(flat, _keypoints(batch=1), _still(1))
    (gradient,) = torch.autograd.grad(loss, flat.jacobians)
    assert torch.isfinite(loss)
    assert torch.isfinite(gradient).all()
