"""Graphs for a page that is fetched over a network: one file with the weights of all, nothing that is not used.

    several .onnx  ->  NAME.onnx, small      ->  WEIGHTS, every array once, however many graphs use it

The convolutions' weights are stored as 16-bit floats and widened when a graph is loaded, and so is every array that
16 bits hold exactly; what is computed is float32 as before. Coordinates and everything else keep their 32 bits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

WEIGHTS = "weights.bin"
"""The graphs name it as the file beside them."""
CONVOLUTIONS = ("Conv", "ConvTranspose")
LARGEST_HALF = 65504.0
LEAST_BYTES = 1024
"""Smaller arrays stay in their graph: shapes, for example, must be known before weights are."""
CHANNELS = 4
ALIGNED = 64
"""Every array begins at a multiple of this many bytes."""

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A graph that the page needs.

    source    where it lies
    outputs   those that are asked for; None means all
    graphics  whether it may run on WebGPU
    """

    source: Path
    outputs: Collection[str] | None = None
    graphics: bool = False


@dataclass(slots=True)
class WeightFile:
    """Arrays one behind the other, equal ones once."""

    data: bytearray = field(default_factory=bytearray)
    _places: dict[bytes, int] = field(default_factory=dict)

    def place(self, content: bytes) -> int:
        """Return where an array lies, after it was added if it is new."""
        if content not in self._places:
            self.data += bytes(-len(self.data) % ALIGNED)
            self._places[content] = len(self.data)
            self.data += content
        return self._places[content]


def write_light(graphs: Mapping[str, Wanted], folder: Path) -> None:
    """Write graphs as the page fetches them: NAME.onnx for each, and WEIGHTS."""
    import onnx

    weights = WeightFile()
    for name, wanted in graphs.items():
        model = onnx.load(str(wanted.source))
        if wanted.outputs is not None:
            _keep_outputs(model.graph, wanted.outputs)
        _name_constants(model.graph)
        if wanted.graphics:
            _fill_fours(model.graph)
        _lighten(model.graph, weights)
        onnx.save(model, str(folder / f"{name}.onnx"))
    (folder / WEIGHTS).write_bytes(weights.data)


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
    _drop_unused(graph)


def _drop_unused(graph: Any) -> None:
    """Drop arrays that no node reads."""
    needed = {name for node in graph.node for name in node.input}
    for unused in [weights for weights in graph.initializer if weights.name not in needed]:
        graph.initializer.remove(unused)


def _name_constants(graph: Any) -> None:
    """Make large constants that are nodes of their own arrays of the graph."""
    for node in [node for node in graph.node if node.op_type == "Constant"]:
        (value,) = node.attribute
        if len(value.t.raw_data) >= LEAST_BYTES:
            value.t.name = node.output[0]
            graph.initializer.append(value.t)
            graph.node.remove(node)


def _fill_fours(graph: Any) -> None:
    """Give maps that are convolved as many channels of zeros as four divides their number.

    With other numbers onnxruntime-web 1.30.0 convolves wrongly on WebGPU.
    """
    import onnx

    arrays = {tensor.name: tensor for tensor in graph.initializer}
    for index, node in enumerate(list(graph.node)):
        if node.op_type != "Conv" or (missing := -arrays[node.input[1]].dims[1] % CHANNELS) == 0:
            continue
        weights = onnx.numpy_helper.to_array(arrays[node.input[1]])
        wider = np.pad(weights, ((0, 0), (0, missing), (0, 0), (0, 0)))
        name, amounts = f"filled_{index}", np.array((0, 0, 0, 0, 0, missing, 0, 0))
        graph.initializer.append(onnx.numpy_helper.from_array(wider, f"{name}_weights"))
        graph.initializer.append(onnx.numpy_helper.from_array(amounts, f"{name}_amounts"))
        fill = onnx.helper.make_node("Pad", [node.input[0], f"{name}_amounts"], [name], name)
        graph.node.insert(list(graph.node).index(node), fill)
        node.input[0], node.input[1] = name, f"{name}_weights"
    _drop_unused(graph)


def _lighten(graph: Any, weights: WeightFile) -> None:
    """Move large arrays out, those that may be as 16-bit floats, each of which a node of its own widens."""
    import onnx

    of_convolutions = {node.input[1] for node in graph.node if node.op_type in CONVOLUTIONS}
    for index, tensor in enumerate(list(graph.initializer)):
        numbers = onnx.numpy_helper.to_array(tensor)
        if numbers.nbytes < LEAST_BYTES:
            continue
        graph.initializer.remove(tensor)
        if not _is_halved(numbers, tensor.name in of_convolutions):
            graph.initializer.append(_outside(tensor.name, numbers, weights))
            continue
        half = f"{tensor.name}_half"
        graph.initializer.append(_outside(half, numbers.astype(np.float16), weights))
        widen = onnx.helper.make_node(
            "Cast", [half], [tensor.name], f"widen_{index}", to=onnx.TensorProto.FLOAT
        )
        graph.node.insert(0, widen)


def _is_halved(numbers: Array, of_convolution: bool) -> bool:
    if numbers.dtype != np.float32 or np.abs(numbers).max() > LARGEST_HALF:
        return False
    return of_convolution or bool((numbers.astype(np.float16) == numbers).all())


def _outside(name: str, numbers: Array, weights: WeightFile) -> Any:
    """Return an array of a graph that lies in the file of the weights."""
    import onnx

    content = numbers.tobytes()
    tensor = onnx.helper.make_tensor(
        name, onnx.helper.np_dtype_to_tensor_dtype(numbers.dtype), numbers.shape, content, raw=True
    )
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    place = {"location": WEIGHTS, "offset": weights.place(content), "length": len(content)}
    for key, value in place.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor
