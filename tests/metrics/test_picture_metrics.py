"""L1, PSNR, SSIM and MS-SSIM against scikit-image, torchmetrics and hand values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import skimage.data
import skimage.metrics
import torch
import torchmetrics.functional.image as functional
from numpy.typing import NDArray
from torch import Tensor

from facewire.base.errors import ShapeError
from facewire.metrics import ssim
from facewire.metrics.absolute_error import absolute_error
from facewire.metrics.ms_ssim import multiscale_similarity, single_and_multiscale
from facewire.metrics.psnr import EQUAL, peak_signal_to_noise

Pixels = NDArray[np.uint8]
PICTURES: Any = skimage.data
REFERENCE: Any = skimage.metrics


def picture(side: int = 192) -> Pixels:
    found: Pixels = PICTURES.astronaut()[:side, 120 : 120 + side]
    return np.ascontiguousarray(found)


def noisy(pixels: Pixels, strength: float) -> Pixels:
    noise = np.random.default_rng(1).normal(0, strength, pixels.shape)
    return (pixels + noise).clip(0, 255).astype(np.uint8)


def image(*pixels: Pixels) -> Tensor:
    return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() / 255


def test_l1_of_a_constant_shift_is_the_shift() -> None:
    a = torch.full((2, 3, 4, 4), 0.5)
    b = a.clone()
    b[1] += 10 / 255
    assert absolute_error(a, b).tolist() == pytest.approx([0.0, 10.0], abs=1e-4)


def test_l1_of_black_and_white_is_255() -> None:
    assert absolute_error(torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2)).item() == 255


@pytest.mark.parametrize("strength", [2, 20, 80])
def test_psnr_is_that_of_scikit_image(strength: float) -> None:
    truth = picture()
    result = noisy(truth, strength)
    expected = REFERENCE.peak_signal_noise_ratio(truth, result, data_range=255)
    assert peak_signal_to_noise(image(result), image(truth)).item() == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("strength", [2, 80])
def test_psnr_is_that_of_torchmetrics(strength: float) -> None:
    result, truth = image(noisy(picture(), strength), picture()[::-1]), image(picture(), picture())
    expected = functional.peak_signal_noise_ratio(
        result, truth, data_range=1.0, reduction="none", dim=(1, 2, 3)
    )
    assert peak_signal_to_noise(result, truth).tolist() == pytest.approx(expected.tolist(), abs=1e-4)


def test_psnr_of_equal_pictures_is_capped() -> None:
    same = image(picture(32))
    assert peak_signal_to_noise(same, same).item() == EQUAL


@pytest.mark.parametrize("strength", [2, 20, 80])
def test_ssim_is_that_of_scikit_image(strength: float) -> None:
    truth = picture()
    result = noisy(truth, strength)
    expected = REFERENCE.structural_similarity(
        truth,
        result,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        channel_axis=2,
    )
    found = ssim.structural_similarity(image(result), image(truth)).item()
    assert found == pytest.approx(expected, abs=2e-4)


def test_ssim_is_that_of_torchmetrics_without_its_mirrored_borders() -> None:
    result, truth = image(noisy(picture(), 20)), image(picture())
    whole, places = functional.structural_similarity_index_measure(
        result, truth, data_range=1.0, return_full_image=True
    )
    found = ssim.structural_similarity(result, truth).item()
    assert found == pytest.approx(places[..., 5:-5, 5:-5].mean().item(), abs=5e-5)
    assert found != pytest.approx(whole.item(), abs=1e-3)


def test_ssim_of_equal_pictures_is_one_and_of_a_negative_is_below_zero() -> None:
    same = image(picture(64))
    assert ssim.structural_similarity(same, same).item() == pytest.approx(1.0)
    checks = (torch.arange(64)[:, None] // 4 + torch.arange(64) // 4) % 2
    board = checks.float().expand(1, 3, 64, 64)
    assert ssim.structural_similarity(board, 1 - board).item() < -0.5


@pytest.mark.parametrize("strength", [5, 60])
def test_ms_ssim_is_that_of_torchmetrics(strength: float) -> None:
    truth = picture()
    result = noisy(truth, strength)
    # One channel at a time: torchmetrics multiplies the scales' means over channels, we take channels apart.
    a, b = image(result).transpose(0, 1), image(truth).transpose(0, 1)
    expected = functional.multiscale_structural_similarity_index_measure(
        a, b, data_range=1.0, reduction="none"
    )
    found = multiscale_similarity(image(result), image(truth)).item()
    assert found == pytest.approx(expected.mean().item(), abs=5e-4)


def test_ms_ssim_falls_with_noise_and_is_one_for_equal_pictures() -> None:
    truth = picture()
    values = [multiscale_similarity(image(noisy(truth, s)), image(truth)).item() for s in (0, 10, 40)]
    assert values[0] == pytest.approx(1.0, abs=1e-6)
    assert values[0] > values[1] > values[2] > 0


def test_both_similarities_at_once_are_those_one_by_one() -> None:
    truth, result = image(picture()), image(noisy(picture(), 15))
    single, multi = single_and_multiscale(result, truth)
    assert single == pytest.approx(ssim.structural_similarity(result, truth))
    assert multi == pytest.approx(multiscale_similarity(result, truth))


def test_pictures_of_a_batch_do_not_touch_each_other() -> None:
    a, b = picture(), noisy(picture(), 30)
    together = multiscale_similarity(image(b, a), image(a, a))
    assert together[0].item() == pytest.approx(multiscale_similarity(image(b), image(a)).item(), abs=1e-6)
    assert together[1].item() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("result", "truth"),
    [((1, 3, 8, 8), (1, 3, 8, 9)), ((1, 1, 8, 8), (1, 1, 8, 8)), ((3, 8, 8), (3, 8, 8))],
)
def test_wrong_shapes_are_refused(result: tuple[int, ...], truth: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError):
        absolute_error(torch.zeros(result), torch.zeros(truth))


def test_small_pictures_are_refused_where_the_window_does_not_fit() -> None:
    small = torch.zeros(1, 3, 100, 100)
    with pytest.raises(ShapeError, match="176"):
        multiscale_similarity(small, small)
