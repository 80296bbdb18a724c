"""Make the graphs that come with the package (shipped_graphs.py); `scripts/ship_graphs.py` calls it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from facewire.base.files import write_json
from facewire.engines.artefact import FLOAT32, MANIFEST, OPENVINO, PRECISIONS
from facewire.engines.graphs.exporting import write_graph
from facewire.engines.graphs.face_graphs import face_graphs
from facewire.engines.graphs.live_graphs import LiveGraph
from facewire.engines.graphs.names import FACE_WEIGHTS, IDENTITY, RENDER
from facewire.engines.graphs.openvino_writing import tidied
from facewire.engines.graphs.packing import SUFFIX, packed
from facewire.engines.graphs.weight_parts import KnownWeights
from facewire.engines.processor.openvino_format import read_ir, version
from facewire.face.store import expected_hash, read_arrays
from facewire.networks.compact.model import CompactTalkingHead


def ship(
    model: CompactTalkingHead, weights_sha256: str, graphs: Mapping[str, LiveGraph], folder: Path
) -> None:
    """Write the graphs of a model, in every number format, as they come with the package.

    Args:
        model: as its weights were loaded.
        weights_sha256: the fingerprint of these weights.
        graphs: of `live_graphs`.
        folder: where they go; it exists.
    """
    known = KnownWeights({name: tensor.numpy() for name, tensor in model.state_dict().items()})
    entries = {
        name: shipped_graph(name, name, graph, FLOAT32, known, folder)
        for name, graph in graphs.items()
        if name not in (IDENTITY, RENDER)
    }
    renders = {
        precision: shipped_graph(f"{RENDER}-{precision}", RENDER, graphs[RENDER], precision, known, folder)
        for precision in PRECISIONS
    }
    faces = {
        name: shipped_graph(
            name,
            name,
            graph,
            FLOAT32,
            KnownWeights(dict(sorted(read_arrays(FACE_WEIGHTS[name]).items()))),
            folder,
        )
        for name, graph in face_graphs().items()
    }
    manifest = {
        "weights": weights_sha256,
        "openvino": version(),
        "resolution": model.resolution,
        "keypoints": model.keypoints,
        "graphs": entries,
        "renders": renders,
        "faces": faces,
        "face_weights": {file: expected_hash(file) for file in FACE_WEIGHTS.values()},
    }
    write_json(folder / MANIFEST, manifest)


def shipped_graph(
    file: str, name: str, graph: LiveGraph, precision: str, known: KnownWeights, folder: Path
) -> dict[str, Any]:
    """Write one graph and return what the manifest says of it; `file` is without suffix."""
    with tempfile.TemporaryDirectory() as temporary:
        entry = write_graph(name, graph, Path(temporary), OPENVINO, precision)
        written = Path(temporary) / str(entry["file"])
        ir = tidied(read_ir(written), lambda numbers: known.part(numbers) is not None)
    (folder / f"{file}{SUFFIX}").write_bytes(packed(ir, known))
    return entry | {"file": f"{file}{SUFFIX}"}
