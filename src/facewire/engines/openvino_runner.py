"""OpenVINO behind the runner's interface: compiling, or taking what was compiled before, and running."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facewire.engines.artefact import Artefact
from facewire.engines.graphs.names import MESH, PREPARE, RENDER
from facewire.engines.processor import compiled_graphs
from facewire.engines.processor.instruction_sets import WITHOUT_BFLOAT16, limit
from facewire.engines.processor.library import loaded

Array = NDArray[Any]
AT_ONCE = 2
"""Graphs that are compiled at the same time, of all runners; each takes one thread."""
PLAIN = {PREPARE: {"SNIPPETS_MODE": "DISABLE"}, MESH: {"SNIPPETS_MODE": "DISABLE"}}
"""Graphs that run once for a photo: without the plugin's own kernels for runs of element-wise operators, whose making
takes many times as long as they gain."""


def has_bfloat16(held_to: str | None = None) -> bool:
    """Return whether the processor multiplies bfloat16 in hardware, and may be asked to.

    Args:
        held_to: what oneDNN would be held to, in its words; None for what it is held to in this process.
    """
    return "BF16" in _abilities() and (limit() if held_to is None else held_to) not in WITHOUT_BFLOAT16


@cache
def _abilities() -> tuple[str, ...]:
    openvino = loaded()

    return tuple(openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))


@cache
def _workers(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count)


class OpenVinoRunner:
    """The graphs of an artefact, compiled at first use or before; one request and one lock per graph."""

    name = "openvino"

    def __init__(self, artefact: Artefact, threads: int) -> None:
        openvino = loaded()

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
        self._starting = threading.Lock()
        self._workers = _workers(min(threads, AT_ONCE))
        self._requests: dict[str, Future[Any]] = {}
        self._outputs = {name: tuple(graph["outputs"]) for name, graph in artefact.graphs.items()}
        self._bound: object = None

    def start(self, *graphs: str) -> None:
        """Begin to compile graphs, without waiting for it."""
        with self._starting:
            for graph in graphs:
                if graph not in self._requests:
                    self._requests[graph] = self._workers.submit(self._request, graph)

    def keep(self, buffers: Mapping[str, Array]) -> Mapping[str, Any]:
        """Return buffers as the engine wants to find them in every call."""
        openvino = loaded()

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
        openvino = loaded()

        self.start(graph)
        with self._locks[graph]:
            request = self._requests[graph].result()
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

    def _request(self, graph: str) -> Any:
        """Return a request of a graph that was compiled earlier, or is compiled now and kept."""
        file = None
        if self._artefact.lasting:
            machine = compiled_graphs.machine_key(self._core)
            made_from = f"{self._artefact.fingerprint(graph)} {PLAIN.get(graph, '')}"
            file = compiled_graphs.place(graph, made_from, machine)
        blob = compiled_graphs.read(file)
        if blob is not None:
            with suppress(RuntimeError):  # of another build of the same version
                return self._core.import_model(blob, "CPU", self._settings_of(graph)).create_infer_request()
        compiled = self._compiled(graph)
        if file is not None:
            compiled_graphs.keep(file, compiled.export_model().getvalue())
        return compiled.create_infer_request()

    def _compiled(self, graph: str) -> Any:
        openvino = loaded()

        text, constants = self._artefact.ir(graph)
        model = self._core.read_model(text, openvino.Tensor(np.frombuffer(constants, np.uint8)))
        return self._core.compile_model(model, "CPU", self._settings_of(graph))

    def _settings_of(self, graph: str) -> dict[str, Any]:
        return self._settings | PLAIN.get(graph, {})
