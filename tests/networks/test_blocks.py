"""Blocks: exact layers, rasters, skips."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from facewire.networks.paper.blocks2d import (
    DownBlock2d,
    ResBlock2d,
    ResBottleneck,
    UpBlock2d,
    conv2d,
    resize_image,
)
from facewire.networks.paper.blocks3d import DownBlock3d, ResBlock3d, UpBlock3d, conv3d


@pytest.mark.parametrize(
    ("block", "shape", "result"),
    [
        (DownBlock2d(2, 6), (1, 2, 8, 12), (1, 6, 4, 6)),
        (UpBlock2d(6, 2), (1, 6, 4, 6), (1, 2, 8, 12)),
        (ResBlock2d(4), (1, 4, 5, 7), (1, 4, 5, 7)),
        (ResBottleneck(8, 8), (1, 8, 6, 6), (1, 8, 6, 6)),
        (ResBottleneck(8, 8, stride=2), (1, 8, 6, 6), (1, 8, 3, 3)),
        (ResBottleneck(4, 8), (1, 4, 6, 6), (1, 8, 6, 6)),
        (DownBlock3d(2, 6), (1, 2, 3, 8, 12), (1, 6, 3, 4, 6)),
        (UpBlock3d(6, 2), (1, 6, 3, 4, 6), (1, 2, 3, 8, 12)),
        (ResBlock3d(4), (1, 4, 3, 5, 7), (1, 4, 3, 5, 7)),
    ],
)
def test_rasters(block: nn.Module, shape: tuple[int, ...], result: tuple[int, ...]) -> None:
    assert block.eval()(torch.rand(shape)).shape == result


def _layers(block: nn.Module) -> list[tuple[str, str]]:
    return [(name, type(child).__name__) for name, child in block.named_children()]


def test_exact_layers() -> None:
    assert _layers(DownBlock2d(4, 8)) == [("conv", "Conv2d"), ("norm", "BatchNorm2d")]
    assert _layers(UpBlock2d(4, 8)) == [("conv", "Conv2d"), ("norm", "BatchNorm2d")]
    assert _layers(DownBlock3d(4, 8)) == [("conv", "Conv3d"), ("norm", "BatchNorm3d")]
    assert _layers(UpBlock3d(4, 8)) == [("conv", "Conv3d"), ("norm", "BatchNorm3d")]
    pre = [("norm1", "BatchNorm{}d"), ("conv1", "Conv{}d"), ("norm2", "BatchNorm{}d"), ("conv2", "Conv{}d")]
    assert _layers(ResBlock2d(4)) == [(name, kind.format(2)) for name, kind in pre]
    assert _layers(ResBlock3d(4)) == [(name, kind.format(3)) for name, kind in pre]
    kernels = [
        (c.kernel_size, c.out_channels) for c in ResBottleneck(8, 8).children() if isinstance(c, nn.Conv2d)
    ]
    assert kernels == [((1, 1), 2), ((3, 3), 2), ((1, 1), 8)]


def test_the_skip_is_plain_only_where_nothing_changes() -> None:
    assert isinstance(ResBottleneck(8, 8).skip, nn.Identity)
    assert isinstance(ResBottleneck(8, 8, stride=2).skip, nn.Sequential)
    assert isinstance(ResBottleneck(4, 8).skip, nn.Sequential)


@pytest.mark.parametrize("block", [ResBlock2d(4), ResBlock3d(4)])
def test_a_residual_block_of_zero_weights_is_identity(block: nn.Module) -> None:
    for parameter in block.parameters():
        nn.init.zeros_(parameter)
    x = torch.rand(1, 4, 3, 5, 5)[:, :, 0] if isinstance(block, ResBlock2d) else torch.rand(1, 4, 3, 5, 5)
    assert torch.equal(block.eval()(x), x)


def test_a_down_block_by_hand() -> None:
    block = DownBlock2d(1, 1).eval()
    nn.init.dirac_(block.conv.weight)
    nn.init.zeros_(block.conv.bias) if block.conv.bias is not None else None
    block.norm.eps = 0.0
    x = torch.tensor([[1.0, -3.0], [3.0, 4.0]])[None, None]
    assert block(x).item() == pytest.approx(2.0)  # mean of 1, 0, 3, 4: ReLU before the pool


def test_spectral_norm_bounds_the_gain() -> None:
    torch.manual_seed(0)
    conv = conv2d(4, 6, 3, spectral=True).train()
    for _ in range(100):
        conv(torch.rand(1, 4, 5, 5))
    assert torch.linalg.matrix_norm(conv.weight.flatten(1), 2).item() == pytest.approx(1.0, abs=1e-2)
    assert parametrize.is_parametrized(conv)
    assert not parametrize.is_parametrized(conv2d(4, 6, 3))


@pytest.mark.parametrize("kernel", [1, 3, 7])
def test_convolutions_keep_the_raster(kernel: int) -> None:
    assert conv2d(1, 1, kernel)(torch.rand(1, 1, 8, 8)).shape == (1, 1, 8, 8)
    assert conv3d(1, 1, kernel)(torch.rand(1, 1, 2, 8, 8)).shape == (1, 1, 2, 8, 8)


def test_shrinking_a_picture_averages() -> None:
    checkerboard = (torch.arange(16)[:, None] + torch.arange(16)) % 2
    small = resize_image(checkerboard[None, None].float(), 4)
    torch.testing.assert_close(small, torch.full((1, 1, 4, 4), 0.5), atol=0.02, rtol=0)
    assert resize_image(small, 4) is small
