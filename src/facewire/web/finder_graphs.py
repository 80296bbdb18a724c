"""The two networks of the face finder as graphs that a page runs."""

from __future__ import annotations

from pathlib import Path

from facewire.engines.artefact import FLOAT32, ONNX
from facewire.engines.graphs.exporting import write_graph
from facewire.engines.graphs.face_graphs import face_graphs


def write_finder_graphs(folder: Path) -> dict[str, Path]:
    """Write both as ONNX into a folder and return the files by name; takes some seconds.

    Raises:
        ConfigError: onnx is not installed.
        OSError: they cannot be written.
    """
    return {
        name: folder / str(write_graph(name, graph, folder, ONNX, FLOAT32)["file"])
        for name, graph in face_graphs().items()
    }
