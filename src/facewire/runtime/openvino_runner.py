"""OpenVINO behind the runner's interface: writing its format, compiling, running. The only file that imports it.

Conversion goes through the frontend directly: the package's own `convert_model` reports its use over the network.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facewire.runtime.artefact import Artefact
from facewire.runtime.live_graphs import RENDER, LiveGraph

Array = NDArray[Any]


def version() -> str:
    """Return the version of OpenVINO; ImportError where it is missing."""
    import openvino

    return str(openvino.__version__).partition("-")[0]


def has_bfloat16() -> bool:
    """Return whether the processor multiplies bfloat16 in hardware."""
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def write_ir(traced: Any, graph: LiveGraph, path: Path) -> None:
    """Convert a traced module and write it (.xml, .bin)."""
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
    openvino.save_model(model, path, compress_to_fp16=False)
    del decoder


class OpenVinoRunner:
    """The graphs of an artefact, compiled for the processor at first use; one request and one lock per graph."""

    name = "openvino"

    def __init__(self, artefact: Artefact, threads: int) -> None:
        import openvino

        self._artefact = artefact
        self._core = openvino.Core()
        # The graphs say themselves what is reduced; the plugin must not reduce coordinates as well.
        self._settings = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,
        }
        self._locks = {name: threading.Lock() for name in artefact.graphs}
        self._requests: dict[str, Any] = {}
        self._outputs = {name: tuple(graph["outputs"]) for name, graph in artefact.graphs.items()}
        self._bound: object = None

    def keep(self, buffers: Mapping[str, Array]) -> Mapping[str, Any]:
        """Return buffers as the engine wants to find them in every call."""
        import openvino

        return {name: openvino.Tensor(np.ascontiguousarray(value)) for name, value in buffers.items()}

    def run(
        self, graph: str, inputs: Mapping[str, Array], kept: Mapping[str, Any] | None = None
    ) -> dict[str, Array]:
        """Run a graph; `kept` are buffers of `keep`, which are not copied. The results are the caller's own."""
        import openvino

        with self._locks[graph]:
            request = self._requests.get(graph)
            if request is None:
                request = self._requests[graph] = self._compiled(graph)
            if graph == RENDER and kept is not self._bound:
                for name, tensor in (kept or {}).items():
                    request.set_tensor(name, tensor)
                self._bound = kept
            for name, value in inputs.items():
                request.set_tensor(name, openvino.Tensor(np.ascontiguousarray(value)))
            request.infer()
            return {
                name: np.array(request.get_output_tensor(number).data)
                for number, name in enumerate(self._outputs[graph])
            }

    def _compiled(self, graph: str) -> Any:
        file = str(self._artefact.file(graph))
        return self._core.compile_model(file, "CPU", self._settings).create_infer_request()


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
