"""Head pose: signs and values on the canonical face turned by known angles, and on a mirrored photograph."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewire.base.errors import ShapeError
from facewire.face.finder import Face, FaceFinder
from facewire.face.pose import canonical_face, fit_similarity, head_pose
from facewire.geometry.pose import angles_from_rotation, rotation_from_degrees


def degrees_of(landmarks: Tensor) -> list[float]:
    return [math.degrees(float(angle)) for angle in angles_from_rotation(head_pose(landmarks).rotation)]


def turned(yaw: float, pitch: float, roll: float) -> Tensor:
    rotation = rotation_from_degrees(yaw, pitch, roll).double()
    return torch.from_numpy(canonical_face().points).double() @ rotation.T


@pytest.mark.parametrize(
    "angles", [(0, 0, 0), (30, 0, 0), (0, 20, 0), (0, 0, 40), (-35, 12, -8), (60, -25, 80)]
)
def test_known_angles_are_read_back(angles: tuple[float, float, float]) -> None:
    landmarks = turned(*angles) * 17.0 + torch.tensor([300.0, 200.0, 5.0])
    assert degrees_of(landmarks) == pytest.approx(angles, abs=1e-3)


def test_scale_and_translation_are_read_back() -> None:
    moved = turned(10, 20, 30) * 2.5 + torch.tensor([4.0, -3.0, 2.0])
    pose = head_pose(moved)
    assert float(pose.scale) == pytest.approx(2.5, abs=1e-5)
    assert pose.translation.tolist() == pytest.approx([4, -3, 2], abs=1e-4)


def test_positive_yaw_turns_the_nose_to_the_right() -> None:
    nose, middle = turned(25, 0, 0)[1], turned(25, 0, 0).mean(0)
    assert nose[0] > middle[0] + 1


def test_positive_pitch_raises_the_nose() -> None:
    assert turned(0, 25, 0)[1, 1] < turned(0, 0, 0)[1, 1] - 1


def test_positive_roll_is_clockwise() -> None:
    landmarks = turned(0, 0, 25)
    assert landmarks[263, 1] > landmarks[33, 1]  # the eye on the image's right sinks


def test_leading_axes_and_irises() -> None:
    face = torch.stack([turned(5, 0, 0), turned(0, 5, 0)])
    with_irises = torch.cat((face, torch.full((2, 10, 3), 99.0)), dim=1)
    pose = head_pose(with_irises[None].float())
    assert pose.rotation.shape == (1, 2, 3, 3)
    assert pose.scale.shape == (1, 2)
    yaw, pitch, _ = angles_from_rotation(pose.rotation)
    assert torch.rad2deg(yaw)[0].tolist() == pytest.approx([5, 0], abs=1e-3)
    assert torch.rad2deg(pitch)[0].tolist() == pytest.approx([0, 5], abs=1e-3)


def test_rotation_stays_proper_for_a_mirrored_cloud() -> None:
    mirrored = torch.from_numpy(canonical_face().points) * torch.tensor([1.0, 1.0, -1.0])
    rotation = head_pose(mirrored).rotation
    assert float(torch.linalg.det(rotation)) == pytest.approx(1, abs=1e-9)


def test_weights_decide() -> None:
    source = torch.eye(3, dtype=torch.float64).repeat(2, 1) - 0.2
    target = torch.cat((source[:3] * 2, torch.randn(3, 3, dtype=torch.float64)))
    pose = fit_similarity(source, target, torch.tensor([1.0, 1, 1, 0, 0, 0], dtype=torch.float64))
    assert float(pose.scale) == pytest.approx(2, abs=1e-9)
    torch.testing.assert_close(pose.rotation, torch.eye(3, dtype=torch.float64))


def test_fit_is_differentiable() -> None:
    landmarks = turned(10, -5, 3).requires_grad_()
    head_pose(landmarks).rotation.sum().backward()
    assert landmarks.grad is not None
    assert torch.isfinite(landmarks.grad).all()


def test_wrong_shapes_are_named() -> None:
    for shape in ((468, 2), (68, 3), (468,)):
        with pytest.raises(ShapeError, match="landmarks"):
            head_pose(torch.zeros(shape))


def test_astronaut_is_nearly_frontal(face: Face) -> None:
    yaw, pitch, roll = degrees_of(torch.from_numpy(face.landmarks))
    assert abs(yaw) < 8
    assert abs(pitch) < 15
    assert 1 < roll < 8  # she tilts her head to the image's right


def test_mirrored_photograph_flips_yaw_and_roll(
    finder: FaceFinder, astronaut: NDArray[np.uint8], face: Face
) -> None:
    (other,) = finder.find(np.ascontiguousarray(astronaut[:, ::-1]))
    straight = degrees_of(torch.from_numpy(face.landmarks))
    mirrored = degrees_of(torch.from_numpy(other.landmarks))
    expected = [-straight[0], straight[1], -straight[2]]
    assert mirrored == pytest.approx(expected, abs=2.5)


def test_turning_the_photograph_turns_the_pose(
    finder: FaceFinder, astronaut: NDArray[np.uint8], face: Face
) -> None:
    (other,) = finder.find(np.ascontiguousarray(np.rot90(astronaut, -1)))  # clockwise
    quarter = rotation_from_degrees(0, 0, 90).double()
    expected = quarter @ head_pose(torch.from_numpy(face.landmarks)).rotation
    actual = head_pose(torch.from_numpy(other.landmarks)).rotation
    between = torch.acos(((expected.T @ actual).trace() - 1) / 2)
    assert math.degrees(float(between)) < 4
