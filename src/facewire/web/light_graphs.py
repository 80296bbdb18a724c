"""Graphs for a page that is fetched over a network: weights in half precision, nothing that the page does not use.

The convolutions' weights are stored as 16-bit floats and widened when the graph is loaded, so what is computed is
float32 as before; coordinates and everything else keep their 32 bits.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

CONVOLUTIONS = ("Conv", "ConvTranspose")
LARGEST_HALF = 65504.0


def write_light(source: Path, target: Path, outputs: Collection[str] | None = None) -> None:
    """Write an exported ONNX graph as the page fetches it.

    Args:
        source: of `facewire export`.
        target: becomes the graph.
        outputs: those that the page asks for; None means all.
    """
    import onnx

    model = onnx.load(str(source))
    if outputs is not None:
        _keep_outputs(model.graph, outputs)
    _halve(model.graph)
    onnx.save(model, str(target))


def _keep_outputs(graph: Any, outputs: Collection[str]) -> None:
    """Drop the other outputs, and every node and weight that only they needed."""
    for unwanted in [output for output in graph.output if output.name not in outputs]:
        graph.output.remove(unwanted)
    needed = {output.name for output in graph.output}
    for node in reversed(list(graph.node)):
        if needed.isdisjoint(node.output):
            graph.node.remove(node)
        else:
            needed.update(node.input)
    for unused in [weights for weights in graph.initializer if weights.name not in needed]:
        graph.initializer.remove(unused)


def _halve(graph: Any) -> None:
    """Store the convolutions' weights as 16-bit floats, each widened by a node of its own."""
    import onnx

    of_convolutions = {node.input[1] for node in graph.node if node.op_type in CONVOLUTIONS}
    for index, weights in enumerate(list(graph.initializer)):
        numbers = onnx.numpy_helper.to_array(weights)
        if (
            weights.name not in of_convolutions
            or numbers.dtype != np.float32
            or np.abs(numbers).max() > LARGEST_HALF
        ):
            continue
        half = f"{weights.name}_half"
        graph.initializer.append(onnx.numpy_helper.from_array(numbers.astype(np.float16), half))
        graph.initializer.remove(weights)
        widen = onnx.helper.make_node(
            "Cast", [half], [weights.name], f"widen_{index}", to=onnx.TensorProto.FLOAT
        )
        graph.node.insert(0, widen)
