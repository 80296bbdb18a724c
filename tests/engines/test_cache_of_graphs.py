"""Exported graphs where nothing can be kept: a temporary folder, then torch, and a line that says so."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facewire.base import cache
from facewire.base.errors import OutputError
from facewire.engines import choice as engine_choice
from facewire.engines.artefact import Artefact
from facewire.engines.choice import Choice, open_engine
from facewire.engines.graphs import exporting
from facewire.networks.presets import Model, build_preset

Export = Callable[..., Artefact]


@pytest.fixture(scope="module")
def model() -> Model:
    return build_preset("compact-256").eval()


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path]:
    """Where graphs were exported to; exporting makes an empty folder at once."""
    places: list[Path] = []

    def export(model: Model, sha: str, folder: Path, form: str, precision: str) -> Artefact:
        places.append(folder)
        folder.mkdir(parents=True)
        return Artefact(folder, form, precision, sha, 256, 20, {})

    monkeypatch.setattr(exporting, "export", export)
    monkeypatch.setattr(exporting, "_exporter", lambda form: "1")
    monkeypatch.setattr(cache, "temporary", lambda: tmp_path / "temporary")
    return places


@pytest.mark.parametrize("broken", ["proc", "file", "below a file"])
def test_without_a_cache_graphs_go_to_a_temporary_folder(
    model: Model, exported: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    place = {"proc": Path("/proc/facewire"), "file": file, "below a file": file / "cache"}[broken]
    monkeypatch.setenv("FACEWIRE_CACHE", str(place))
    made, remark = exporting.cached(model, "0", "onnx", "float32")
    assert made.folder.parent == tmp_path / "temporary"
    assert str(place) in remark
    assert "FACEWIRE_CACHE" in remark
    assert file.read_text() == "mine"


def test_a_disk_that_fills_up_meanwhile_is_no_end(
    model: Model, exported: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEWIRE_CACHE", str(tmp_path / "cache"))
    export: Export = exporting.export

    def full(model: Model, sha: str, folder: Path, *rest: Any) -> Artefact:
        if folder.is_relative_to(tmp_path / "cache"):
            raise OutputError(folder, "the disk is full")
        return export(model, sha, folder, *rest)

    monkeypatch.setattr(exporting, "export", full)
    made, remark = exporting.cached(model, "0", "onnx", "float32")
    assert made.folder.is_relative_to(tmp_path / "temporary")
    assert "the disk is full" in remark


def test_a_cache_that_can_be_written_needs_no_word(
    model: Model, exported: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEWIRE_CACHE", str(tmp_path / "cache"))
    made, remark = exporting.cached(model, "0", "onnx", "float32")
    assert made.folder.parent == tmp_path / "cache"
    assert remark == ""


def test_without_any_room_auto_computes_in_torch(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*arguments: object) -> tuple[Artefact, str]:
        raise OutputError("temporary files", "the disk is full")

    monkeypatch.setattr(exporting, "cached", no_room)
    monkeypatch.setattr(engine_choice, "choose", lambda *_: Choice("onnxruntime", "for a test"))
    engine, choice = open_engine(model, "0", "auto")
    assert engine.info.name == choice.name == "torch"
    assert "the disk is full" in choice.reason
    with pytest.raises(OutputError, match="the disk is full"):
        open_engine(model, "0", "onnxruntime")


def test_a_damaged_cache_is_made_anew(
    model: Model, exported: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEWIRE_CACHE", str(tmp_path / "cache"))
    folder = exporting.cached(model, "0", "onnx", "float32")[0].folder
    (folder / "manifest.json").write_text("{")
    assert exporting.cached(model, "0", "onnx", "float32")[0].folder == folder
    assert exported == [folder, folder]
    shutil.rmtree(folder)
