"""From a trained module to the graph that runs live: recorded once, then rewritten without changing what it computes.

    module --record--> operators --split_source--> once per person  +  per frame
                                 --portable-->      4-D sampling only, nothing written in place, products for resizing
                                 --reduced-->       convolutions in bfloat16, coordinates in float32

The rewriting looks at operators only and knows no network, so a change of a network needs no change here.
Every rewritten graph is compared with its module in tests/engines/test_inference_graph.py.

The 5-D sampler is what most engines refuse. A volume is therefore sampled as a picture in which its planes lie one
below the other: at the plane before and at the plane behind, then blended in z.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.fx import Graph, GraphModule, Node
from torch.fx.passes.shape_prop import ShapeProp

from facewire.engines.graphs.eight_bit import CONVOLUTIONS, ELEMENTWISE, fit_for_eight_bits, quantise, reaches
from facewire.engines.graphs.linear_resampling import KEEP, enlarge_by_products, pooled, pooled_to, shrunk
from facewire.engines.graphs.upsampled_convolution import (
    PADDING,
    STRIDE,
    is_doubling,
    is_plain_3x3,
    phases,
    transposed,
)

aten = torch.ops.aten

REDUCED_OPERATORS = frozenset(
    {
        aten.relu.default,
        aten.add.Tensor,
        aten.cat.default,
        aten.upsample_nearest2d.vec,
        aten.leaky_relu.default,
    }
)
"""What stays in the number format of the convolutions around it."""
BROUGHT_TOGETHER = frozenset({aten.cat.default, aten.mul.Tensor, aten.clone.default})
"""What maps go through on their way into a convolution, and may go through in its number format."""
MANY_DIMENSIONS = 4
"""Of more, reductions are slow."""
SLOW_NUMBER = 4
"""OpenVINO takes four times as long to bring maps from planes to channels-last where this divides their number."""


def record(module: nn.Module, examples: Sequence[Tensor]) -> GraphModule:
    """Return the operators that a module applies to inputs of the examples' shapes, in portable form."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of its own inner workings
        program = torch.export.export(module.eval(), tuple(examples), strict=False)
        graph_module = program.run_decompositions(_PORTABLE).module(check_guards=False)
        ShapeProp(graph_module).propagate(*examples)
    for node in list(graph_module.graph.nodes):
        _simplify(graph_module.graph, node)
    for node in list(graph_module.graph.nodes):
        enlarge_by_products(graph_module, node)
    graph_module.graph.eliminate_dead_code()
    ShapeProp(graph_module).propagate(*examples)
    return _finished(graph_module)


def split_source(graph_module: GraphModule, sources: int) -> tuple[GraphModule, GraphModule]:
    """Return (once per person, per frame): all work that needs only the first `sources` inputs is done once.

    The first graph takes those inputs and returns a tuple; the second takes that tuple's tensors, then the other
    inputs, and returns a tuple too.
    """
    inputs = [node for node in graph_module.graph.nodes if node.op == "placeholder"]
    moving = set(inputs[sources:])
    steady = set(inputs[:sources])
    for node in graph_module.graph.nodes:
        if node.op in ("placeholder", "get_attr"):
            continue
        if moving.intersection(node.all_input_nodes):
            moving.add(node)
        elif steady.intersection(node.all_input_nodes):
            steady.add(node)
    border = [
        node
        for node in graph_module.graph.nodes
        if node in steady and any(user in moving or user.op == "output" for user in node.users)
    ]
    once, frame = Graph(), Graph()
    kept: dict[Node, Node] = {}
    for node in graph_module.graph.nodes:
        if node.op != "output" and node not in moving:
            kept[node] = once.node_copy(node, lambda old: kept[old])
    once.output(tuple(kept[node] for node in border))
    again: dict[Node, Node] = {}
    for node in border:
        again[node] = frame.placeholder(f"kept_{node.name}")
        again[node].meta = dict(node.meta)
    for node in graph_module.graph.nodes:
        if node not in steady:
            again[node] = frame.node_copy(node, lambda old: again[old])
    return _finished(GraphModule(graph_module, once)), _finished(GraphModule(graph_module, frame))


def reduced(
    graph_module: nn.Module, dtype: torch.dtype, samples: Sequence[Sequence[Tensor]] = ()
) -> GraphModule:
    """Return the graph with its convolutions, and what lies between them, in another number format.

    A convolution over joined maps becomes a sum of convolutions where some of the maps come from convolutions and
    others from samplers: the two kinds lie differently in memory, and joining them costs more than the sum.
    One over doubled maps becomes a transposed one. float32 changes only that, and with samples what is slow on
    processors without bfloat16. The result returns a tuple.

    Args:
        graph_module: of `record` or `split_source`.
        dtype: of the convolutions.
        samples: inputs; where there are any, convolutions that bear it are rounded to 8 bits (eight_bit.py).
    """
    assert isinstance(graph_module, GraphModule)
    copied = GraphModule(graph_module, _copy(graph_module.graph))
    inside = _between_convolutions(copied.graph)
    for node in list(copied.graph.nodes):
        if node.target is aten.conv2d.default:
            _split_joined(copied, node, inside)
    for node in list(copied.graph.nodes):
        if node.target is aten.conv2d.default:
            _without_doubling(copied, node)
    if samples and dtype == torch.float32:
        _without_slow_kernels(copied)
    reach = reaches(copied, fit_for_eight_bits(copied.graph), samples) if samples else {}
    precise = quantise(copied, reach)
    if dtype != torch.float32:
        _cast(copied, _between_convolutions(copied.graph, precise), dtype)
    return _finished(copied)


def sample_planes(volume: Tensor, flow: Tensor) -> Tensor:
    """Return what the trilinear sampler reads from a volume (B, C, D, H, W) at flow (B, D', H', W', 3).

    Zeros outside, corners aligned. A plane of zeros goes before and behind, and a row of zeros between planes, so
    that a row beside a plane never reads its neighbour.
    """
    batch, channels, depth, height, width = volume.shape
    planes = F.pad(volume, (0, 0, 0, 1, 1, 1)).reshape(batch, channels, -1, width)
    rows = planes.shape[2]
    z = ((flow[..., 2:] + 1) * ((depth - 1) / 2)).clamp(-1, depth)
    near = z.floor().clamp(-1, depth - 1)
    share = (z - near).squeeze(-1).unsqueeze(1)
    # x and y stay side by side, as the sampler wants them. A cell beyond the border is as far as any.
    for_y = torch.arange(2, device=flow.device, dtype=flow.dtype)
    across, down = (1 + 2 / max(1, side - 1) for side in (width, height))
    border = across + (down - across) * for_y
    inside = torch.minimum(torch.maximum(flow[..., :2], -border), border)
    row = for_y * (2 / (rows - 1))
    scale = 1 - for_y + (height - 1) / 2 * row
    sides = []
    for plane in (near + 1, near + 2):
        places = inside * scale + (plane * (height + 1) + (height - rows) / 2) * row
        flat = places.reshape(batch, -1, places.shape[3], 2)
        read = aten.grid_sampler.default(planes, flat, 0, 0, True)
        sides.append(read.reshape(batch, channels, *flow.shape[1:4]))
    blended: Tensor = sides[0] * (1 - share) + sides[1] * share
    return blended


def _sampler(volume: Tensor, flow: Tensor, mode: int, padding: int, corners: bool) -> Tensor:
    if volume.ndim != 5 or (mode, padding, corners) != (0, 0, True):
        return KEEP
    return sample_planes(volume, flow)


def _without_nan(x: Tensor, nan: float | None = None, *rest: float | None) -> Tensor:
    return torch.where(torch.isnan(x), 0.0 if nan is None else nan, x)


def _written_tail(whole: Tensor, part: Tensor, dim: int = 0, start: int = 0, *rest: int) -> Tensor:
    """Return `whole` with its end replaced; what a write in place becomes."""
    if start + part.shape[dim] != whole.shape[dim]:
        return KEEP
    return torch.cat((whole.narrow(dim, 0, start), part), dim=dim)


def _flat(reduce: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return a reduction along one dimension that lays those behind it one after the other, where they are many.

    Up to four dimensions OpenVINO has kernels that take a third of the time.
    """

    def reduced_flat(x: Tensor, dim: Sequence[int] | int = (), keepdim: bool = False, **more: Any) -> Tensor:
        dims = [dim] if isinstance(dim, int) else list(dim)
        if len(dims) != 1 or more or x.ndim <= MANY_DIMENSIONS:
            return KEEP
        along = dims[0] % x.ndim
        behind = x.shape[along + 1 :]
        if len(behind) < 2:
            return KEEP
        reduced: Tensor = reduce(x.flatten(along + 1), dims=[along], keepdim=keepdim).unflatten(-1, behind)
        return reduced

    return reduced_flat


_PORTABLE: dict[Any, Callable[..., Any]] = {
    aten.amin.default: _flat(lambda x, dims, keepdim: x.amin(dims, keepdim)),
    aten.amax.default: _flat(lambda x, dims, keepdim: x.amax(dims, keepdim)),
    aten.mean.dim: _flat(lambda x, dims, keepdim: x.mean(dims, keepdim)),
    aten.grid_sampler.default: _sampler,
    aten.nan_to_num.default: _without_nan,
    aten.slice_scatter.default: _written_tail,
    aten._upsample_bilinear2d_aa.default: shrunk,
    aten._upsample_bilinear2d_aa.vec: shrunk,
    aten.avg_pool2d.default: pooled,
    aten._adaptive_avg_pool2d.default: pooled_to,
    aten.adaptive_avg_pool2d.default: pooled_to,
}


def _between_convolutions(graph: Graph, precise: Collection[Node] = ()) -> set[Node]:
    """Return the convolutions and all nodes whose every tensor comes from one of them, but for the precise ones."""
    inside: set[Node] = set()
    for node in graph.nodes:
        if node not in precise and (
            node.target in CONVOLUTIONS
            or _is_view_of_maps(node)
            or (
                node.target in REDUCED_OPERATORS
                and node.all_input_nodes
                and inside.issuperset(node.all_input_nodes)
            )
        ):
            inside.add(node)
    return inside


def _is_view_of_maps(node: Node) -> bool:
    """Return whether a node gives another shape to what convolutions made, for which it has to lie in planes.

    OpenVINO brings maps from channels-last to planes ten times as fast in bfloat16 as in float32.
    """
    if node.target is not aten.view.default:
        return False
    made = _argument(node, 0)
    while made.target in ELEMENTWISE:
        made = made.all_input_nodes[0]
    return made.target in CONVOLUTIONS


def _split_joined(module: GraphModule, convolution: Node, inside: set[Node]) -> None:
    """Replace a convolution over a join of both kinds of maps by a sum of two."""
    joined, weight, *settings = convolution.args
    bias = settings.pop(0) if settings else None
    if not isinstance(joined, Node) or joined.target is not aten.cat.default or joined in inside:
        return
    parts = list(joined.args[0])  # type: ignore[arg-type]
    groups = [[p for p in parts if p in inside], [p for p in parts if p not in inside]]
    if not all(groups):
        return
    sizes = [_shape(part)[1] for part in parts]
    stored = _attribute(module, str(weight.target)).detach()  # type: ignore[union-attr]
    by_part = dict(zip(parts, stored.split(sizes, dim=1), strict=True))
    graph, sums = module.graph, []
    with graph.inserting_before(convolution):
        if sum(_shape(part)[1] for part in groups[1]) % SLOW_NUMBER == 0:
            zeros = f"{convolution.name}_zeros"
            module.register_buffer(zeros, torch.zeros(1, 1, *_shape(joined)[2:]))
            groups[1].append(graph.get_attr(zeros))
            by_part[groups[1][-1]] = torch.zeros_like(stored[:, :1])
        for number, group in enumerate(groups):
            name = f"{convolution.name}_part{number}"
            module.register_buffer(name, torch.cat([by_part[part] for part in group], dim=1).contiguous())
            maps = group[0] if len(group) == 1 else graph.call_function(aten.cat.default, (group, 1))
            args = (maps, graph.get_attr(name), bias if number == 0 else None, *settings)
            sums.append(graph.call_function(aten.conv2d.default, args))
        convolution.replace_all_uses_with(graph.call_function(aten.add.Tensor, tuple(sums)))
    graph.erase_node(convolution)


def _without_doubling(module: GraphModule, convolution: Node) -> None:
    """Let a convolution read the maps before they are doubled."""
    doubled, weight, bias, *_ = (*convolution.args, None)  # of two arguments where there is no bias
    if not is_doubling(doubled):
        return
    stored = _attribute(module, str(weight.target)).detach()  # type: ignore[union-attr]
    if not is_plain_3x3(convolution, stored):
        return
    name = f"{convolution.name}_transposed"
    module.register_buffer(name, transposed(stored))
    graph = module.graph
    with graph.inserting_before(convolution):
        args = (doubled.args[0], graph.get_attr(name), bias, STRIDE, PADDING)  # type: ignore[union-attr]
        convolution.replace_all_uses_with(graph.call_function(aten.conv_transpose2d.input, args))
    graph.erase_node(convolution)


def _without_slow_kernels(module: GraphModule) -> None:
    """Replace what takes OpenVINO long without bfloat16: transposed convolutions of bytes, maps brought to planes."""
    for node in list(module.graph.nodes):
        if node.target is aten.conv_transpose2d.input:
            _in_phases(module, node)
        elif _is_view_of_maps(node):
            _by_cells(module.graph, node)


def _in_phases(module: GraphModule, transposed_one: Node) -> None:
    """Let a plain convolution make the four cells of every square, and lay them out."""
    maps, weight, bias, *_ = transposed_one.args
    graph, name = module.graph, f"{transposed_one.name}_phases"
    module.register_buffer(name, phases(_attribute(module, str(weight.target)).detach()))  # type: ignore[union-attr]
    with graph.inserting_before(transposed_one):
        if isinstance(bias, Node):
            by_cell = _attribute(module, str(bias.target)).detach().repeat_interleave(4)
            module.register_buffer(f"{name}_bias", by_cell)
            bias = graph.get_attr(f"{name}_bias")
        made = graph.call_function(aten.conv2d.default, (maps, graph.get_attr(name), bias, [1, 1], [1, 1]))
        made = graph.call_function(aten.pixel_shuffle.default, (made, 2))
        for side in (2, 3):
            made = graph.call_function(aten.slice.Tensor, (made, side, 1, -1))
        made = graph.call_function(aten.clone.default, (made,), {"memory_format": torch.contiguous_format})
        transposed_one.replace_all_uses_with(made)
    graph.erase_node(transposed_one)


def _by_cells(graph: Graph, view: Node) -> None:
    """Bring maps to planes as a picture one cell wide, for which OpenVINO has a faster kernel."""
    maps = _argument(view, 0)
    with graph.inserting_before(view):
        cells = graph.call_function(aten.permute.default, (maps, [0, 2, 3, 1]))
        column = graph.call_function(aten.reshape.default, (cells, [1, -1, 1, _shape(maps)[1]]))
        planes = graph.call_function(aten.permute.default, (column, [0, 3, 1, 2]))
    view.replace_input_with(maps, planes)
    view.target = aten.reshape.default


def _cast(module: GraphModule, inside: set[Node], dtype: torch.dtype) -> None:
    """Let the nodes compute in a number format, with casts where others feed them or read them."""
    graph = module.graph
    nodes = [node for node in graph.nodes if node in inside]
    for node in nodes:
        if node.target in CONVOLUTIONS or _is_view_of_maps(node):
            for argument in node.args[:3]:
                if isinstance(argument, Node) and argument not in inside:
                    _cast_argument(graph, node, argument, dtype)
    for node in nodes:
        outside = [user for user in node.users if user not in inside and user.target is not aten.to.dtype]
        if outside:
            with graph.inserting_after(node):
                cast = graph.call_function(aten.to.dtype, (node, torch.float32))
            for user in outside:
                user.replace_input_with(node, cast)


def _cast_argument(graph: Graph, node: Node, argument: Node, dtype: torch.dtype) -> None:
    """Bring an argument into a number format; maps that nobody else reads, before they are joined or blanked."""
    if argument.target in BROUGHT_TOGETHER and len(argument.users) == 1:
        for part in argument.all_input_nodes:
            _cast_argument(graph, argument, part, dtype)
        return
    with graph.inserting_before(node):
        node.replace_input_with(argument, graph.call_function(aten.to.dtype, (argument, dtype)))


def _simplify(graph: Graph, node: Node) -> None:
    """Give a node the common name of what it does, or take it out if it does nothing."""
    if node.target is aten._to_copy.default:
        assert set(node.kwargs) == {"dtype"}, node.format_node()
        node.target, node.args, node.kwargs = aten.to.dtype, (node.args[0], node.kwargs["dtype"]), {}
    if node.target is aten._unsafe_view.default:
        node.target = aten.view.default
    if node.target is aten.copy.default:  # writes its second tensor over the first
        old, new = _argument(node, 0), _argument(node, 1)
        if _shape(old) == _shape(new):
            node.replace_all_uses_with(new)
    if node.target is aten.to.dtype and _argument(node, 0).meta["tensor_meta"].dtype == node.args[1]:
        node.replace_all_uses_with(_argument(node, 0))
    if node.target is aten._assert_tensor_metadata.default:
        graph.erase_node(node)


def _argument(node: Node, position: int) -> Node:
    argument = node.args[position]
    assert isinstance(argument, Node)
    return argument


def _shape(node: Any) -> tuple[int, ...]:
    return tuple(node.meta["tensor_meta"].shape)


def _attribute(module: nn.Module, path: str) -> Tensor:
    value: Tensor = operator.attrgetter(path)(module)
    return value


def _copy(graph: Graph) -> Graph:
    copied = Graph()
    output = copied.graph_copy(graph, {})
    copied.output(output)
    return copied


def _finished(module: GraphModule) -> GraphModule:
    module.graph.eliminate_dead_code()
    module.graph.lint()
    module.recompile()
    return module


def operators(module: GraphModule) -> Iterator[str]:
    """Yield the name of every operator of a graph."""
    for node in module.graph.nodes:
        if node.op == "call_function":
            yield str(node.target)
