"""Graphs that come with the package: those of the shipped weights, recorded once, without the weights.

    weights/graphs/prepare.xz, find.xz, read.xz, render-PRECISION.xz
    weights/graphs/detect.xz, mesh.xz     of the face finder, with the weights in face/weights
    weights/graphs/manifest.json          whose weights they need, names, shapes and types

So a fresh installation need not record networks, which takes half a minute (graphs/packing.py says what a file
holds). `scripts/ship_graphs.py` makes the folder anew whenever weights or networks change;
tests/engines/test_shipped_graphs.py compares it with what the model records.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facewire.base.files import read_json
from facewire.engines.artefact import FLOAT32, MANIFEST, OPENVINO, Artefact
from facewire.engines.graphs.names import FACE_WEIGHTS, RENDER
from facewire.engines.graphs.packing import unpacked
from facewire.engines.graphs.weight_parts import State
from facewire.engines.processor.openvino_format import Ir
from facewire.face.store import expected_hash, read_arrays

FOLDER = Path(__file__).parent.parent / "weights" / "graphs"


@dataclass(frozen=True, slots=True)
class ShippedGraphs(Artefact):
    """An artefact whose graphs come with the package; `state` returns the weights of a graph by name."""

    state: Callable[[str], State]

    def ir(self, graph: str) -> Ir:
        """Return a graph as OpenVINO reads it."""
        return unpacked(self.file(graph).read_bytes(), self.state(graph))

    @property
    def lasting(self) -> bool:
        """True: what is compiled from it may be kept."""
        return True

    def fingerprint(self, graph: str) -> str:
        """Return what a compiled graph comes from."""
        return hashlib.sha256(self.file(graph).read_bytes() + self.weights.encode()).hexdigest()


def shipped(
    weights_sha256: str, precision: str, state: Callable[[], State], folder: Path = FOLDER
) -> ShippedGraphs | None:
    """Return the graphs that come with the package for these weights; None if none do.

    Args:
        weights_sha256: the fingerprint of the weights.
        precision: of the receiver's convolutions.
        state: returns the weights by name; called where a graph must be compiled.
        folder: where they lie.
    """
    data = _manifest(folder)
    if data is None or data["weights"] != weights_sha256 or precision not in data["renders"]:
        return None
    return ShippedGraphs(
        folder,
        OPENVINO,
        precision,
        weights_sha256,
        data["resolution"],
        data["keypoints"],
        data["graphs"] | {RENDER: data["renders"][precision]},
        lambda _: state(),
    )


def comes_with_graphs(weights_sha256: str, folder: Path = FOLDER) -> bool:
    """Return whether the package has graphs of some weights."""
    data = _manifest(folder)
    return data is not None and data["weights"] == weights_sha256


def shipped_faces(folder: Path = FOLDER) -> ShippedGraphs | None:
    """Return the graphs of the face finder; None if there are none for its weights."""
    data = _manifest(folder)
    known = {file: expected_hash(file) for file in FACE_WEIGHTS.values()}
    if data is None or data["face_weights"] != known:
        return None
    return ShippedGraphs(
        folder,
        OPENVINO,
        FLOAT32,
        "".join(known.values()),
        data["resolution"],
        data["keypoints"],
        data["faces"],
        lambda graph: read_arrays(FACE_WEIGHTS[graph]),
    )


def _manifest(folder: Path) -> Mapping[str, Any] | None:
    return read_json(folder / MANIFEST) if (folder / MANIFEST).is_file() else None
