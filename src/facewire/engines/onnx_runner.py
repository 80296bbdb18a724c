"""ONNX Runtime behind the runner's interface. The only file that imports it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facewire.engines.artefact import Artefact

Array = NDArray[Any]


def version() -> str:
    """Return the version of ONNX Runtime; ImportError where it is missing."""
    import onnxruntime

    return str(onnxruntime.__version__)


class OnnxRunner:
    """The graphs of an artefact; sessions may be used from several threads."""

    name = "onnxruntime"

    def __init__(self, artefact: Artefact, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._sessions = {
            name: onnxruntime.InferenceSession(
                str(artefact.file(name)), options, providers=["CPUExecutionProvider"]
            )
            for name in artefact.graphs
        }
        self._outputs = {name: tuple(graph["outputs"]) for name, graph in artefact.graphs.items()}

    def keep(self, buffers: Mapping[str, Array]) -> Mapping[str, Any]:
        """Return buffers as the engine wants to find them in every call."""
        return {name: np.ascontiguousarray(value) for name, value in buffers.items()}

    def run(
        self,
        graph: str,
        inputs: Mapping[str, Array],
        kept: Mapping[str, Any] | None = None,
        wanted: Collection[str] | None = None,
    ) -> dict[str, Array]:
        """Run a graph and return the wanted results, all by default; they are the caller's own."""
        names = [name for name in self._outputs[graph] if wanted is None or name in wanted]
        results = self._sessions[graph].run(names, {**inputs, **(kept or {})})
        return dict(zip(names, results, strict=True))
