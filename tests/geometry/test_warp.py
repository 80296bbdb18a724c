"""The sampler: identity, hand-computed values, borders, gradients."""

from __future__ import annotations

import torch

from facewire.geometry.grid import image_grid, volume_grid
from facewire.geometry.warp import resize_flow, warp_image, warp_volume


def test_the_identity_grid_changes_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(2, 3, 17, 33, generator=generator, dtype=torch.float64)
    grid = image_grid(17, 33, dtype=torch.float64).expand(2, -1, -1, -1)
    torch.testing.assert_close(warp_image(image, grid), image, atol=1e-12, rtol=0)
    volume = torch.rand(2, 3, 4, 9, 8, generator=generator, dtype=torch.float64)
    flow = volume_grid(4, 9, 8, dtype=torch.float64).expand(2, -1, -1, -1, -1)
    torch.testing.assert_close(warp_volume(volume, flow), volume, atol=1e-12, rtol=0)


def test_a_power_of_two_plus_one_is_exact_even_in_float32() -> None:
    volume = torch.rand(1, 1, 3, 5, 9)
    assert torch.equal(warp_volume(volume, volume_grid(3, 5, 9)[None]), volume)


def test_between_two_pixels_by_hand() -> None:
    image = torch.tensor([[0.0, 10.0, 20.0], [100.0, 110.0, 120.0]])[None, None]
    at = torch.tensor([[-0.5, -1.0], [0.0, 0.0], [1.0, 0.5], [0.25, -1.0]]).view(1, 1, 4, 2)
    # x = -0.5 is pixel 0.5; (0, 0) is pixel (1, 0.5); (1, 0.5) is pixel (2, 0.75); x = 0.25 is pixel 1.25
    assert warp_image(image, at).flatten().tolist() == [5.0, 60.0, 95.0, 12.5]


def test_between_voxels_by_hand() -> None:
    volume = torch.arange(8.0).view(1, 1, 2, 2, 2)  # value = 4z + 2y + x
    at = torch.tensor([[0.0, 0.0, 0.0], [1.0, -1.0, 0.5], [-1.0, 0.0, -1.0]]).view(1, 1, 1, 3, 3)
    assert warp_volume(volume, at).flatten().tolist() == [3.5, 4.0, 1.0]


def test_outside_a_picture_its_border_goes_on_and_a_volume_is_empty() -> None:
    image = torch.tensor([[1.0, 2.0]])[None, None]
    assert warp_image(image, torch.tensor([3.0, 0.0]).view(1, 1, 1, 2)).item() == 2.0
    volume = torch.ones(1, 1, 2, 2, 2)
    far = torch.tensor([5.0, 0.0, 0.0]).view(1, 1, 1, 1, 3)
    assert warp_volume(volume, far).item() == 0.0
    assert warp_volume(volume, far, padding="border").item() == 1.0


def test_half_precision_goes_in_and_out() -> None:
    volume = torch.ones(1, 1, 2, 2, 2, dtype=torch.bfloat16)
    assert warp_volume(volume, volume_grid(2, 2, 2)[None]).dtype == torch.bfloat16


def test_warps_have_the_right_gradient() -> None:
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    image, flow = draw(1, 2, 3, 4).requires_grad_(), (draw(1, 2, 2, 2) - 0.5).requires_grad_()
    assert torch.autograd.gradcheck(warp_image, (image, flow))
    volume, flow3 = draw(1, 1, 3, 3, 4).requires_grad_(), (draw(1, 1, 2, 2, 3) - 0.5).requires_grad_()
    assert torch.autograd.gradcheck(warp_volume, (volume, flow3))


def test_resizing_keeps_the_identity() -> None:
    small = image_grid(8, 8)[None]
    torch.testing.assert_close(resize_flow(small, 32, 16), image_grid(32, 16)[None])
    assert resize_flow(small, 8, 8) is small
