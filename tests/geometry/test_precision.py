"""Products of coordinates: the same as matrix products, but not under autocast's thumb."""

from __future__ import annotations

import torch

from facewire.geometry.flow import sparse_flows
from facewire.geometry.grid import volume_grid
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.heatmap import expected_points, spatial_softmax
from facewire.geometry.keypoints import CanonicalKeypoints, place
from facewire.geometry.pose import rotation_from_degrees
from facewire.geometry.precision import apply, compose, full, product
from facewire.geometry.transform import random_transform


def test_products_are_matrix_products() -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(4, 3, 3, generator=generator, dtype=torch.float64) for _ in range(2))
    v = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(compose(a, b), a @ b)
    torch.testing.assert_close(apply(a, v), (a @ v[..., None])[..., 0])


def test_products_of_rectangular_matrices_by_hand() -> None:
    matrix = torch.tensor([[1.0, 2.0, 3.0], [0.0, -1.0, 0.5]])
    assert apply(matrix, torch.tensor([2.0, 1.0, -2.0])).tolist() == [-2.0, -2.0]
    assert compose(matrix, torch.tensor([[1.0], [0.0], [2.0]])).tolist() == [[7.0], [1.0]]


def test_a_product_over_a_long_axis_does_not_drop_below_float32() -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = torch.rand(2, 3, 4096, generator=generator), torch.rand(2, 4096, 2, generator=generator)
    with torch.autocast("cpu", torch.bfloat16):
        found = product(a, b)
    torch.testing.assert_close(found, (a.double() @ b.double()).float())
    meta = product(a.to("meta"), b.to("meta"))
    assert (meta.shape, meta.dtype) == ((2, 3, 2), torch.float32)


def test_half_types_become_float32_and_double_stays() -> None:
    assert full(torch.zeros(1, dtype=torch.bfloat16)).dtype == torch.float32
    assert full(torch.zeros(1, dtype=torch.float64)).dtype == torch.float64


def _coordinates() -> list[torch.Tensor]:
    """Every kind of coordinate that geometry computes."""
    generator = torch.Generator().manual_seed(1)
    canonical = CanonicalKeypoints(torch.randn(2, 4, 3, generator=generator) * 0.4)

    def motion(yaw: float) -> HeadMotion:
        rotation = rotation_from_degrees(yaw, 5, 3).expand(2, 3, 3)
        small = torch.randn(2, 5, 3, generator=generator) * 0.1
        return HeadMotion(rotation, small[:, 0], small[:, 1:])

    first, second = motion(20), motion(-10)
    source, driving = place(canonical, first), place(canonical, second)
    turned = second.turned(rotation_from_degrees(10, 0, 0)).relative(first, second)
    transform = random_transform(2, generator)
    heatmap = spatial_softmax(torch.randn(2, 4, 3, 8, 8, generator=generator))
    return [
        source.points,
        sparse_flows(source, driving, volume_grid(3, 8, 8)),
        turned.rotation,
        turned.expression,
        transform.points(source.points[..., :2]),
        transform.jacobians(source.points[..., :2]),
        expected_points(heatmap),
    ]


def test_autocast_does_not_touch_coordinates() -> None:
    plain = _coordinates()
    with torch.autocast("cpu", torch.bfloat16):
        inside = _coordinates()
    for a, b in zip(plain, inside, strict=True):
        assert b.dtype == torch.float32
        assert torch.equal(a, b)
