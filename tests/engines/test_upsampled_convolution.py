"""A convolution over doubled maps equals the transposed one and the plain one in its place, borders included."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from facewire.engines.graphs.upsampled_convolution import PADDING, STRIDE, phases, transposed


@given(
    seed=st.integers(0, 10_000),
    channels=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    size=st.tuples(st.integers(1, 6), st.integers(1, 6)),
)
@settings(max_examples=40, deadline=None)
def test_it_computes_the_same(seed: int, channels: tuple[int, int], size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(1, channels[0], *size, generator=generator)
    weight = torch.randn(channels[1], channels[0], 3, 3, generator=generator)
    bias = torch.randn(channels[1], generator=generator)
    expected = F.conv2d(F.interpolate(x, scale_factor=2.0, mode="nearest"), weight, bias, padding=1)
    made = F.conv_transpose2d(x, transposed(weight), bias, stride=STRIDE, padding=PADDING)
    torch.testing.assert_close(made, expected, atol=1e-4, rtol=1e-4)
    cells = F.conv2d(x, phases(transposed(weight)), bias.repeat_interleave(4), padding=1)
    plain = F.pixel_shuffle(cells, 2)[:, :, 1:-1, 1:-1]
    torch.testing.assert_close(plain, expected, atol=1e-4, rtol=1e-4)


def test_by_hand() -> None:
    """Ones everywhere: a window at the border misses a third of its cells."""
    weight = transposed(torch.ones(1, 1, 3, 3))
    assert weight[0, 0].tolist() == [[1, 2, 2, 1], [2, 4, 4, 2], [2, 4, 4, 2], [1, 2, 2, 1]]
    made = F.conv_transpose2d(torch.ones(1, 1, 2, 2), weight, stride=STRIDE, padding=PADDING)
    assert made[0, 0].tolist() == [[4, 6, 6, 4], [6, 9, 9, 6], [6, 9, 9, 6], [4, 6, 6, 4]]
