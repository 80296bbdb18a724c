"""The mean head that says how deep the visible surface lies."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from facewire.geometry.grid import image_grid
from facewire.geometry.pose import rotation_from_degrees
from facewire.networks.compact.guides import GUIDES, UNIT
from facewire.networks.compact.head_surface import HeadSurface

MEAN = UNIT * torch.tensor([guide.canonical for guide in GUIDES])
SIDE = 64


@pytest.fixture(scope="module")
def head() -> HeadSurface:
    return HeadSurface([guide.canonical for guide in GUIDES], UNIT)


def _depth(head: HeadSurface, rotation: Tensor, shift: tuple[float, float, float] = (0, 0, 0)) -> Tensor:
    """Return the depth (SIDE, SIDE) of the mean head itself, turned and moved."""
    points = MEAN @ rotation.T + torch.tensor(shift)
    everything = torch.ones(1, len(MEAN), dtype=torch.bool)
    depth: Tensor
    depth = head(points[None], rotation[None], everything, torch.zeros(1, len(MEAN), 1), SIDE).depth
    return depth[0, ..., 0]


def _at(depth: Tensor, place: Tensor) -> float:
    squared = (image_grid(SIDE, SIDE) - place[:2]).square().sum(dim=-1)
    return float(depth.flatten()[squared.argmin()])


@pytest.mark.parametrize("angles", [(0, 0, 0), (30, 0, 0), (-30, 0, 0), (0, 15, 0), (0, -15, 10)])
def test_the_depth_under_facing_keypoints_is_theirs(
    head: HeadSurface, angles: tuple[float, float, float]
) -> None:
    rotation = rotation_from_degrees(*angles)
    depth = _depth(head, rotation)
    for guide, point in zip(GUIDES, MEAN @ rotation.T, strict=True):
        if "jaw" not in guide.name and "chin" not in guide.name:  # at the rim, where a cell sees two depths
            assert _at(depth, point) == pytest.approx(float(point[2]), abs=0.15), (
                guide.name
            )  # of 0.54 between nose and ears


def test_the_side_that_looks_away_is_not_seen(head: HeadSurface) -> None:
    """Behind the face, at the same place of the picture, lies the back of the head."""
    assert _at(_depth(head, torch.eye(3)), torch.zeros(2)) < -0.2
    assert _at(_depth(head, rotation_from_degrees(180, 0, 0)), torch.zeros(2)) < -0.2


def test_the_surface_moves_with_the_keypoints(head: HeadSurface) -> None:
    still, nearer = (_depth(head, torch.eye(3), (0, 0, shift)) for shift in (0.0, -0.3))
    torch.testing.assert_close(nearer, still - 0.3, atol=1e-4, rtol=0)


def test_what_keypoints_carry_is_mixed_by_nearness(head: HeadSurface) -> None:
    values = torch.zeros(1, len(MEAN), 2)
    values[..., 0] = 0.7
    chin = [guide.name for guide in GUIDES].index("chin")
    values[:, chin, 1] = 1
    everything = torch.ones(1, len(MEAN), dtype=torch.bool)
    carried = head(MEAN[None], torch.eye(3)[None], everything, values, SIDE).carried
    torch.testing.assert_close(carried[..., 0], torch.full((1, SIDE, SIDE), 0.7), atol=1e-5, rtol=0)
    assert _at(carried[0, ..., 1], MEAN[chin]) > 0.7
    assert _at(carried[0, ..., 1], torch.tensor([0.0, -0.6])) < 0.05


def test_keypoints_that_are_not_known_do_not_count(head: HeadSurface) -> None:
    present = torch.zeros(2, len(MEAN), dtype=torch.bool)
    present[0, :5] = True
    points = MEAN.repeat(2, 1, 1)
    points[:, 5:] = 1e3
    turn, values = torch.eye(3).expand(2, 3, 3), torch.ones(2, len(MEAN), 1)
    depth, carried, covered, _ = head(points, turn, present, values, SIDE)
    torch.testing.assert_close(depth[0, ..., 0], _depth(head, torch.eye(3)), atol=1e-4, rtol=0)
    torch.testing.assert_close(carried[0], torch.ones(SIDE, SIDE, 1), atol=1e-5, rtol=0)
    assert (depth[1] == 0).all()
    assert (carried[1] == 0).all()
    assert (covered[1] == 0).all()


def test_the_surface_covers_the_head_and_faces_other_cameras_as_it_turns(head: HeadSurface) -> None:
    everything = torch.ones(1, len(MEAN), dtype=torch.bool)
    views = [rotation_from_degrees(yaw, 0, 0)[None] for yaw in (0, 40, -40)]
    values = torch.zeros(1, len(MEAN), 1)
    seen = head(MEAN[None], torch.eye(3)[None], everything, values, SIDE, views)
    nose, cheek = (
        MEAN[[guide.name for guide in GUIDES].index(name)] for name in ("nose tip", "brow, image left")
    )
    assert _at(seen.covered[0, ..., 0], nose) == 1
    assert _at(seen.covered[0, ..., 0], torch.tensor([0.95, 0.95])) < 0.01
    straight, right, left = (_at(seen.facing[0, ..., view], cheek) for view in range(3))
    assert left < straight
    assert left < right
    assert _at(seen.facing[0, ..., 0], nose) > 0.9
