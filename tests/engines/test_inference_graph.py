"""Recorded and rewritten graphs compute what their modules compute."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from facewire.engines.graphs.inference_graph import operators, record, reduced, sample_planes, split_source
from facewire.geometry.warp import resize_flow, warp_image, warp_volume

aten = torch.ops.aten


@given(
    seed=st.integers(0, 10_000),
    sizes=st.tuples(*(st.integers(2, 6) for _ in range(3))),
    reach=st.floats(0.5, 3.0),
)
@settings(max_examples=40, deadline=None)
def test_planes_read_like_the_volume_sampler_inside_and_outside(
    seed: int, sizes: tuple[int, int, int], reach: float
) -> None:
    generator = torch.Generator().manual_seed(seed)
    volume = torch.randn(1, 2, *sizes, generator=generator)
    flow = reach * (2 * torch.rand(1, 3, 4, 5, 3, generator=generator) - 1)
    torch.testing.assert_close(sample_planes(volume, flow), warp_volume(volume, flow), atol=1e-4, rtol=1e-4)


def test_planes_read_cells_exactly_and_halfway_means() -> None:
    volume = torch.arange(8.0).view(1, 1, 2, 2, 2)
    flow = torch.tensor([[1.0, -1.0, 1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 2.0]]).view(1, 1, 1, 3, 3)
    torch.testing.assert_close(
        sample_planes(volume, flow).flatten(), torch.tensor([5.0, 3.5, 2.75]), atol=1e-5, rtol=0
    )


class Small(nn.Module):
    """Everything that the rewriting is for, in small: both samplers, a write in place, NaN, joined maps."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.enter = nn.Conv2d(3, 4, 3, padding=1)
        self.join = nn.Conv2d(4 + 3 + 2, 4, 3, padding=1)
        self.leave = nn.Conv2d(4, 3, 3, padding=1)
        self.tint = nn.Conv2d(3, 3, 1, bias=False)

    def forward(self, image: Tensor, volume: Tensor, shift: Tensor) -> Tensor:
        """image (1, 3, 16, 16), volume (1, 2, 2, 8, 8), shift (1, 2) -> (1, 3, 16, 16)."""
        steps = torch.linspace(-1, 1, 16)
        grid = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), dim=-1)[None] + shift
        moved = warp_image(image, grid)
        moved[:, 1:] *= 0.5
        flat = F.pad(grid, (0, 1))[:, None]
        deep = warp_volume(volume, flat).flatten(1, 2)
        prepared = torch.tanh(image) * 2
        small = F.interpolate(image, (8, 8), mode="bilinear", antialias=True)
        x = F.relu(self.enter(F.interpolate(small, scale_factor=2.0, mode="nearest")))
        x = F.relu(self.join(torch.cat((x, moved, deep), dim=1)))
        result: Tensor = self.leave(x + F.relu(x)) + self.tint(moved) + prepared / shift.sum()
        return result.nan_to_num(0.0)


@pytest.fixture(scope="module")
def inputs() -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(1)
    return (
        torch.rand(1, 3, 16, 16, generator=generator),
        torch.rand(1, 2, 2, 8, 8, generator=generator),
        torch.tensor([[0.2, -0.1]]),
    )


@pytest.mark.slow
def test_a_recorded_graph_is_portable_and_equal(inputs: tuple[Tensor, ...]) -> None:
    module = Small()
    graph = record(module, inputs)
    names = set(operators(graph))
    assert not names & {"aten.nan_to_num.default", "aten.slice_scatter.default", "aten.copy.default"}
    assert not any("upsample_bilinear2d_aa" in name or "_to_copy" in name for name in names)
    samplers = [node for node in graph.graph.nodes if node.target is aten.grid_sampler.default]
    assert {len(node.args[0].meta["tensor_meta"].shape) for node in samplers} == {4}
    with torch.no_grad():
        torch.testing.assert_close(graph(*inputs), module(*inputs), atol=1e-5, rtol=1e-5)
        other = (*inputs[:2], torch.tensor([[-0.7, 0.9]]))
        torch.testing.assert_close(graph(*other), module(*other), atol=1e-5, rtol=1e-5)


@pytest.mark.slow
def test_nothing_that_could_be_done_once_stays_in_the_frame_graph(inputs: tuple[Tensor, ...]) -> None:
    module = Small()
    once, frame = split_source(record(module, inputs), 2)
    assert "aten.tanh.default" in set(operators(once))
    assert "aten.tanh.default" not in set(operators(frame))
    kept = {node for node in frame.graph.nodes if node.op == "placeholder" and node.name.startswith("kept_")}
    for node in frame.graph.nodes:
        if node.op == "call_function" and node.all_input_nodes:
            assert not kept.issuperset(node.all_input_nodes), node.format_node()
    with torch.no_grad():
        buffers = once(*inputs[:2])
        (made,) = frame(*buffers, inputs[2])
        torch.testing.assert_close(made, module(*inputs), atol=1e-5, rtol=1e-5)


@pytest.mark.slow
def test_reduced_convolutions_keep_coordinates_in_float32(inputs: tuple[Tensor, ...]) -> None:
    module = Small()
    recorded = record(module, inputs)
    graph = reduced(recorded, torch.bfloat16)
    types: list[torch.dtype] = []

    class Watch(torch.fx.Interpreter):
        def call_function(self, target, args, kwargs):  # type: ignore[no-untyped-def]
            result = super().call_function(target, args, kwargs)
            if target is aten.grid_sampler.default:
                types.extend(argument.dtype for argument in args[:2])
            if target is aten.conv2d.default:
                assert result.dtype == torch.bfloat16
            return result

    with torch.no_grad():
        Watch(graph).run(*inputs)
        expected = module(*inputs)
        assert set(types) == {torch.float32}
        torch.testing.assert_close(graph(*inputs)[0], expected, atol=0.05, rtol=0.05)
        (plain,) = reduced(recorded, torch.float32)(*inputs)
        torch.testing.assert_close(plain, expected, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(recorded(*inputs), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.slow
def test_joined_maps_of_both_kinds_become_a_sum(inputs: tuple[Tensor, ...]) -> None:
    names = list(operators(reduced(record(Small(), inputs), torch.float32)))
    assert names.count("aten.conv2d.default") == 4
    assert names.count("aten.conv_transpose2d.input") == 1  # of the doubled maps
    assert "aten.upsample_nearest2d.vec" not in names


@pytest.mark.parametrize(("old", "new"), [((8, 8), (32, 16)), ((3, 5), (3, 9)), ((64, 64), (32, 32))])
def test_a_flow_is_enlarged_as_it_lies(old: tuple[int, int], new: tuple[int, int]) -> None:
    class Enlarge(nn.Module):
        def forward(self, flow: Tensor) -> Tensor:
            return resize_flow(flow, *new) + 1

    flow = torch.randn(2, *old, 3, generator=torch.Generator().manual_seed(2))
    graph = record(Enlarge(), (flow,))
    assert {"aten.permute.default", "aten.upsample_bilinear2d.vec"}.isdisjoint(operators(graph))
    torch.testing.assert_close(graph(flow), Enlarge()(flow), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "pool",
    [
        lambda x: F.avg_pool2d(x, (1, 7), stride=1, padding=(0, 3), count_include_pad=False),
        lambda x: F.avg_pool2d(x, (3, 5), stride=1, padding=(1, 2), count_include_pad=False),
        lambda x: F.interpolate(x, (4, 3), mode="area"),
    ],
)
def test_means_around_pixels_and_of_squares_become_products(pool: Callable[[Tensor], Tensor]) -> None:
    class Pool(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return pool(x)

    x = torch.randn(1, 2, 8, 12, generator=torch.Generator().manual_seed(2))
    graph = record(Pool(), (x,))
    assert not any("pool" in name for name in operators(graph))
    torch.testing.assert_close(graph(x), pool(x), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("reduce", "flat"),
    [
        (lambda x: x.amin(dim=2), True),
        (lambda x: x.amax(dim=-3, keepdim=True), True),
        (lambda x: x.mean(dim=1), True),
        (lambda x: x.amax(dim=4), False),
        (lambda x: x.mean(dim=(2, 3)), False),
        (lambda x: x[0].amin(dim=1), False),
    ],
)
def test_reductions_of_many_dimensions_are_of_few(reduce: Callable[[Tensor], Tensor], flat: bool) -> None:
    class Reduce(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return reduce(x)

    x = torch.randn(1, 2, 4, 3, 5, generator=torch.Generator().manual_seed(2))
    graph = record(Reduce(), (x,))
    assert torch.equal(graph(x), reduce(x))
    assert any("unflatten" in name or "view" in name for name in operators(graph)) == flat


@pytest.mark.slow
@pytest.mark.parametrize(
    "pool",
    [
        lambda x: F.avg_pool2d(x, 2),
        lambda x: F.avg_pool2d(x, 3, stride=1),
        lambda x: F.avg_pool2d(x, 3, stride=1, padding=1),
        lambda x: F.avg_pool2d(x, 2, padding=1),
        lambda x: F.avg_pool2d(x, 2, divisor_override=3),
        lambda x: F.avg_pool2d(x, 5),
    ],
)
def test_other_means_stay_pooling(pool: Callable[[Tensor], Tensor]) -> None:
    class Pool(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return pool(x)

    x = torch.randn(1, 2, 8, 12, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(record(Pool(), (x,))(x), pool(x), atol=1e-6, rtol=0)


@pytest.mark.parametrize(("old", "new"), [((8, 8), (32, 16)), ((3, 5), (3, 9)), ((64, 64), (256, 256))])
def test_enlarged_pictures_are_those_of_the_interpolation(old: tuple[int, int], new: tuple[int, int]) -> None:
    class Enlarge(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.interpolate(x, new, mode="bilinear", align_corners=True)

    x = torch.randn(1, 2, *old, generator=torch.Generator().manual_seed(2))
    graph = record(Enlarge(), (x,))
    assert not any("upsample" in name for name in operators(graph))
    torch.testing.assert_close(graph(x), Enlarge()(x), atol=1e-5, rtol=0)


def test_a_slow_number_of_maps_gets_one_of_zeros() -> None:
    class Joins(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.enter = nn.Conv2d(4, 4, 3, padding=1)
            self.join = nn.Conv2d(4 + 4, 4, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            joined: Tensor = self.join(torch.cat((self.enter(x), x * 2), dim=1))
            return joined

    x = torch.randn(1, 4, 6, 6, generator=torch.Generator().manual_seed(3))
    graph = reduced(record(Joins(), (x,)), torch.float32)
    (added,) = (tensor for name, tensor in graph.named_buffers() if name.endswith("zeros"))
    assert added.shape == (1, 1, 6, 6)
    torch.testing.assert_close(graph(x)[0], Joins()(x), atol=1e-5, rtol=1e-5)
