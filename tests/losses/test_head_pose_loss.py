"""Head pose term by hand."""

from __future__ import annotations

import math

import pytest
import torch

from facewire.geometry.pose import rotation_from_angles, rotation_from_degrees
from facewire.losses.head_pose import head_pose


def _teacher(*degrees: float) -> torch.Tensor:
    return torch.tensor([[math.radians(angle) for angle in degrees]])


def test_difference_in_degrees_by_hand() -> None:
    rotation = rotation_from_degrees(20, -10, 5)[None]
    assert head_pose(rotation, _teacher(20, -10, 5)).item() == pytest.approx(0, abs=1e-4)
    assert head_pose(rotation, _teacher(17, -12, 9)).item() == pytest.approx(3 + 2 + 4, abs=1e-3)


def test_heads_are_averaged() -> None:
    rotation = torch.eye(3).expand(2, 3, 3)
    teacher = torch.cat((_teacher(0, 0, 0), _teacher(0, 6, 0)))
    assert head_pose(rotation, teacher).item() == pytest.approx(3, abs=1e-4)


def test_the_gradient_turns_towards_the_teacher() -> None:
    angles = torch.tensor([[0.1, 0.2, 0.3]], requires_grad=True)
    loss = head_pose(rotation_from_angles(*angles.unbind(-1)), torch.tensor([[0.2, 0.1, 0.4]]))
    (gradient,) = torch.autograd.grad(loss, angles)
    assert gradient.sign().tolist() == [[-1, 1, -1]]
    torch.testing.assert_close(gradient.abs(), torch.full((1, 3), math.degrees(1)), atol=0.01, rtol=0)
