"""Flows: identity, analytic turns, and the composite."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from facewire.geometry.flow import composite_flow, relative_jacobians, sparse_flows
from facewire.geometry.grid import volume_grid
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints, Keypoints, place
from facewire.geometry.pose import orthonormal, rotation_from_degrees

seeds = st.integers(0, 10_000)
GRID = volume_grid(3, 4, 5, dtype=torch.float64)


def _motion(generator: torch.Generator, keypoints: int = 3) -> HeadMotion:
    draw = torch.randn(2, 9 + 3 * keypoints, generator=generator, dtype=torch.float64)
    return HeadMotion(orthonormal(draw[:, :6]), draw[:, 6:9], draw[:, 9:].view(2, keypoints, 3))


def _canonical(generator: torch.Generator, keypoints: int = 3) -> CanonicalKeypoints:
    points = torch.randn(2, keypoints, 3, generator=generator, dtype=torch.float64)
    jacobians = torch.eye(3) + 0.2 * torch.randn(2, keypoints, 3, 3, generator=generator, dtype=torch.float64)
    return CanonicalKeypoints(points, jacobians)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_equal_keypoints_leave_everything_in_place(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    head = place(_canonical(generator), _motion(generator))
    flows = sparse_flows(head, head, GRID)
    assert flows.shape == (2, 4, 3, 4, 5, 3)
    torch.testing.assert_close(flows, GRID.expand_as(flows), atol=1e-9, rtol=0)


def test_the_first_slot_is_identity() -> None:
    generator = torch.Generator().manual_seed(0)
    canonical = _canonical(generator)
    flows = sparse_flows(place(canonical, _motion(generator)), place(canonical, _motion(generator)), GRID)
    assert torch.equal(flows[:, 0], GRID.expand(2, *GRID.shape))


def test_a_shift_by_hand() -> None:
    eye = torch.eye(3, dtype=torch.float64).expand(1, 1, 3, 3)
    source = Keypoints(torch.tensor([[[0.1, 0.2, 0.3]]], dtype=torch.float64), eye)
    driving = Keypoints(torch.tensor([[[0.3, 0.2, 0.0]]], dtype=torch.float64), eye)
    shift = sparse_flows(source, driving, GRID)[0, 1] - GRID
    torch.testing.assert_close(shift, torch.tensor([-0.2, 0.0, 0.3]).double().expand_as(shift))


def test_a_turned_head_is_read_from_where_it_was() -> None:
    """The driving head is turned by 90 degrees about its keypoint: its right side shows the front."""
    eye = torch.eye(3)[None, None]
    turned = rotation_from_degrees(90, 0, 0)[None, None]
    centre = torch.tensor([[[0.1, 0.0, 0.0]]])
    right_of_it = torch.tensor([0.6, 0.0, 0.0]).view(1, 1, 1, 3)
    flow = sparse_flows(Keypoints(centre, eye), Keypoints(centre, turned), right_of_it)[0, 1, 0, 0, 0]
    torch.testing.assert_close(flow, torch.tensor([0.1, 0.0, -0.5]), atol=1e-6, rtol=0)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_a_rigid_head_moves_as_one(seed: int) -> None:
    """Without expression all slots hold the same map, which brings driving points back to their sources."""
    generator = torch.Generator().manual_seed(seed)
    canonical = CanonicalKeypoints(torch.randn(2, 3, 3, generator=generator, dtype=torch.float64))
    a, b = (_motion(generator).with_expression(torch.zeros(2, 3, 3).double()) for _ in range(2))
    body = torch.randn(2, 7, 3, generator=generator, dtype=torch.float64)
    there = body @ b.rotation.transpose(-1, -2) + b.translation[:, None]
    here = body @ a.rotation.transpose(-1, -2) + a.translation[:, None]
    for head in range(2):
        grid = there[head].view(1, 1, 7, 3)
        flows = sparse_flows(place(canonical, a), place(canonical, b), grid)[head, 1:, 0, 0]
        torch.testing.assert_close(flows, here[head].expand(3, 7, 3))


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_canonical_jacobians_cancel(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    canonical, a, b = _canonical(generator), _motion(generator), _motion(generator)
    linear = relative_jacobians(place(canonical, a), place(canonical, b))
    expected = (a.rotation @ b.rotation.transpose(-1, -2))[:, None].expand_as(linear)
    torch.testing.assert_close(linear, expected, atol=1e-8, rtol=0)


def test_flows_have_the_right_gradient() -> None:
    generator = torch.Generator().manual_seed(3)
    source, driving = (place(_canonical(generator), _motion(generator)) for _ in range(2))
    inputs = [
        tensor.detach().clone().requires_grad_()
        for tensor in (source.points, source.jacobians, driving.points, driving.jacobians)
    ]
    small = GRID[:1, :2, :2]
    assert torch.autograd.gradcheck(
        lambda a, b, c, d: sparse_flows(Keypoints(a, b), Keypoints(c, d), small), inputs
    )


def test_composite_by_hand() -> None:
    flows = torch.zeros(1, 2, 1, 1, 1, 3)
    flows[0, 1] = torch.tensor([0.4, -0.8, 1.0])
    masks = torch.tensor([0.75, 0.25]).view(1, 2, 1, 1, 1)
    torch.testing.assert_close(composite_flow(masks, flows).flatten(), torch.tensor([0.1, -0.2, 0.25]))


def test_composite_of_one_slot_is_that_slot() -> None:
    flows = torch.rand(1, 3, 2, 2, 2, 3)
    masks = torch.zeros(1, 3, 2, 2, 2)
    masks[:, 2] = 1
    assert torch.equal(composite_flow(masks, flows), flows[:, 2])
