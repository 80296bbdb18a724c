"""Which convolutions are rounded to 8 bits, by how much, and that the result stays what it was."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facewire.engines.graphs.eight_bit import (
    HEADROOM,
    LEVELS,
    SIGNED_LEVELS,
    fit_for_eight_bits,
    reaches,
)
from facewire.engines.graphs.inference_graph import record, reduced
from facewire.geometry.warp import warp_image

aten = torch.ops.aten


class Network(nn.Module):
    """A field that looks, with a residual block and a mask, a sampler, and a generator with a residual block."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.look = nn.Conv2d(3, 8, 3, padding=1)
        self.steer = nn.Conv2d(8, 8, 3, padding=1)
        self.steer_block = nn.Conv2d(8, 8, 3, padding=1)
        self.flow = nn.Conv2d(8, 2, 3, padding=1)
        self.shown = nn.Conv2d(8, 1, 3, padding=1)
        self.enter = nn.Conv2d(3, 8, 3, padding=1)
        self.first = nn.Conv2d(8, 8, 3, padding=1)
        self.second = nn.Conv2d(8, 8, 3, padding=1)
        self.finish = nn.Conv2d(8, 3, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """(1, 3, 16, 16) -> (1, 3, 16, 16)."""
        x = F.relu(self.steer(F.relu(self.look(image - 0.5))))
        x = x + self.steer_block(F.relu(x))
        features = F.relu(x)
        flow = torch.tanh(self.flow(features)).permute(0, 2, 3, 1)
        x = self.enter(warp_image(image, flow) * torch.sigmoid(self.shown(features)))
        x = x + self.second(F.relu(self.first(F.relu(x))))
        result: Tensor = torch.sigmoid(self.finish(F.relu(x)) + image)
        return result


@pytest.fixture(scope="module")
def image() -> Tensor:
    return torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))


@pytest.mark.slow
def test_the_last_convolutions_before_a_samplers_coordinates_are_not_rounded(image: Tensor) -> None:
    graph = record(Network(), (image,))
    chosen = [str(node.args[1]).removesuffix("_weight") for node in fit_for_eight_bits(graph.graph)]
    assert chosen == ["look", "shown", "enter", "first", "second", "finish"]


@pytest.mark.slow
def test_the_reach_is_the_largest_value_of_each_map_on_any_sample(image: Tensor) -> None:
    network = Network()
    graph = record(network, (image,))
    look, *_, finish = fit_for_eight_bits(graph.graph)
    seen: list[Tensor] = []
    network.finish.register_forward_pre_hook(lambda _, args: seen.append(args[0].amax(dim=(0, 2, 3))))
    with torch.no_grad():
        network(image), network(0.2 * image)
    reach = reaches(graph, (look, finish), [(0.2 * image,), (image,)])
    assert reach[look].signed
    assert not reach[finish].signed
    torch.testing.assert_close(reach[finish].by_map, torch.maximum(*seen))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_rounded_pictures_are_nearly_the_same(image: Tensor, dtype: torch.dtype) -> None:
    network = Network()
    graph = record(network, (image,))
    rounded = reduced(graph, dtype, [(image,)])
    with torch.no_grad():
        expected = network(image)
        (made,) = rounded(image)
        error = (made - expected).square().mean().sqrt()
    assert 0 < float(error) < 0.01
    kinds = [
        node.args[3:]
        for node in rounded.graph.nodes
        if node.target is aten.fake_quantize_per_tensor_affine.default
    ]
    assert kinds == [(-128, 127), *[(0, LEVELS)] * 5]  # what is looked at has negative values


class Doubles(nn.Module):
    """A convolution, one over doubled maps, and the maps of both in another shape."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.enter = nn.Conv2d(3, 8, 3, padding=1)
        self.finish = nn.Conv2d(8, 6, 3, padding=1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(1, 3, 16, 16) -> (1, 2, 4, 256), (1, 2, 3, 1024)."""
        maps = F.relu(self.enter(image))
        doubled = self.finish(F.interpolate(maps, scale_factor=2.0, mode="nearest"))
        return maps.view(1, 2, 4, -1) * 2, doubled.view(1, 2, 3, -1) * 2


@pytest.mark.parametrize(
    ("dtype", "doubles"),
    [(torch.float32, aten.pixel_shuffle.default), (torch.bfloat16, aten.conv_transpose2d.input)],
)
def test_doubled_maps_go_through_convolutions_that_are_fast_in_bytes(
    image: Tensor, dtype: torch.dtype, doubles: Any
) -> None:
    network = Doubles()
    rounded = reduced(record(network, (image,)), dtype, [(image,)])
    used = [node.target for node in rounded.graph.nodes]
    assert {*used} & {aten.pixel_shuffle.default, aten.conv_transpose2d.input} == {doubles}
    assert used.count(aten.fake_quantize_per_channel_affine.default) == 2
    with torch.no_grad():
        for made, expected in zip(rounded(image), network(image), strict=True):
            assert 0 < float((made - expected).square().mean().sqrt()) < 0.01


def test_maps_that_reach_far_leave_the_others_their_levels() -> None:
    class Weighs(nn.Module):
        weight: Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("weight", torch.tensor([1.0, 0.125]).view(1, 2, 1, 1))

        def forward(self, maps: Tensor) -> Tensor:
            return F.conv2d(maps, self.weight)

    maps = torch.rand(1, 2, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1
    maps[:, 1] *= 8
    graph = record(Weighs(), (maps,))
    error = reduced(graph, torch.float32, [(maps,)])(maps)[0] - graph(maps)[0]
    half_a_step = HEADROOM / SIGNED_LEVELS / 2
    assert 0 < float(error.abs().max()) <= 2.2 * half_a_step  # of two maps, and what is off of their weights
