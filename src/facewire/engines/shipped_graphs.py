"""Graphs that come with the package: those of the shipped weights, recorded once, without the weights.

    weights/graphs/identity.xz, find.xz, read.xz, render-PRECISION.xz
    weights/graphs/manifest.json    whose weights they need, names, shapes and types

A file holds a line of JSON, the graph as OpenVINO writes it, and its constants as far as they are no weights. The
line says of what its constants are made, in order (graphs/weight_parts.py). So a fresh installation need not record
networks, which takes half a minute. `scripts/ship_graphs.py` makes the folder anew whenever weights or networks
change; tests/engines/test_shipped_graphs.py compares it with what the model records.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facewire.base.files import read_json, write_json
from facewire.engines import artefact
from facewire.engines.artefact import OPENVINO, Artefact
from facewire.engines.graphs.live_graphs import RENDER, LiveGraph
from facewire.engines.graphs.weight_parts import LITERAL, KnownWeights, Part, State, numbers_of
from facewire.engines.openvino_format import Ir, read_ir, tidied, version
from facewire.networks.compact.model import CompactTalkingHead

FOLDER = Path(__file__).parent.parent / "weights" / "graphs"
MANIFEST, SUFFIX = "manifest.json", ".xz"
ALIGNED = 64
"""Every constant begins at a multiple of this many bytes."""
_CONSTANT = re.compile(r'<data element_type="(\w+)" shape="([\d, ]*)" offset="(\d+)" size="(\d+)" />')


@dataclass(frozen=True, slots=True)
class ShippedGraphs(Artefact):
    """An artefact whose graphs come with the package and whose weights are those of a loaded model."""

    state: State

    def ir(self, graph: str) -> Ir:
        """Return a graph as OpenVINO reads it."""
        return unpacked(self.file(graph).read_bytes(), self.state)

    @property
    def lasting(self) -> bool:
        """True: what is compiled from it may be kept."""
        return True

    def fingerprint(self, graph: str) -> str:
        """Return what a compiled graph comes from."""
        return hashlib.sha256(self.file(graph).read_bytes() + self.weights.encode()).hexdigest()


def shipped(weights_sha256: str, precision: str, state: State, folder: Path = FOLDER) -> ShippedGraphs | None:
    """Return the graphs that come with the package for these weights; None if none do.

    Args:
        weights_sha256: the fingerprint of the weights.
        precision: of the receiver's convolutions.
        state: the weights by name.
        folder: where they lie.
    """
    if not (folder / MANIFEST).is_file():
        return None
    data = read_json(folder / MANIFEST)
    if data["weights"] != weights_sha256 or precision not in data["renders"]:
        return None
    return ShippedGraphs(
        folder,
        OPENVINO,
        precision,
        weights_sha256,
        data["resolution"],
        data["keypoints"],
        data["graphs"] | {RENDER: data["renders"][precision]},
        state,
    )


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
    known = KnownWeights(model.state_dict())
    entries = {
        name: shipped_graph(name, name, graph, artefact.FLOAT32, known, folder)
        for name, graph in graphs.items()
        if name != RENDER
    }
    renders = {
        precision: shipped_graph(f"{RENDER}-{precision}", RENDER, graphs[RENDER], precision, known, folder)
        for precision in artefact.PRECISIONS
    }
    manifest = {
        "weights": weights_sha256,
        "openvino": version(),
        "resolution": model.resolution,
        "keypoints": model.keypoints,
        "graphs": entries,
        "renders": renders,
    }
    write_json(folder / MANIFEST, manifest)


def shipped_graph(
    file: str, name: str, graph: LiveGraph, precision: str, known: KnownWeights, folder: Path
) -> dict[str, Any]:
    """Write one graph and return what the manifest says of it; `file` is without suffix."""
    with tempfile.TemporaryDirectory() as temporary:
        entry = artefact.write_graph(name, graph, Path(temporary), artefact.OPENVINO, precision)
        written = Path(temporary) / str(entry["file"])
        ir = tidied(read_ir(written), lambda numbers: known.part(numbers) is not None)
    (folder / f"{file}{SUFFIX}").write_bytes(packed(ir, known))
    return entry | {"file": f"{file}{SUFFIX}"}


def packed(ir: Ir, weights: KnownWeights) -> bytes:
    """Return a graph without its weights."""
    constants: dict[tuple[int, int], int] = {}
    parts: list[Part] = []
    literals: list[bytes] = []
    end = 0

    def moved(found: re.Match[str]) -> str:
        nonlocal end
        kind, shape, start, size = found[1], found[2], int(found[3]), int(found[4])
        if (start, size) not in constants:
            content = ir.constants[start : start + size]
            part = weights.part(_array(content, shape)) if kind == "f32" else None
            parts.append(part or [LITERAL, size])
            literals.append(b"" if part else content)
            constants[start, size] = end
            end += _aligned(size)
        return found[0].replace(f'offset="{start}"', f'offset="{constants[start, size]}"')

    text = _CONSTANT.sub(moved, ir.text.decode())
    head = json.dumps({"text": len(text.encode()), "parts": parts}, separators=(",", ":"))
    whole = b"\n".join((head.encode(), text.encode())) + b"".join(literals)
    return lzma.compress(whole, preset=9 | lzma.PRESET_EXTREME)


def unpacked(data: bytes, state: State) -> Ir:
    """Return the graph that `packed` was given; its constants lie elsewhere."""
    whole = lzma.decompress(data)
    head, _, rest = whole.partition(b"\n")
    told: Mapping[str, Any] = json.loads(head)
    position = int(told["text"])
    constants = bytearray()
    for part in told["parts"]:
        if part[0] == LITERAL:
            content, position = rest[position : position + part[1]], position + part[1]
        else:
            content = numbers_of(part, state)
        constants += content.ljust(_aligned(len(content)), b"\0")
    return Ir(rest[: int(told["text"])], bytes(constants))


def _array(content: bytes, shape: str) -> Any:
    return np.frombuffer(content, np.float32).reshape([int(side) for side in shape.split(",") if side])


def _aligned(size: int) -> int:
    return -(-size // ALIGNED) * ALIGNED
