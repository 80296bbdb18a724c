"""From a traced module to a graph in OpenVINO's file format.

Conversion goes through the frontend directly: `convert_model` is made for reporting its use over the network, which
base/telemetry.py prevents.
"""

from __future__ import annotations

import errno
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facewire.engines.graphs.live_graphs import LiveGraph
from facewire.engines.processor.openvino_format import Ir, read_ir

ALMOST_FULL = 32 * 2**20
"""Free bytes below which a file that could not be written was too large for the disk."""
_VERSION = re.compile(rb"^\t<rt_info>.*?^\t</rt_info>\n", re.DOTALL | re.MULTILINE)
"""What OpenVINO writes about itself at the end."""


def write_ir(traced: Any, graph: LiveGraph, path: Path) -> None:
    """Convert a traced module and write it (.xml, .bin).

    Raises:
        OSError: it cannot be written.
    """
    import openvino
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    frontend = FrontEndManager().load_by_framework("pytorch")
    decoder = TorchScriptPythonDecoder(traced)  # must outlive the model, which shares its constants
    model = frontend.convert(frontend.load(decoder))
    for port, (name, example) in zip(model.inputs, graph.inputs.items(), strict=True):
        port.get_node().set_element_type(_element_type(str(example.dtype)))
        port.get_node().set_partial_shape(openvino.PartialShape(list(example.shape)))
        port.get_tensor().set_names({name})
    model.validate_nodes_and_infer_types()
    for port, name in zip(model.outputs, graph.outputs, strict=True):
        port.get_tensor().set_names({name})
    _fold_ranges(model)
    try:
        openvino.save_model(model, path, compress_to_fp16=False)
    except RuntimeError as problem:  # of its streams, without a word why
        full = shutil.disk_usage(path.parent).free < ALMOST_FULL
        raise OSError(errno.ENOSPC if full else 0, str(problem)) from problem
    del decoder


def tidied(ir: Ir, is_weight: Callable[[NDArray[Any]], bool]) -> Ir:
    """Return a graph in which all is computed that does not depend on weights; one graph always gives one text.

    Args:
        ir: the graph.
        is_weight: whether a constant is to stay as it is.
    """
    import openvino
    from openvino import opset13
    from openvino.passes import ConstantFolding, Manager

    model = openvino.Core().read_model(ir.text, openvino.Tensor(np.frombuffer(ir.constants, np.uint8)))
    hidden = []
    for node in model.get_ordered_ops():
        if node.get_type_name() == "Constant" and is_weight(node.data):
            stand_in = opset13.parameter(node.get_output_shape(0), node.get_output_element_type(0))
            node.output(0).replace(stand_in.output(0))
            hidden.append((stand_in, node))
    model.add_parameters([stand_in for stand_in, _ in hidden])
    passes = Manager()
    passes.register_pass(ConstantFolding())
    passes.run_passes(model)
    for stand_in, node in hidden:
        stand_in.output(0).replace(node.output(0))
        model.remove_parameter(stand_in)
    _name_by_order(model)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "graph.xml"
        openvino.save_model(model, file, compress_to_fp16=False)
        written = read_ir(file)
    return Ir(_VERSION.sub(b"", written.text), written.constants)


def _name_by_order(model: Any) -> None:
    """Replace names that come from the recording by numbers, except those of inputs and results."""
    model.set_friendly_name("graph")
    for number, node in enumerate(model.get_ordered_ops()):
        if node.get_type_name() == "Parameter":
            continue
        node.set_friendly_name(f"n{number}")
        for port in node.outputs():
            if all(user.get_node().get_type_name() != "Result" for user in port.get_target_inputs()):
                port.get_tensor().set_names(set())


def _fold_ranges(model: Any) -> None:
    """Make the ranges of rounded maps constants, which is what the plugin looks for; the weights stay as they are."""
    import openvino
    from openvino import opset13
    from openvino.passes import ConstantFolding, Manager

    for node in model.get_ordered_ops():
        if node.get_type_name() == "FakeQuantize":
            for port in node.inputs()[1:]:
                alone = openvino.Model([opset13.result(port.get_source_output())], []).clone()
                passes = Manager()
                passes.register_pass(ConstantFolding())
                passes.run_passes(alone)
                folded = alone.get_results()[0].input_value(0).get_node()
                port.replace_source_output(opset13.constant(np.array(folded.data)).output(0))
    model.validate_nodes_and_infer_types()


def _element_type(torch_type: str) -> Any:
    import openvino

    return {
        "torch.float32": openvino.Type.f32,
        "torch.uint8": openvino.Type.u8,
        "torch.int64": openvino.Type.i64,
    }[torch_type]
