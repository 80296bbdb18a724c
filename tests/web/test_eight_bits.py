"""Which convolutions of a graph are rounded to 8 bits, and that it says the same afterwards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from facewire.web.eight_bits import round_convolutions

CHANNELS, SIDE = 8, 16
PADDING = [1, 1, 1, 1]


def conv(name: str, read: str) -> onnx.NodeProto:
    return helper.make_node("Conv", [read, f"{name}_weights", f"{name}_bias"], [name], name, pads=PADDING)


def relu(name: str, read: str) -> onnx.NodeProto:
    return helper.make_node("Relu", [read], [name])


@pytest.fixture
def render() -> onnx.ModelProto:
    """A residual block, two convolutions before a sampler's coordinates, and one of maps that may be negative."""
    nodes = [
        helper.make_node("Slice", ["person_maps", "none", "kept", "first"], ["seen"]),
        relu("open", "seen"),
        conv("first_of_block", "open"),
        relu("between", "first_of_block"),
        conv("second_of_block", "between"),
        helper.make_node("Add", ["seen", "second_of_block"], ["block"]),
        conv("signed", "seen"),
        relu("steered", "signed"),
        conv("steering", "steered"),
        helper.make_node("Slice", ["steering", "none", "two", "first"], ["pair"]),
        helper.make_node("Transpose", ["pair"], ["flow"], perm=[0, 2, 3, 1]),
        helper.make_node("GridSample", ["block", "flow"], ["picture"]),
    ]
    random = np.random.default_rng(1)
    arrays = {"none": np.array([0]), "two": np.array([2]), "first": np.array([1])}
    for name in ("first_of_block", "second_of_block", "signed", "steering"):
        arrays[f"{name}_weights"] = random.normal(0, 0.1, (CHANNELS, CHANNELS, 3, 3)).astype(np.float32)
        arrays[f"{name}_bias"] = random.normal(0, 0.1, CHANNELS).astype(np.float32)
    inputs = {"person_maps": (1, CHANNELS, SIDE, SIDE), "rotation": (1, 3, 3), "kept": (1,)}
    return model(nodes, inputs, ("picture", "block"), arrays)


def model(
    nodes: list[onnx.NodeProto],
    inputs: dict[str, tuple[int, ...]],
    outputs: tuple[str, ...],
    arrays: dict[str, np.ndarray],
) -> onnx.ModelProto:
    kinds = {"kept": TensorProto.INT64, "picture": TensorProto.UINT8 if "picture" in inputs else 1}
    graph = helper.make_graph(
        nodes,
        "graph",
        [
            helper.make_tensor_value_info(name, kinds.get(name, TensorProto.FLOAT), size)
            for name, size in inputs.items()
        ],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    """What makes of every picture the same maps, and a head of as many keypoints as there are channels."""
    random = np.random.default_rng(2)
    held = {
        "person_maps": random.normal(0, 1, (1, CHANNELS, SIDE, SIDE)).astype(np.float32),
        "rotation": np.eye(3, dtype=np.float32)[None],
        "expression": np.zeros((1, CHANNELS, 3), np.float32),
    }
    nodes = [
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array))
        for name, array in held.items()
    ]
    onnx.save(model(nodes, {"picture": (32, 32, 3)}, tuple(held), {}), str(tmp_path / "identity.onnx"))
    return tmp_path / "identity.onnx"


def test_blocks_are_rounded_and_what_steers_is_not(render: onnx.ModelProto, identity: Path) -> None:
    import onnxruntime

    maps = np.random.default_rng(3).normal(0, 1, (1, CHANNELS, SIDE, SIDE)).astype(np.float32)
    given = {"person_maps": maps, "rotation": np.eye(3, dtype=np.float32)[None], "kept": np.array([CHANNELS])}
    before = onnxruntime.InferenceSession(render.SerializeToString()).run(["block"], given)[0]
    round_convolutions(render, identity)
    kinds = [node.op_type for node in render.graph.node if "Conv" in node.op_type]
    assert kinds == ["QLinearConv", "ConvInteger", "Conv", "Conv"]
    after = onnxruntime.InferenceSession(render.SerializeToString()).run(["block"], given)[0]
    assert 0 < np.abs(after - before).max() < 0.05
    assert np.abs(before - maps).max() > 1


def test_a_graph_without_such_convolutions_stays_as_it_is(tmp_path: Path) -> None:
    plain = model([relu("picture", "in")], {"in": (1, CHANNELS, SIDE, SIDE)}, ("picture",), {})
    before = plain.SerializeToString()
    round_convolutions(plain, tmp_path / "not read")
    assert plain.SerializeToString() == before
