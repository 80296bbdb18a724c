"""Convolutions of the page's receiver in 8-bit integers: WebAssembly multiplies bytes twice as fast as floats.

The same ones as in `engines/graphs/eight_bit.py`: never where a sampler's coordinates come from, only maps without
negative values. How far their maps reach is measured on noise with a photo's spectrum.

    conv(relu(x)) + b, read by relu and another one    QLinearConv: bytes in, bytes out, which are that relu
    conv(relu(x)) + b                                  ConvInteger, widened and scaled to float
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from facewire.engines.graphs.eight_bit import LEVELS, SIGNED_LEVELS
from facewire.engines.graphs.live_graphs import noise_picture
from facewire.geometry.pose import rotation_from_degrees

HEADROOM = 3.0
"""Real faces reach farther than the samples; here all maps of a convolution share one reach."""
SAMPLES = 4
TURNS = ((0.0, 0.0), (25.0, -10.0), (-25.0, 10.0))
"""Yaw and pitch in degrees."""
CENTRE = 128
"""Zero of weights that ConvInteger reads."""

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Round:
    """A convolution that is rounded.

    node   itself
    relu   what it reads
    after  the one that reads it through a ReLU of its own, or None
    """

    node: Any
    relu: Any
    after: Any | None


def round_convolutions(model: Any, identity: Path) -> None:
    """Compute those convolutions of a graph `render` in 8 bits that bear it.

    Args:
        model: of onnx; changed.
        identity: the graph that makes a person of a photo.
    """
    chosen = _chosen(model.graph)
    if not chosen:
        return
    steps = _steps(model, identity, [one.node.input[0] for one in chosen])
    for one in chosen:
        _round(model.graph, one, steps)
    read = {name for node in model.graph.node for name in node.input}
    read.update(output.name for output in model.graph.output)
    for relu in {id(one.relu): one.relu for one in chosen if one.relu.output[0] not in read}.values():
        model.graph.node.remove(relu)


def _chosen(graph: Any) -> list[Round]:
    makers = {name: node for node in graph.node for name in node.output}
    steering = _steering(graph, makers)
    fit = {
        node.output[0]: node
        for node in graph.node
        if node.op_type == "Conv"
        and _is(makers.get(node.input[0]), "Relu")
        and steering.isdisjoint((node.input[0], node.output[0]))
    }
    readers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    return [Round(node, makers[node.input[0]], _next(node, readers, fit)) for node in fit.values()]


def _next(node: Any, readers: Mapping[str, list[Any]], fit: Mapping[str, Any]) -> Any | None:
    """Return the rounded convolution that reads this one through a ReLU, where nothing else reads either."""
    for kind in ("Relu", "Conv"):
        (node, *others) = readers.get(node.output[0], [None])
        if others or not _is(node, kind):
            return None
    return node if node.output[0] in fit else None


def _is(node: Any | None, kind: str) -> bool:
    return node is not None and node.op_type == kind


def _steering(graph: Any, makers: Mapping[str, Any]) -> set[str]:
    """Return the names of everything that a sampler's coordinates come from."""
    found: set[str] = set()
    ahead = [node.input[1] for node in graph.node if node.op_type == "GridSample"]
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += makers[name].input if name in makers else ()
    return found


def _steps(model: Any, identity: Path, names: list[str]) -> dict[str, float]:
    """Return by name how far two neighbouring bytes of some maps lie apart."""
    import onnxruntime

    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names
    )
    render = onnxruntime.InferenceSession(watched.SerializeToString())
    introduce = onnxruntime.InferenceSession(str(identity))
    most = np.full(len(names), 1e-6)
    for seed in range(SAMPLES):
        picture = noise_picture(introduce.get_inputs()[0].shape[0], seed).numpy()
        person = _named(introduce, {"picture": picture})
        for yaw, pitch in TURNS:
            maps = render.run(names, _motion(render, person, yaw, pitch))
            most = np.maximum(most, [one.max() for one in maps])
    return dict(zip(names, HEADROOM * most / LEVELS, strict=True))


def _named(session: Any, given: Arrays) -> Arrays:
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, given), strict=True))


def _motion(render: Any, person: Arrays, yaw: float, pitch: float) -> Arrays:
    """Return what `render` reads to show a person turned."""
    turn = rotation_from_degrees(yaw, pitch, 0.0).reshape(3, 3).numpy()
    kept = np.array([person["expression"].shape[1]])
    given = {**person, "rotation": turn @ person["rotation"], "kept": kept}
    return {one.name: given[one.name] for one in render.get_inputs()}


def _round(graph: Any, one: Round, steps: Mapping[str, float]) -> None:
    """Put a rounded convolution in the place of one."""
    node = one.node
    write = _Writer(graph, node.output[0])
    arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    weights, bias = (arrays[name] for name in node.input[1:3])
    window = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    read, step = _bytes(node), np.float32(steps[node.input[0]])
    scales = (np.abs(weights).max(axis=(1, 2, 3)).clip(1e-12) / SIGNED_LEVELS).astype(np.float32)
    whole = np.round(weights / scales[:, None, None, None])
    own = [read, write.held("step", step), write.held("zero", np.uint8(0))]
    if all(read not in other.output for other in graph.node):
        write.node("QuantizeLinear", [one.relu.input[0], *own[1:]], read)
    if one.after is not None:
        own += [write.held("weights", whole.astype(np.int8)), write.held("scales", scales)]
        own += [write.held("zeros", np.zeros(len(scales), np.int8))]
        own += [write.held("beyond", np.float32(steps[one.after.input[0]])), own[2]]
        own += [write.held("bias", np.round(bias / (step * scales)).astype(np.int32))]
        write.node("QLinearConv", own, _bytes(one.after), **window)
    else:
        centred = write.held("weights", (whole + CENTRE).astype(np.uint8))
        sums, bare = f"{node.output[0]}_sums", f"{node.output[0]}_bare"
        centre = write.held("centre", np.uint8(CENTRE))
        write.node("ConvInteger", [read, centred, own[2], centre], sums, **window)
        write.node("DequantizeLinear", [sums, write.held("scales", step * scales)], bare, axis=1)
        write.node("Add", [bare, write.held("bias", bias[:, None, None])], node.output[0])
    write.instead_of(node)


def _bytes(convolution: Any) -> str:
    """Return the name of what a convolution reads when it is rounded."""
    return f"{convolution.input[0]}_bytes"


class _Writer:
    """New nodes of a graph, in the place of one, with arrays named after what that one makes."""

    def __init__(self, graph: Any, name: str) -> None:
        self._graph, self._name = graph, name
        self._nodes: list[Any] = []

    def held(self, label: str, array: Any) -> str:
        """Add an array and return its name."""
        name = f"{self._name}_rounded_{label}"
        self._graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, kind: str, read: list[str], made: str, **attributes: Any) -> None:
        self._nodes.append(onnx.helper.make_node(kind, read, [made], made, **attributes))

    def instead_of(self, node: Any) -> None:
        """Put them where a node is; it goes."""
        place = list(self._graph.node).index(node)
        self._graph.node.remove(node)
        for new in reversed(self._nodes):
            self._graph.node.insert(place, new)
