"""Apertures and gaze by hand values; the table to the classical order."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from facewire.base.errors import ShapeError
from facewire.face.expression import (
    SEVENTY_EIGHT,
    SIXTY_EIGHT,
    eye_aperture,
    gaze_offset,
    in_classical_order,
    mouth_aperture,
)
from facewire.face.finder import Face


def drawn() -> Tensor:
    """Draw a 78-point face: mouth 4 wide and open by 1, left eye 3 wide and open by 0.6, right eye closed."""
    points = torch.zeros(78, 2)
    points[60], points[64] = torch.tensor([0.0, 0.0]), torch.tensor([4.0, 0.0])
    for upper, lower, x in ((61, 67, 1.0), (62, 66, 2.0), (63, 65, 3.0)):
        points[upper], points[lower] = torch.tensor([x, -0.5]), torch.tensor([x, 0.5])
    points[36], points[39] = torch.tensor([0.0, -9.0]), torch.tensor([3.0, -9.0])
    for upper, lower, x in ((37, 41, 1.0), (38, 40, 2.0)):
        points[upper], points[lower] = torch.tensor([x, -9.3]), torch.tensor([x, -8.7])
    points[42:48] = torch.tensor([5.0, -9.0])
    points[45] = torch.tensor([8.0, -9.0])
    points[68], points[73] = torch.tensor([1.8, -9.0]), torch.tensor([6.5, -8.7])
    return points


def test_apertures_by_hand() -> None:
    assert float(mouth_aperture(drawn())) == pytest.approx(0.25)
    assert eye_aperture(drawn()).tolist() == pytest.approx([0.2, 0.0])


def test_gaze_by_hand() -> None:
    left, right = gaze_offset(drawn()).tolist()
    assert left == pytest.approx([0.1, 0.0], abs=1e-6)
    assert right == pytest.approx([0.0, 0.1], abs=1e-6)


def test_size_place_and_tilt_cancel() -> None:
    angle = torch.tensor(0.6)
    matrix = torch.stack((angle.cos(), -angle.sin(), angle.sin(), angle.cos())).reshape(2, 2)
    moved = drawn() @ matrix.T * 37 + torch.tensor([100.0, -20.0])
    torch.testing.assert_close(mouth_aperture(moved), mouth_aperture(drawn()))
    torch.testing.assert_close(eye_aperture(moved), eye_aperture(drawn()), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(gaze_offset(moved), gaze_offset(drawn()), atol=1e-5, rtol=1e-4)


def test_mesh_and_classical_order_agree() -> None:
    mesh = torch.rand(2, 5, 478, 3)
    classical = mesh[..., list(SEVENTY_EIGHT), :]
    torch.testing.assert_close(in_classical_order(mesh), classical)
    torch.testing.assert_close(mouth_aperture(mesh), mouth_aperture(classical))
    torch.testing.assert_close(eye_aperture(mesh[..., :468, :]), eye_aperture(classical[..., :68, :]))
    assert mouth_aperture(mesh).shape == (2, 5)
    assert eye_aperture(mesh).shape == (2, 5, 2)
    assert gaze_offset(mesh).shape == (2, 5, 2, 2)


def test_table_is_a_table() -> None:
    assert len(SIXTY_EIGHT) == len(set(SIXTY_EIGHT)) == 68
    assert len(SEVENTY_EIGHT) == 78
    assert max(SIXTY_EIGHT) < 468


def test_table_on_a_real_face(face: Face) -> None:
    points = torch.from_numpy(face.landmarks)[list(SIXTY_EIGHT), :2]
    x, y = points.T
    assert (y[1:8] > y[0:7]).all()  # jaw falls from the ear to the chin ...
    assert (y[9:16] > y[10:17]).all()  # ... and rises again
    assert (x[1:16] > x[0:15]).sum() >= 13
    assert (x[18:27] > x[17:26]).all()  # brows from left to right
    assert (y[28:31] > y[27:30]).all()  # bridge of the nose downwards
    assert (x[32:36] > x[31:35]).all()
    for left, right in ((36, 39), (42, 45), (48, 54), (60, 64)):
        assert x[left] < x[right]
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46), (51, 57), (62, 66)):
        assert y[upper] < y[lower]


def test_astronaut_smiles_with_open_eyes(face: Face) -> None:
    points = torch.from_numpy(face.landmarks)
    assert 0.05 < float(mouth_aperture(points)) < 0.5
    assert all(0.15 < value < 0.5 for value in eye_aperture(points).tolist())
    assert gaze_offset(points).abs().max() < 0.2


def test_wrong_shapes_are_named() -> None:
    for shape in ((70, 3), (68, 4), (68,)):
        with pytest.raises(ShapeError, match="landmarks"):
            mouth_aperture(torch.zeros(shape))
    with pytest.raises(ShapeError, match="irises"):
        gaze_offset(torch.zeros(468, 3))
