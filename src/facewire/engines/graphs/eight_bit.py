"""Convolutions in 8-bit integers: which, how far their maps reach, and how the graph says so.

Twice as fast as bfloat16 where a processor multiplies bytes (VNNI, AMX), and only where the pictures stay the same:

- never where a sampler's coordinates follow, or beside it: a rounded mask moves pixels;
- only maps without negative values, which then have 256 levels and not 128.

What is left are the residual blocks between the samplers and the picture, and the last convolution. How far their
maps reach is measured on samples that come with the graph; HEADROOM is for what real pictures do beyond them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.fx import Graph, GraphModule, Interpreter, Node

aten = torch.ops.aten

HEADROOM = 3.0
"""Real faces reach 1.0 to 2.1 times as far as the samples; see docs/lab."""
LEVELS, WEIGHT_LEVELS = 255, 127
ELEMENTWISE = frozenset({aten.relu.default, aten.add.Tensor})


def fit_for_eight_bits(graph: Graph) -> list[Node]:
    """Return the convolutions that may be computed in 8-bit integers."""
    steering = _steering(graph)
    return [
        node
        for node in graph.nodes
        if node.target is aten.conv2d.default
        and isinstance(node.args[0], Node)
        and node.args[0].target is aten.relu.default
        and steering.isdisjoint((node, node.args[0]))
    ]


def reaches(
    module: GraphModule, nodes: Sequence[Node], samples: Sequence[Sequence[Tensor]]
) -> dict[Node, float]:
    """Return the largest value that each convolution reads on any of the samples."""
    largest = dict.fromkeys(nodes, 0.0)

    class Watch(Interpreter):
        def run_node(self, n: Node) -> Any:
            if n in largest:
                (maps, *_), _ = self.fetch_args_kwargs_from_env(n)
                largest[n] = max(largest[n], float(maps.max()))
            return super().run_node(n)

    watch = Watch(module)
    with torch.no_grad():
        for sample in samples:
            watch.run(*sample)
    return largest


def quantise(module: GraphModule, reach: Mapping[Node, float]) -> set[Node]:
    """Round what convolutions read and their weights to 8 bits; return all nodes that stay in float32 for it.

    Engines find the rounding around a convolution and compute with integers; what follows up to the next
    convolution is theirs to join to it, which casts in between would prevent.
    """
    graph = module.graph
    for node, largest in reach.items():
        weight = _weight(module, node)
        scale = weight.abs().amax(dim=(1, 2, 3)).clamp_min(1e-12) / WEIGHT_LEVELS
        module.register_buffer(f"{node.name}_scale", scale)
        module.register_buffer(f"{node.name}_zero", torch.zeros_like(scale, dtype=torch.int32))
        step = max(HEADROOM * largest, 1e-6) / LEVELS
        with graph.inserting_before(node):
            maps = graph.call_function(
                aten.fake_quantize_per_tensor_affine.default, (node.args[0], step, 0, 0, LEVELS)
            )
            rounded = graph.call_function(
                aten.fake_quantize_per_channel_affine.default,
                (
                    node.args[1],
                    graph.get_attr(f"{node.name}_scale"),
                    graph.get_attr(f"{node.name}_zero"),
                    0,
                    -WEIGHT_LEVELS,
                    WEIGHT_LEVELS,
                ),
            )
        node.update_arg(0, maps)
        node.update_arg(1, rounded)
    precise = set(reach)
    for node in graph.nodes:
        if node.target in ELEMENTWISE and precise.intersection(node.all_input_nodes):
            precise.add(node)
    return precise


def _steering(graph: Graph) -> set[Node]:
    """Return all nodes that a sampler's coordinates come from."""
    found: set[Node] = set()
    for node in reversed(graph.nodes):
        if node.target is aten.grid_sampler.default:
            found.add(node.args[1])
        if node in found:
            found.update(node.all_input_nodes)
    return found


def _weight(module: GraphModule, convolution: Node) -> Tensor:
    weight = convolution.args[1]
    assert isinstance(weight, Node)
    owner, _, name = str(weight.target).rpartition(".")
    stored: Tensor = getattr(module.get_submodule(owner), name)
    return stored.detach()
