"""OpenVINO behind the runner's interface: compiling and running what openvino_format.py wrote."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facewire.engines.artefact import Artefact
from facewire.engines.graphs.live_graphs import RENDER

Array = NDArray[Any]


def has_bfloat16() -> bool:
    """Return whether the processor multiplies bfloat16 in hardware."""
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


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
        self,
        graph: str,
        inputs: Mapping[str, Array],
        kept: Mapping[str, Any] | None = None,
        wanted: Collection[str] | None = None,
    ) -> dict[str, Array]:
        """Run a graph and return the wanted results, all by default; they are the caller's own.

        `kept` are buffers of `keep`, which are not copied.
        """
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
                if wanted is None or name in wanted
            }

    def _compiled(self, graph: str) -> Any:
        file = str(self._artefact.file(graph))
        return self._core.compile_model(file, "CPU", self._settings).create_infer_request()
