"""From a model to exported graphs on disk (artefact.py).

Graphs are exported on demand and kept in the user's cache folder, under a name made of the weights, of the source
files that the graphs come from and of the exporter, so that new weights or a changed network never meet old graphs.
"""

from __future__ import annotations

import hashlib
import shutil
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from facewire import __version__
from facewire.base import cache
from facewire.base.errors import ConfigError, OutputError, WeightsError
from facewire.base.files import beside, sha256_of, write_advice, write_json
from facewire.engines.artefact import (
    BFLOAT16,
    FLOAT32,
    FORMATS,
    INT8,
    INT8_FLOAT32,
    MANIFEST,
    ONNX,
    OPENVINO,
    PRECISIONS,
    ROUNDED,
    SCHEMA,
    SUFFIX,
    TOLERANCE_DB,
    Artefact,
    not_kept,
    read,
)
from facewire.engines.graphs.inference_graph import reduced
from facewire.engines.graphs.live_graphs import LiveGraph, live_graphs
from facewire.engines.graphs.names import IDENTITY, PREPARE, RENDER
from facewire.engines.graphs.openvino_writing import write_ir
from facewire.engines.processor.openvino_format import version as openvino_version
from facewire.networks.compact.model import CompactTalkingHead
from facewire.networks.manifest import COMPACT
from facewire.networks.presets import Model

OPSET = 18
"""Of ONNX: the first with everything that is used; 4-D sampling is called `bilinear` up to 19."""
LEFT_OUT = {ONNX: PREPARE, OPENVINO: IDENTITY}
"""A photo is prepared in one graph or in three."""
TYPES = {FLOAT32: torch.float32, BFLOAT16: torch.bfloat16, INT8: torch.bfloat16, INT8_FLOAT32: torch.float32}
"""By number format: what the receiver's convolutions that are not in 8-bit integers (eight_bit.py) compute in."""
SOURCES = (
    "networks/**/*.py",
    "geometry/*.py",
    "face/**/*.py",
    "engines/graphs/*.py",
)
"""Files of the package that decide what a graph computes."""


def export(
    model: Model,
    weights_sha256: str,
    folder: Path,
    form: str,
    precision: str = "float32",
    graphs: Mapping[str, LiveGraph] | None = None,
) -> Artefact:
    """Write the graphs of a model into a new or empty folder; it appears complete or not at all.

    Args:
        model: compact-256, on the CPU.
        weights_sha256: the fingerprint of its weights.
        folder: becomes the
        form: one of FORMATS.
        precision: of the receiver's convolutions, one of PRECISIONS.
        graphs: what `live_graphs` returned for this model, if it is known already.

    Raises:
        ConfigError: unknown format or precision, or a model that is not live on a CPU.
        OutputError: the folder cannot be written or has something in it.
    """
    if form not in FORMATS:
        raise ConfigError("format", form, " or ".join(FORMATS))
    if precision not in PRECISIONS or (form == ONNX and precision != "float32"):
        raise ConfigError("precision", precision, "float32, or bfloat16 or int8 with --format openvino")
    if not isinstance(model, CompactTalkingHead):
        raise ConfigError(
            "weights", "a paper preset", "compact-256; the paper's networks run with --engine torch"
        )
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise OutputError(folder, "is there already: choose another folder or empty it")
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise OutputError(folder, write_advice(problem)) from problem
    temporary = beside(folder)
    try:
        temporary.mkdir()
        recorded = live_graphs(model) if graphs is None else graphs
        entries = {
            name: write_graph(name, graph, temporary, form, precision)
            for name, graph in recorded.items()
            if name != LEFT_OUT[form]
        }
        _write_manifest(temporary, model, weights_sha256, form, precision, entries)
        with suppress(OSError):
            folder.rmdir()  # an empty one
        temporary.rename(folder)
    except OSError as problem:
        if not (folder / MANIFEST).is_file():  # else another process was faster, with the same result
            raise OutputError(folder, write_advice(problem)) from problem
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return read(folder)


def cached(model: Model, weights_sha256: str, form: str, precision: str) -> tuple[Artefact, str]:
    """Return the exported graphs of a model, from the user's cache where they are in it, and a remark.

    Where the cache cannot be written they are made in a temporary folder, and the remark says so; else it is empty.

    Raises:
        OutputError: there is no room for temporary files either.
    """
    name = f"{form}-{precision}-{_key(weights_sha256, form)}"
    place = cache.folder()
    kept = None if place is None else _kept(place / name)
    if kept is not None:
        return kept, ""
    problem = cache.obstacle(place)
    if place is not None and problem is None:
        try:
            return export(model, weights_sha256, place / name, form, precision), ""
        except OutputError as error:  # such as a disk that became full
            problem = error.problem
    folder = cache.temporary() / name
    made = _kept(folder) or export(model, weights_sha256, folder, form, precision)
    return made, not_kept(place, problem)


def _kept(folder: Path) -> Artefact | None:
    """Return the graphs in a folder; None where there are none. What is half deleted or damaged is removed."""
    try:
        return read(folder)
    except WeightsError:
        shutil.rmtree(folder, ignore_errors=True)
        return None


def _key(weights_sha256: str, form: str) -> str:
    """Return what the graphs depend on as 16 digits: weights, source files, torch and the exporter."""
    digest = hashlib.sha256(f"{SCHEMA} {weights_sha256} {torch.__version__} {_exporter(form)}".encode())
    root = Path(__file__).parent.parent.parent
    for pattern in SOURCES:
        for file in sorted(root.glob(pattern)):
            digest.update(file.name.encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _exporter(form: str) -> str:
    if form == ONNX:
        return f"opset {OPSET}"
    return openvino_version()


def write_graph(name: str, graph: LiveGraph, folder: Path, form: str, precision: str) -> dict[str, Any]:
    """Write a graph and return what the manifest says of it.

    Raises:
        OSError: it cannot be written.
    """
    module = graph.module
    if name == RENDER:
        module = reduced(module, TYPES[precision], graph.samples if precision in ROUNDED else ())
    inputs = tuple(graph.inputs.values())
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracer, about constants
        traced = torch.jit.trace(module, inputs, check_trace=False)
        results = traced(*inputs)
    file = f"{name}{SUFFIX[form]}"
    if form == ONNX:
        _write_onnx(traced, graph, folder / file)
    else:
        write_ir(traced, graph, folder / file)
    outputs = results if isinstance(results, tuple) else (results,)
    return {
        "file": file,
        "inputs": {key: _described(tensor) for key, tensor in graph.inputs.items()},
        "outputs": {key: _described(t) for key, t in zip(graph.outputs, outputs, strict=True)},
        "candidates": list(graph.candidates),
    }


def _write_manifest(
    folder: Path,
    model: CompactTalkingHead,
    weights: str,
    form: str,
    precision: str,
    graphs: Mapping[str, Any],
) -> None:
    manifest = {
        "schema": SCHEMA,
        "facewire": __version__,
        "format": form,
        "precision": precision,
        "tolerance": f"pictures within {TOLERANCE_DB:g} dB PSNR of torch float32",
        "weights": {"preset": COMPACT, "sha256": weights},
        "resolution": model.resolution,
        "keypoints": model.keypoints,
        "graphs": graphs,
        "files": {path.name: sha256_of(path) for path in sorted(folder.iterdir())},
    }
    write_json(folder / MANIFEST, manifest)


def _write_onnx(traced: Any, graph: LiveGraph, path: Path) -> None:
    try:
        import onnx  # noqa: F401
    except ImportError as problem:
        raise ConfigError("format", ONNX, "pip install 'facewire[onnx]' first") from problem
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            traced,
            tuple(graph.inputs.values()),
            str(path),
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            opset_version=OPSET,
            dynamo=False,
        )


def _described(tensor: Tensor) -> dict[str, Any]:
    return {"shape": list(tensor.shape), "type": str(tensor.dtype).removeprefix("torch.")}
