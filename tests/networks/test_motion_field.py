"""M: shares, identity flow, missing keypoints."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import Tensor

from facewire.base.errors import ShapeError
from facewire.geometry.grid import volume_grid
from facewire.geometry.keypoints import Keypoints
from facewire.geometry.pose import rotation_from_degrees
from facewire.networks.paper.config import PAPER_PRESETS
from facewire.networks.paper.motion_field import MotionFieldEstimator, present_slots, slot_softmax

TINY = PAPER_PRESETS["tiny"]
GRID = volume_grid(4, 16, 16)


@cache
def _estimator() -> MotionFieldEstimator:
    torch.manual_seed(0)
    return MotionFieldEstimator(TINY).eval()


def _keypoints(seed: int, batch: int = 2) -> Keypoints:
    points = torch.rand(batch, 5, 3, generator=torch.Generator().manual_seed(seed)) - 0.5
    return Keypoints(points, rotation_from_degrees(5.0 * seed, 3, 2).expand(batch, 5, 3, 3))


def _volume(batch: int = 2) -> Tensor:
    return torch.randn(batch, 8, 4, 16, 16, generator=torch.Generator().manual_seed(9))


@torch.no_grad()
def test_masks_share_every_voxel() -> None:
    field = _estimator()(_volume(), _keypoints(1), _keypoints(2))
    torch.testing.assert_close(field.masks.sum(dim=1), torch.ones(2, 4, 16, 16))
    assert field.masks.min() >= 0
    assert field.occlusion.min() >= 0
    assert field.occlusion.max() <= 1


@torch.no_grad()
def test_equal_keypoints_give_the_identity_flow() -> None:
    same = _keypoints(1)
    field = _estimator()(_volume(), same, same)
    torch.testing.assert_close(field.flow, GRID.expand(2, -1, -1, -1, -1), atol=2e-6, rtol=0)


@torch.no_grad()
def test_without_keypoints_nothing_moves() -> None:
    field = _estimator()(_volume(), _keypoints(1), _keypoints(2), kept=0)
    assert torch.equal(field.masks[:, 0], torch.ones(2, 4, 16, 16))
    assert torch.equal(field.flow, GRID.expand(2, -1, -1, -1, -1))


@torch.no_grad()
def test_a_missing_keypoint_has_no_share_and_no_say() -> None:
    source, driving = _keypoints(1), _keypoints(2)
    other = Keypoints(driving.points.clone(), driving.jacobians)
    other.points[:, 3:] = 0.7
    first = _estimator()(_volume(), source, driving, kept=3)
    second = _estimator()(_volume(), source, other, kept=3)
    assert first.masks[:, 4:].abs().max() == 0
    torch.testing.assert_close(first.masks.sum(dim=1), torch.ones(2, 4, 16, 16))
    for a, b in ((first.flow, second.flow), (first.masks, second.masks), (first.occlusion, second.occlusion)):
        assert torch.equal(a, b)
    full = _estimator()(_volume(), source, driving)
    assert not torch.equal(first.flow, full.flow)


@torch.no_grad()
def test_the_count_may_differ_from_frame_to_frame() -> None:
    source, driving, volume = _keypoints(1), _keypoints(2), _volume()
    mixed = _estimator()(volume, source, driving, kept=torch.tensor([2, 5]))
    two = _estimator()(volume, source, driving, kept=2)
    everything = _estimator()(volume, source, driving)
    torch.testing.assert_close(mixed.flow[0], two.flow[0])
    torch.testing.assert_close(mixed.flow[1], everything.flow[1])


def test_slots_by_hand() -> None:
    points = torch.zeros(2, 3, 3)
    assert present_slots(None, points).all()
    assert present_slots(1, points).tolist() == [[True, True, False, False]] * 2
    assert present_slots(torch.tensor([0, 3]), points).tolist() == [[True, False, False, False], [True] * 4]


def test_impossible_counts_are_refused() -> None:
    points = torch.zeros(2, 3, 3)
    for kept in (-1, 4):
        with pytest.raises(ValueError, match="0 to 3"):
            present_slots(kept, points)
    with pytest.raises(ShapeError, match="kept"):
        present_slots(torch.tensor([1, 2, 3]), points)


def test_shares_by_hand() -> None:
    logits = torch.tensor([0.0, 1.0, 50.0]).log1p().view(1, 3, 1, 1, 1)
    shares = slot_softmax(logits, torch.tensor([[True, True, False]])).flatten()
    torch.testing.assert_close(shares, torch.tensor([1 / 3, 2 / 3, 0.0]))


def test_missing_slots_send_no_gradient() -> None:
    logits = torch.zeros(1, 3, 1, 1, 1, requires_grad=True)
    share = slot_softmax(logits, torch.tensor([[True, True, False]]))[:, 0].sum()
    (gradient,) = torch.autograd.grad(share, logits)
    assert gradient.flatten().tolist() == [0.25, -0.25, 0.0]
