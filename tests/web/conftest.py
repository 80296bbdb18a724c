"""The folder of `facewire web`, with the shipped model's graphs, written once for all tests that need it."""

from __future__ import annotations

from pathlib import Path

import pytest

from facewire.engines.artefact import Artefact
from facewire.web.finder_graphs import write_finder_graphs
from facewire.web.folder import write_folder

from .both_sides import ROOT

RUNTIME = ROOT / "web" / "node_modules" / "onnxruntime-web" / "dist"


@pytest.fixture(scope="session")
def web_site(tmp_path_factory: pytest.TempPathFactory, onnx_graphs: Artefact) -> Path:
    folder = tmp_path_factory.mktemp("web")
    (folder / "finder").mkdir()
    return write_folder(onnx_graphs, write_finder_graphs(folder / "finder"), RUNTIME, folder / "site").folder
