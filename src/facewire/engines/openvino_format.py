"""OpenVINO's file format: a traced module is converted and written.

Conversion goes through the frontend directly: `convert_model` is made for reporting its use over the network, which
base/telemetry.py prevents.
"""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from facewire.engines.graphs.live_graphs import LiveGraph

ALMOST_FULL = 32 * 2**20
"""Free bytes below which a file that could not be written was too large for the disk."""


def version() -> str:
    """Return the version of OpenVINO; ImportError where it is missing."""
    import openvino

    return str(openvino.__version__).partition("-")[0]


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
