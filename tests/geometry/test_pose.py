"""Rotations: signs by hand, SciPy as oracle, gradients, and the class decoder."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from torch import Tensor

from facewire.geometry.pose import (
    BINS,
    angles_from_bins,
    angles_from_rotation,
    orthonormal,
    powered,
    rotation_from_angles,
    rotation_from_degrees,
)

ANGLE = math.radians(30)
SIN, COS = 0.5, math.sqrt(3) / 2
NOSE = torch.tensor([0.0, 0.0, -1.0])
NONE = torch.tensor(0.0)

angle = st.floats(-1.5, 1.5)
any_angle = st.floats(-3.1, 3.1)


def _double(*values: float) -> list[Tensor]:
    return [torch.tensor(value, dtype=torch.float64) for value in values]


def test_positive_yaw_turns_the_nose_to_the_right_of_the_image() -> None:
    turned = rotation_from_angles(torch.tensor(ANGLE), NONE, NONE) @ NOSE
    torch.testing.assert_close(turned, torch.tensor([SIN, 0.0, -COS]))


def test_positive_pitch_raises_the_nose() -> None:
    turned = rotation_from_angles(NONE, torch.tensor(ANGLE), NONE) @ NOSE
    torch.testing.assert_close(turned, torch.tensor([0.0, -SIN, -COS]))


def test_positive_roll_tilts_clockwise_in_the_image() -> None:
    ear = torch.tensor([1.0, 0.0, 0.0])
    turned = rotation_from_angles(NONE, NONE, torch.tensor(ANGLE)) @ ear
    torch.testing.assert_close(turned, torch.tensor([COS, SIN, 0.0]))


def test_roll_is_applied_first_and_pitch_last() -> None:
    quarter = torch.tensor(math.pi / 2)
    up = torch.tensor([0.0, -1.0, 0.0])
    # Roll brings up to the right (1, 0, 0); yaw by 90 degrees brings right to the far side (0, 0, 1);
    # pitch by 90 degrees, which brings near to up, brings far to down (0, 1, 0).
    turned = rotation_from_angles(quarter, quarter, quarter) @ up
    torch.testing.assert_close(turned, torch.tensor([0.0, 1.0, 0.0]), atol=1e-6, rtol=0)


def test_degrees_are_the_same_rotation() -> None:
    expected = rotation_from_angles(*(torch.tensor(math.radians(a)) for a in (10.0, -20.0, 30.0)))
    torch.testing.assert_close(rotation_from_degrees(10.0, -20.0, 30.0), expected)


@settings(max_examples=50, deadline=None)
@given(any_angle, any_angle, any_angle)
def test_scipy_agrees(yaw: float, pitch: float, roll: float) -> None:
    ours = rotation_from_angles(*_double(yaw, pitch, roll))
    oracle = Rotation.from_euler("XYZ", [-pitch, -yaw, roll]).as_matrix()
    torch.testing.assert_close(ours, torch.from_numpy(oracle), atol=1e-12, rtol=0)


@settings(max_examples=50, deadline=None)
@given(angle, any_angle, any_angle)
def test_angles_survive_the_round_trip(yaw: float, pitch: float, roll: float) -> None:
    back = angles_from_rotation(rotation_from_angles(*_double(yaw, pitch, roll)))
    torch.testing.assert_close(torch.stack(back), torch.stack(_double(yaw, pitch, roll)), atol=1e-7, rtol=0)


def test_at_the_pole_the_angles_still_give_the_rotation() -> None:
    pole = rotation_from_angles(*_double(math.pi / 2, 0.3, 0.2))
    back = rotation_from_angles(*angles_from_rotation(pole))
    torch.testing.assert_close(back, pole, atol=1e-6, rtol=0)


def test_any_leading_axes_are_kept() -> None:
    yaw = torch.zeros(4, 5)
    assert rotation_from_angles(yaw, yaw, yaw).shape == (4, 5, 3, 3)
    assert [a.shape for a in angles_from_rotation(torch.eye(3).expand(4, 5, 3, 3))] == [(4, 5)] * 3


def test_gradients_of_the_rotation() -> None:
    angles = [value.requires_grad_() for value in _double(0.4, -0.3, 0.2)]
    assert torch.autograd.gradcheck(rotation_from_angles, angles)
    assert torch.autograd.gradcheck(lambda *a: angles_from_rotation(rotation_from_angles(*a)), angles)


def test_flat_classes_mean_no_turn() -> None:
    assert angles_from_bins(torch.zeros(2, 3, BINS)).abs().max() < 1e-6


@pytest.mark.parametrize(("index", "degrees"), [(0, -97.5), (32, -1.5), (33, 1.5), (65, 97.5)])
def test_a_sure_class_counts_with_its_centre(index: int, degrees: float) -> None:
    logits = torch.full((BINS,), -1e4)
    logits[index] = 0.0
    assert math.degrees(angles_from_bins(logits).item()) == pytest.approx(degrees, abs=1e-4)


def test_two_equal_classes_meet_in_the_middle() -> None:
    logits = torch.full((BINS,), -1e4)
    logits[[40, 44]] = 0.0  # centres 22.5 and 34.5
    assert math.degrees(angles_from_bins(logits).item()) == pytest.approx(28.5, abs=1e-4)


def test_orthonormal_keeps_the_columns_of_a_rotation() -> None:
    rotation = rotation_from_degrees(20, -10, 5)
    columns = torch.cat((rotation[:, 0], rotation[:, 1]))
    torch.testing.assert_close(orthonormal(columns), rotation)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_orthonormal_gives_rotations(seed: int) -> None:
    numbers = torch.randn(8, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    rotation = orthonormal(numbers)
    identity = torch.eye(3, dtype=torch.float64).expand(8, 3, 3)
    torch.testing.assert_close(rotation @ rotation.transpose(-1, -2), identity, atol=1e-9, rtol=0)
    torch.testing.assert_close(torch.linalg.det(rotation), torch.ones(8, dtype=torch.float64))


def test_orthonormal_has_the_right_gradient() -> None:
    numbers = torch.tensor([0.9, 0.1, -0.2, 0.3, 1.1, 0.4], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(orthonormal, numbers)


@given(any_angle, angle, angle, st.floats(0, 3))
def test_powers_turn_about_the_same_axis(pitch: float, yaw: float, roll: float, share: float) -> None:
    whole = Rotation.from_rotvec(0.9 * Rotation.from_euler("XYZ", (pitch, yaw, roll)).as_rotvec())
    wanted = torch.from_numpy(Rotation.from_rotvec(share * whole.as_rotvec()).as_matrix())
    torch.testing.assert_close(
        powered(torch.from_numpy(whole.as_matrix()), share), wanted, atol=1e-6, rtol=0.0
    )
    torch.testing.assert_close(
        torch.from_numpy(powered(whole.as_matrix(), share)), wanted, atol=1e-6, rtol=0.0
    )


def test_no_turn_has_no_powers_but_itself() -> None:
    torch.testing.assert_close(powered(torch.eye(3), 2.0), torch.eye(3))
