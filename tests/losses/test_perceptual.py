"""Perceptual term with a network whose features are known by heart."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from facewire.base.errors import ConfigError
from facewire.losses.perceptual import SCALES, TAP_WEIGHTS, PerceptualLoss


class PlainTaps:
    """The picture itself, and its halved version times 4."""

    name = "plain"
    divisors = (1.0, 2.0)

    def __init__(self) -> None:
        self.sides: list[int] = []

    def __call__(self, image: Tensor) -> list[Tensor]:
        self.sides.append(image.shape[-1])
        return [image, 4 * F.avg_pool2d(image, 2)]


def test_the_weights_of_the_paper() -> None:
    assert TAP_WEIGHTS == (0.03125, 0.0625, 0.125, 0.25, 1.0)
    assert SCALES == 3


def test_a_distance_by_hand() -> None:
    loss = PerceptualLoss(PlainTaps(), weights=(0.5, 3.0), scales=1)
    difference = loss(torch.full((1, 3, 8, 8), 0.75), torch.full((1, 3, 8, 8), 0.25))
    assert difference.item() == pytest.approx(0.5 * 0.5 + 3.0 / 2.0 * (4 * 0.5))


def test_three_sizes_are_compared() -> None:
    taps = PlainTaps()
    loss = PerceptualLoss(taps, weights=(1.0, 0.0))
    image = torch.zeros(1, 3, 16, 16)
    image[..., ::2, ::2] = 1.0  # mean 1/4: seen as it is at full size, as flat grey below
    assert loss(image, torch.zeros(1, 3, 16, 16)).item() == pytest.approx(0.75)
    assert sorted(taps.sides, reverse=True) == [16, 16, 8, 8, 4, 4]
    flat = torch.full((1, 3, 16, 16), 0.25)
    assert loss(image, flat).item() == pytest.approx(0.25 * 0.75 + 0.75 * 0.25)  # full size only


def test_equal_pictures_are_at_distance_zero() -> None:
    image = torch.rand(2, 3, 16, 16)
    assert PerceptualLoss(PlainTaps(), weights=(1.0, 1.0))(image, image).item() == 0


def test_the_gradient_reaches_the_image_only_and_points_away_from_the_target() -> None:
    image = torch.full((1, 3, 16, 16), 0.6, requires_grad=True)
    target = torch.full((1, 3, 16, 16), 0.4, requires_grad=True)
    loss = PerceptualLoss(PlainTaps(), weights=(1.0, 1.0))(image, target)
    gradient, none = torch.autograd.grad(loss, (image, target), allow_unused=True)
    assert gradient.min() > 0
    assert none is None


def test_half_precision_pictures_give_a_float32_loss() -> None:
    image = torch.rand(1, 3, 16, 16).bfloat16()
    assert PerceptualLoss(PlainTaps(), weights=(1.0, 1.0))(image, 1 - image).dtype == torch.float32


def test_settings_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match="weights"):
        PerceptualLoss(PlainTaps())
    with pytest.raises(ConfigError, match="scales"):
        PerceptualLoss(PlainTaps(), weights=(1.0, 1.0), scales=0)
