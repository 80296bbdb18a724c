"""Convolutions in 8-bit integers: which, how far their maps reach, and how the graph says so.

Twice as fast as bfloat16 where a processor multiplies bytes (VNNI, AMX), and only where the pictures stay the same:

- not the last two before a sampler's coordinates: what they round moves pixels;
- maps without negative values have 256 levels, others as many for both signs;
- maps that reach far and others that do not, in one convolution: each is brought to the same reach before, and its
  weights take it back.

How far maps reach is measured on samples that come with the graph; HEADROOM is for what real pictures do beyond them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.fx import Graph, GraphModule, Interpreter, Node

aten = torch.ops.aten

HEADROOM = 2.0
"""Real faces reach 0.6 to 2.1 times as far as the samples; see docs/lab."""
LEVELS, SIGNED_LEVELS = 255, 127
LEAST_REACH = 0.1
"""Of a map, as a share of that of the furthest one beside it: samples that open no eyes hardly reach in some."""
ELEMENTWISE = frozenset({aten.relu.default, aten.add.Tensor})
CONVOLUTIONS = frozenset({aten.conv2d.default, aten.conv_transpose2d.input})
KEPT_BEFORE_COORDINATES = 2
"""Convolutions before a sampler's coordinates that are not rounded."""


class Reach(NamedTuple):
    """How far the maps go that a convolution reads.

    by_map    (C,) largest magnitude
    signed    whether there are negative values
    """

    by_map: Tensor
    signed: bool


def fit_for_eight_bits(graph: Graph) -> list[Node]:
    """Return the convolutions that may be computed in 8-bit integers."""
    steering = _steering(graph)
    return [node for node in graph.nodes if node.target in CONVOLUTIONS and node not in steering]


def reaches(
    module: GraphModule, nodes: Sequence[Node], samples: Sequence[Sequence[Tensor]]
) -> dict[Node, Reach]:
    """Return how far the maps of each convolution go on any of the samples."""
    found: dict[Node, Reach] = {}

    class Watch(Interpreter):
        def run_node(self, n: Node) -> Any:
            if n in wanted:
                (maps, *_), _ = self.fetch_args_kwargs_from_env(n)
                by_map, signed = maps.abs().amax(dim=(0, 2, 3)), bool(maps.min() < 0)
                before = found.get(n, Reach(by_map, signed))
                found[n] = Reach(torch.maximum(before.by_map, by_map), before.signed or signed)
            return super().run_node(n)

    wanted, watch = set(nodes), Watch(module)
    with torch.no_grad():
        for sample in samples:
            watch.run(*sample)
    return found


def quantise(module: GraphModule, reach: Mapping[Node, Reach]) -> set[Node]:
    """Round what convolutions read and their weights to 8 bits; return all nodes that stay in float32 for it.

    Engines find the rounding around a convolution and compute with integers; what follows up to the next
    convolution is theirs to join to it, which casts in between would prevent.
    """
    for node, far in reach.items():
        if far.signed:
            far = _levelled(module, node, far)
        _round(module, node, far)
    precise = set(reach)
    for node in module.graph.nodes:
        if node.target in ELEMENTWISE and precise.intersection(node.all_input_nodes):
            precise.add(node)
    return precise


def _levelled(module: GraphModule, node: Node, reach: Reach) -> Reach:
    """Let every map of a convolution reach 1, and its weights take that back."""
    far = reach.by_map.clamp_min(max(LEAST_REACH * float(reach.by_map.max()), 1e-12))
    shape = [1, -1, 1, 1]
    weight_shape = [-1, 1, 1, 1] if node.target is aten.conv_transpose2d.input else shape
    for position, by, name in ((0, (1 / far).view(shape), "near"), (1, far.view(weight_shape), "far")):
        module.register_buffer(f"{node.name}_{name}", by)
        with module.graph.inserting_before(node):
            factor = module.graph.get_attr(f"{node.name}_{name}")
            product = module.graph.call_function(aten.mul.Tensor, (node.args[position], factor))
        node.update_arg(position, product)
    return Reach(torch.ones_like(far), reach.signed)


def _round(module: GraphModule, node: Node, reach: Reach) -> None:
    graph, axis = module.graph, int(node.target is aten.conv_transpose2d.input)
    weight = _computed(module, node.args[1])
    scale = weight.abs().amax(dim=[d for d in range(4) if d != axis]).clamp_min(1e-12) / SIGNED_LEVELS
    module.register_buffer(f"{node.name}_scale", scale)
    module.register_buffer(f"{node.name}_zero", torch.zeros_like(scale, dtype=torch.int32))
    largest = max(HEADROOM * float(reach.by_map.max()), 1e-6)
    least, most = (-SIGNED_LEVELS - 1, SIGNED_LEVELS) if reach.signed else (0, LEVELS)
    with graph.inserting_before(node):
        maps = graph.call_function(
            aten.fake_quantize_per_tensor_affine.default, (node.args[0], largest / most, 0, least, most)
        )
        rounded = graph.call_function(
            aten.fake_quantize_per_channel_affine.default,
            (
                node.args[1],
                graph.get_attr(f"{node.name}_scale"),
                graph.get_attr(f"{node.name}_zero"),
                axis,
                -SIGNED_LEVELS,
                SIGNED_LEVELS,
            ),
        )
    node.update_arg(0, maps)
    node.update_arg(1, rounded)


def _steering(graph: Graph) -> set[Node]:
    """Return the convolutions that a sampler's coordinates come from with fewer than so many others in between."""
    distance: dict[Node, int] = {}
    for node in reversed(graph.nodes):
        if node.target is aten.grid_sampler.default:
            distance[node.args[1]] = 0
        if node in distance:
            step = distance[node] + (node.target in CONVOLUTIONS)
            for given in node.all_input_nodes:
                distance[given] = min(step, distance.get(given, step))
    return {
        node
        for node, count in distance.items()
        if node.target in CONVOLUTIONS and count < KEPT_BEFORE_COORDINATES
    }


def _computed(module: GraphModule, weight: Any) -> Tensor:
    """Return a weight, or the product of one and a factor."""
    if weight.op != "get_attr":
        first, second = (_computed(module, part) for part in weight.args)
        return first * second
    owner, _, name = str(weight.target).rpartition(".")
    stored: Tensor = getattr(module.get_submodule(owner), name)
    return stored.detach()
