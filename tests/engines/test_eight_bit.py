"""Which convolutions are rounded to 8 bits, by how much, and that the result stays what it was."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facewire.engines.graphs.eight_bit import HEADROOM, LEVELS, fit_for_eight_bits, reaches
from facewire.engines.graphs.inference_graph import record, reduced
from facewire.geometry.warp import warp_image

aten = torch.ops.aten


class Network(nn.Module):
    """A field with a residual block and a mask, a sampler, and a generator with a residual block."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.steer = nn.Conv2d(3, 8, 3, padding=1)
        self.steer_block = nn.Conv2d(8, 8, 3, padding=1)
        self.flow = nn.Conv2d(8, 2, 3, padding=1)
        self.shown = nn.Conv2d(8, 1, 3, padding=1)
        self.enter = nn.Conv2d(3, 8, 3, padding=1)
        self.first = nn.Conv2d(8, 8, 3, padding=1)
        self.second = nn.Conv2d(8, 8, 3, padding=1)
        self.finish = nn.Conv2d(8, 3, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """(1, 3, 16, 16) -> (1, 3, 16, 16)."""
        x = F.relu(self.steer(image))
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
def test_nothing_that_steers_a_sampler_or_stands_beside_it_is_rounded(image: Tensor) -> None:
    graph = record(Network(), (image,))
    chosen = [str(node.args[1]) for node in fit_for_eight_bits(graph.graph)]
    assert chosen == ["first_weight", "second_weight", "finish_weight"]


@pytest.mark.slow
def test_the_reach_is_the_largest_value_on_any_sample(image: Tensor) -> None:
    network = Network()
    graph = record(network, (image,))
    nodes = fit_for_eight_bits(graph.graph)
    seen: list[float] = []
    network.first.register_forward_pre_hook(lambda _, args: seen.append(float(args[0].max())))
    with torch.no_grad():
        network(image), network(0.2 * image)
    reach = reaches(graph, nodes, [(0.2 * image,), (image,)])
    assert reach[nodes[0]] == pytest.approx(max(seen), rel=1e-5)


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
    steps = [
        node.args[1]
        for node in rounded.graph.nodes
        if node.target is aten.fake_quantize_per_tensor_affine.default
    ]
    reach = reaches(graph, fit_for_eight_bits(graph.graph), [(image,)])
    assert steps == [pytest.approx(HEADROOM * value / LEVELS) for value in reach.values()]
