"""Plane transforms: direction by eye, Jacobian by autograd."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from facewire.geometry.grid import image_grid
from facewire.geometry.heatmap import expected_points, gaussian_maps
from facewire.geometry.transform import PlaneTransform, random_transform


def _draw(seed: int, batch: int = 2, affine: float = 0.05, tps: float = 0.005) -> PlaneTransform:
    return random_transform(batch, torch.Generator().manual_seed(seed), sigma_affine=affine, sigma_tps=tps)


def _double(transform: PlaneTransform) -> PlaneTransform:
    return PlaneTransform(transform.affine.double(), transform.control.double(), transform.weights.double())


def test_without_noise_nothing_moves() -> None:
    still = _draw(0, affine=0.0, tps=0.0)
    points = torch.rand(2, 5, 2) * 2 - 1
    assert torch.equal(still.points(points), points)
    assert torch.equal(still.jacobians(points), torch.eye(2).expand(2, 5, 2, 2))
    image = torch.rand(2, 3, 17, 17)
    torch.testing.assert_close(still.image(image), image, atol=1e-5, rtol=0)


def test_an_affine_map_by_hand() -> None:
    affine = torch.tensor([[[0.0, -1.0, 0.5], [1.0, 0.0, 0.0]]])  # a quarter turn and a shift
    transform = PlaneTransform(affine, torch.zeros(1, 2), torch.zeros(1, 1))
    moved = transform.points(torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]))
    assert moved.tolist() == [[[0.5, 1.0], [-0.5, 0.0]]]


def test_a_bend_by_hand() -> None:
    transform = PlaneTransform(torch.eye(2, 3)[None], torch.zeros(1, 2), torch.tensor([[2.0]]))
    # L1 distance of (1, 1) from the control point: 2; radial term 4 ln 2, twice, on both coordinates
    moved = transform.points(torch.tensor([[[1.0, 1.0], [0.0, 0.0]]]))
    bend = 1 + 2 * 4 * torch.log(torch.tensor(2.0 + 1e-6))
    torch.testing.assert_close(moved[0, 0], bend.expand(2))
    torch.testing.assert_close(moved[0, 1], torch.zeros(2))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_jacobian_is_the_derivative(seed: int) -> None:
    transform = _double(_draw(seed, affine=0.2, tps=0.1))
    points = torch.rand(2, 4, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)

    moved = transform.points(points.requires_grad_())
    # Each output depends on its own point only, so the gradient of the sum is the derivative of every point.
    rows = [torch.autograd.grad(moved[..., row].sum(), points, retain_graph=True)[0] for row in (0, 1)]
    slopes = torch.stack(rows, dim=2)
    torch.testing.assert_close(transform.jacobians(points), slopes, atol=1e-4, rtol=1e-4)


def test_points_have_the_right_gradient() -> None:
    transform = _double(_draw(1))
    points = torch.rand(2, 3, 2, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    assert torch.autograd.gradcheck(transform.points, points.requires_grad_())


def test_what_is_found_in_the_changed_picture_lies_at_its_image() -> None:
    """A blob at x in the changed picture is at T(x) in the original: the direction of the map."""
    transform = _draw(3, batch=1, affine=0.1, tps=0.01)
    centre = torch.tensor([[[0.2, -0.3]]])
    picture = gaussian_maps(centre, image_grid(129, 129), variance=0.003)
    changed = transform.image(picture)
    found = expected_points((changed / changed.sum())[:, :, None])[..., :2]
    assert (found - centre).abs().max() > 0.02
    torch.testing.assert_close(transform.points(found), centre, atol=3e-3, rtol=0)


def test_the_same_generator_gives_the_same_transform() -> None:
    a, b = _draw(5), _draw(5)
    assert torch.equal(a.affine, b.affine)
    assert torch.equal(a.weights, b.weights)
