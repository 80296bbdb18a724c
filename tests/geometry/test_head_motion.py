"""HeadMotion: shapes, free view and relative motion."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from facewire.base.errors import ShapeError
from facewire.geometry.head_motion import NECK, HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints, place
from facewire.geometry.pose import orthonormal, rotation_from_degrees

seeds = st.integers(0, 10_000)


def _motion(seed: int, batch: int = 2, keypoints: int = 4) -> HeadMotion:
    generator = torch.Generator().manual_seed(seed)
    draw = torch.randn(batch, 6 + 3 + 3 * keypoints, generator=generator, dtype=torch.float64)
    return HeadMotion(orthonormal(draw[:, :6]), draw[:, 6:9], draw[:, 9:].view(batch, keypoints, 3))


def _same(a: HeadMotion, b: HeadMotion) -> None:
    for x, y in zip((a.rotation, a.translation, a.expression), (b.rotation, b.translation, b.expression)):
        torch.testing.assert_close(x, y)


def test_shapes_are_checked() -> None:
    eye, zero = torch.eye(3).expand(2, 3, 3), torch.zeros(2, 3)
    with pytest.raises(ShapeError, match="rotation"):
        HeadMotion(torch.eye(3), zero, torch.zeros(2, 4, 3))
    with pytest.raises(ShapeError, match="translation"):
        HeadMotion(eye, torch.zeros(1, 3), torch.zeros(2, 4, 3))
    with pytest.raises(ShapeError, match="expression"):
        HeadMotion(eye, zero, torch.zeros(2, 12))
    with pytest.raises(ShapeError, match="expression"):
        HeadMotion(eye, zero, torch.zeros(1, 4, 3))


def test_length_slice_and_join() -> None:
    motion = _motion(0, batch=3)
    assert len(motion) == 3
    assert len(motion[1:]) == 2
    _same(HeadMotion.cat([motion[:1], motion[1:]]), motion)


def test_local_frames_go_along() -> None:
    frames = torch.randn(3, 4, 3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    motion = replace(_motion(0, batch=3), jacobians=frames)
    joined = HeadMotion.cat([motion[:1], motion[torch.tensor([1, 2])]])
    assert joined.jacobians is not None
    assert torch.equal(joined.jacobians, frames)
    first = motion[:1].expand(2).jacobians
    assert first is not None
    assert torch.equal(first[1], frames[0])
    assert torch.equal(place(CanonicalKeypoints(torch.zeros(3, 4, 3)), motion).jacobians, frames)
    extra = rotation_from_degrees(20, 0, 0).double()
    turned = motion.turned(extra).jacobians
    assert turned is not None
    torch.testing.assert_close(turned, extra @ frames)
    moved = motion.relative(motion[:1], motion[2:]).jacobians
    assert moved is not None
    torch.testing.assert_close(moved[0], frames[2])
    torch.testing.assert_close(moved[1], frames[1] @ torch.linalg.inv(frames[0]) @ frames[2])
    with pytest.raises(ShapeError, match="jacobians"):
        replace(motion, jacobians=frames[:, :2])


def test_one_head_expands_to_many() -> None:
    many = _motion(0, batch=1).expand(5)
    assert len(many) == 5
    assert torch.equal(many.expression[0], many.expression[4])


def test_another_expression_keeps_the_pose() -> None:
    motion = _motion(0)
    other = motion.with_expression(torch.zeros_like(motion.expression))
    assert torch.equal(other.rotation, motion.rotation)
    assert other.expression.abs().max() == 0


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_no_extra_turn_changes_nothing(seed: int) -> None:
    motion = _motion(seed)
    eye, zero = torch.eye(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    _same(motion.turned(eye, zero), motion)
    _same(motion.turned(eye), motion)


def test_an_extra_turn_by_hand() -> None:
    straight = HeadMotion(torch.eye(3)[None], torch.zeros(1, 3), torch.tensor([[[0.0, 0.0, -1.0]]]))
    turned = straight.turned(rotation_from_degrees(90, 0, 0), torch.tensor([0.1, 0.0, 0.0]))
    torch.testing.assert_close(turned.rotation[0], rotation_from_degrees(90, 0, 0))
    torch.testing.assert_close(turned.translation, torch.tensor([[0.1, 0.0, 0.0]]))
    torch.testing.assert_close(turned.expression, torch.tensor([[[1.0, 0.0, 0.0]]]), atol=1e-6, rtol=0)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_an_extra_turn_turns_the_keypoints_about_the_middle(seed: int) -> None:
    motion = _motion(seed)
    still = HeadMotion(motion.rotation, torch.zeros_like(motion.translation), motion.expression)
    extra = rotation_from_degrees(30, 10, -5).double()
    canonical = CanonicalKeypoints(torch.randn(2, 4, 3, dtype=torch.float64))
    expected = place(canonical, still).points @ extra.T
    torch.testing.assert_close(place(canonical, still.turned(extra)).points, expected)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_at_the_neck_the_neck_stays_and_the_head_turns(seed: int) -> None:
    motion = _motion(seed)
    extra = rotation_from_degrees(30, 10, -5).double()
    turned = motion.turned_at_neck(extra)
    joint = CanonicalKeypoints(torch.tensor(NECK, dtype=torch.float64).expand(len(motion), 4, 3))
    rigid = motion.with_expression(torch.zeros_like(motion.expression))
    stays = turned.with_expression(torch.zeros_like(motion.expression))
    torch.testing.assert_close(place(joint, stays).points, place(joint, rigid).points)
    torch.testing.assert_close(turned.rotation, motion.turned(extra).rotation)
    _same(motion.turned_at_neck(torch.eye(3, dtype=torch.float64)), motion)


def test_a_quarter_turn_at_the_neck_by_hand() -> None:
    straight = HeadMotion(torch.eye(3)[None], torch.zeros(1, 3), torch.zeros(1, 1, 3))
    turned = straight.turned_at_neck(rotation_from_degrees(90, 0, 0))
    # p = (0, 0.23, 0.26); R p = (-0.26, 0.23, 0): a point behind goes to the left as the nose goes to the right.
    torch.testing.assert_close(turned.translation, torch.tensor([[0.26, 0.0, 0.26]]), atol=1e-6, rtol=0)


@settings(max_examples=20, deadline=None)
@given(seeds, seeds)
def test_relative_motion_starts_at_the_source(first: int, own: int) -> None:
    reference, source = _motion(first, batch=1), _motion(own, batch=1)
    _same(reference.relative(reference, source), source)


@settings(max_examples=20, deadline=None)
@given(seeds, seeds)
def test_relative_to_itself_is_absolute(first: int, now: int) -> None:
    reference, motion = _motion(first, batch=1), _motion(now, batch=3)
    _same(motion.relative(reference, reference), motion)
