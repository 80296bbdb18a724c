"""Exported graphs on disk: a folder with the four graphs and a manifest that says what they are made of.

    DIR/identity.onnx  find.onnx  read.onnx  render.onnx      (or .xml with .bin, and prepare instead of identity)
    DIR/manifest.json  format, number format, weights' fingerprint, names, shapes and types, SHA-256 of every file

graphs/exporting.py makes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facewire.base import cache
from facewire.base.errors import HashMismatch, MediaError, WeightsError
from facewire.base.files import read_json, sha256_of
from facewire.engines.processor.openvino_format import Ir, read_ir

SCHEMA = 2
ONNX, OPENVINO = "onnx", "openvino"
FORMATS = (ONNX, OPENVINO)
SUFFIX = {ONNX: ".onnx", OPENVINO: ".xml"}
FLOAT32, BFLOAT16, INT8, INT8_FLOAT32 = "float32", "bfloat16", "int8", "int8-float32"
PRECISIONS = (FLOAT32, BFLOAT16, INT8, INT8_FLOAT32)
"""Number formats of the receiver's convolutions: `int8` has bfloat16 beside 8-bit integers, the last one float32."""
ROUNDED = (INT8, INT8_FLOAT32)
MANIFEST = "manifest.json"
TOLERANCE_DB = 40.0
"""PSNR that pictures of every engine keep against torch in float32."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """An exported folder that was checked."""

    folder: Path
    format: str
    precision: str
    weights: str
    """SHA-256 of the weights file."""
    resolution: int
    keypoints: int
    graphs: Mapping[str, Mapping[str, Any]]
    """Per graph: file, inputs and outputs by name."""

    def file(self, graph: str) -> Path:
        """Return the file of a graph."""
        return self.folder / str(self.graphs[graph]["file"])

    def ir(self, graph: str) -> Ir:
        """Return a graph in the format OPENVINO."""
        return read_ir(self.file(graph))

    @property
    def lasting(self) -> bool:
        """True if it lies in the user's cache, where what is compiled from it may be kept too."""
        place = cache.folder()
        return place is not None and self.folder.is_relative_to(place)

    def fingerprint(self, graph: str) -> str:
        """Return what a compiled graph comes from: the hashes of all files are in the manifest."""
        return sha256_of(self.folder / MANIFEST) + graph


def read(folder: Path) -> Artefact:
    """Return an exported folder after checking every hash.

    Raises:
        WeightsError: it is not one.
        HashMismatch: a file is not the exported one.
    """
    path = folder / MANIFEST
    try:
        data = read_json(path)
        if data["schema"] != SCHEMA:
            raise WeightsError(path, f"schema {data['schema']} is not {SCHEMA}; export again")
        for name, expected in data["files"].items():
            if Path(name).name != name:
                raise WeightsError(path, f"{name!r} lies outside the folder; export again")
            actual = sha256_of(folder / name)
            if actual != expected:
                raise HashMismatch(folder / name, expected, actual)
        return Artefact(
            folder,
            str(data["format"]),
            str(data["precision"]),
            str(data["weights"]["sha256"]),
            int(data["resolution"]),
            int(data["keypoints"]),
            dict(data["graphs"]),
        )
    except MediaError as problem:
        raise WeightsError(folder, f"is not an exported model ({problem.problem}); export again") from problem
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise WeightsError(path, f"is not the manifest of an exported model ({problem!r})") from problem


def not_kept(place: Path | None, problem: str | None) -> str:
    """Return what to tell a user whose cache cannot be written."""
    return f"{place or 'no cache'}: {problem}; the graphs are made anew each time, or {cache.ADVICE}"
