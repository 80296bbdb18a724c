"""Graphs for a page that is fetched over a network: one file with the weights of all, nothing left to be done there.

    several .onnx  ->  NAME.onnx, small      ->  WEIGHTS, every array once, however many graphs use it

Everything that can be computed before is, and what onnxruntime joins on any processor is joined: a page that does it
takes two seconds longer to begin. The convolutions' weights are stored as 16-bit floats, and so is every array that
16 bits hold exactly; the page widens them (networks/halves.js). What is computed is float32, but for what
`eight_bits.py` rounds. Coordinates and everything else keep their 32 bits.

    WEIGHTS       16-bit floats, then all others; `halves` bytes of the first
    in the page   32-bit floats, then all others; this is what the graphs' places mean
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

WEIGHTS = "weights.bin"
"""The graphs name it as the file beside them."""
CONVOLUTIONS = ("Conv", "ConvTranspose", "FusedConv")
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
    graphics  whether it is to run on WebGPU, which knows none of what is joined for processors
    person    of `render`, the graph that makes a person; with it convolutions are rounded to 8 bits
    """

    source: Path
    outputs: Collection[str] | None = None
    graphics: bool = False
    person: Path | None = None


@dataclass(slots=True)
class _Area:
    """Arrays one behind the other, equal ones once."""

    data: bytearray = field(default_factory=bytearray)
    _places: dict[bytes, int] = field(default_factory=dict)

    def place(self, content: bytes, aligned: int) -> int:
        """Return where an array lies, after it was added if it is new."""
        if content not in self._places:
            self.data += bytes(-len(self.data) % aligned)
            self._places[content] = len(self.data)
            self.data += content
        return self._places[content]


@dataclass(frozen=True, slots=True)
class _Outside:
    """A graph's array that lies in the file of the weights."""

    tensor: Any
    halved: bool
    place: int


def write_light(graphs: Mapping[str, Wanted], folder: Path) -> int:
    """Write graphs as the page fetches them, NAME.onnx for each and WEIGHTS; return the bytes of halves."""
    import onnx

    halves, plain = _Area(), _Area()
    models, outside = {}, []
    for name, wanted in graphs.items():
        models[name] = _prepared(wanted)
        outside += _lighten(models[name].graph, halves, plain)
    halves.data += bytes(-len(halves.data) % ALIGNED)
    for one in outside:
        _name_place(one.tensor, 2 * one.place if one.halved else 2 * len(halves.data) + one.place)
    for name, model in models.items():
        onnx.save(model, str(folder / f"{name}.onnx"))
    (folder / WEIGHTS).write_bytes(halves.data + plain.data)
    return len(halves.data)


def _prepared(wanted: Wanted) -> Any:
    """Return a graph with nothing in it that is not used or could be computed now."""
    import onnx

    model = onnx.load(str(wanted.source))
    if wanted.person is not None:
        from facewire.web.eight_bits import round_convolutions

        round_convolutions(model, wanted.person)
    if wanted.outputs is not None:
        _keep_outputs(model.graph, wanted.outputs)
    model = _computed(model, joined=not wanted.graphics)
    if wanted.graphics:
        _fill_fours(model.graph)
    return model


def _computed(model: Any, joined: bool) -> Any:
    """Return a graph without what depends on no input; `joined`: with operators that do several things at once."""
    import onnx
    import onnxruntime

    levels = onnxruntime.GraphOptimizationLevel
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = levels.ORT_ENABLE_EXTENDED if joined else levels.ORT_ENABLE_BASIC
    options.log_severity_level = 3  # else it warns of results for this processor only, which these are not
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(Path(folder) / "graph.onnx")
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return onnx.load(options.optimized_model_filepath)


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


def _lighten(graph: Any, halves: _Area, plain: _Area) -> list[_Outside]:
    """Move large arrays out, those that may be as 16-bit floats."""
    import onnx

    of_convolutions = {node.input[1] for node in graph.node if node.op_type in CONVOLUTIONS}
    moved = []
    for index, tensor in enumerate(list(graph.initializer)):
        numbers = onnx.numpy_helper.to_array(tensor)
        if numbers.nbytes < LEAST_BYTES:
            continue
        halved = _is_halved(numbers, tensor.name in of_convolutions)
        place = (
            halves.place(numbers.astype(np.float16).tobytes(), ALIGNED // 2)
            if halved
            else plain.place(numbers.tobytes(), ALIGNED)
        )
        graph.initializer[index].CopyFrom(
            onnx.helper.make_tensor(tensor.name, tensor.data_type, numbers.shape, numbers.tobytes(), raw=True)
        )
        moved.append(_Outside(graph.initializer[index], halved, place))
    return moved


def _is_halved(numbers: Array, of_convolution: bool) -> bool:
    if numbers.dtype != np.float32 or np.abs(numbers).max() > LARGEST_HALF:
        return False
    return of_convolution or bool((numbers.astype(np.float16) == numbers).all())


def _name_place(tensor: Any, place: int) -> None:
    """Say of an array that it lies beside its graph."""
    import onnx

    length = len(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": WEIGHTS, "offset": place, "length": length}.items():
        tensor.external_data.add(key=key, value=str(value))
