"""Which engine is taken, why, and what is said when it cannot be."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from facewire.base.errors import ConfigError, HashMismatch, WeightsError
from facewire.base.files import read_json, sha256_of, write_json
from facewire.engines import artefact
from facewire.engines import choice as engine_choice
from facewire.engines.choice import Choice, Finding, choose


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """Engines that are installed; tests change it."""
    installed = {"torch": True, "openvino": True, "onnxruntime": True}

    def finding(name: str) -> Finding:
        return Finding(name, installed[name], "1.0" if installed[name] else "missing; pip install it")

    monkeypatch.setattr(engine_choice, "finding", finding)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    return installed


def test_auto_takes_openvino_on_x86(found: dict[str, bool]) -> None:
    choice = choose("auto")
    assert choice.name == "openvino"
    assert "x86" in choice.reason


def test_auto_takes_onnxruntime_elsewhere(found: dict[str, bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    assert choose("auto").name == "onnxruntime"


def test_auto_falls_back_to_torch_and_says_what_is_missing(found: dict[str, bool]) -> None:
    found["openvino"] = found["onnxruntime"] = False
    choice = choose("auto")
    assert choice.name == "torch"
    assert "pip install" in choice.reason


@pytest.mark.parametrize(("device", "compact"), [("cuda", True), ("cpu", False)])
def test_other_devices_and_the_papers_networks_run_in_torch(
    found: dict[str, bool], device: str, compact: bool
) -> None:
    assert choose("auto", device, compact).name == "torch"
    with pytest.raises(ConfigError, match="torch"):
        choose("openvino", device, compact)


def test_a_wish_is_granted_or_answered_with_what_to_do(found: dict[str, bool]) -> None:
    assert choose("onnxruntime") == Choice("onnxruntime", "asked for")
    found["openvino"] = False
    with pytest.raises(ConfigError, match="pip install"):
        choose("openvino")
    with pytest.raises(ConfigError, match="onnxruntime"):
        choose("tensorrt")


def a_manifest(folder: Path) -> Path:
    folder.mkdir()
    (folder / "find.xml").write_bytes(b"graph")
    manifest = {
        "schema": artefact.SCHEMA,
        "format": "openvino",
        "precision": "float32",
        "weights": {"sha256": "0" * 64},
        "resolution": 256,
        "keypoints": 20,
        "graphs": {"find": {"file": "find.xml", "inputs": {}, "outputs": {}}},
        "files": {"find.xml": sha256_of(folder / "find.xml")},
    }
    write_json(folder / artefact.MANIFEST, manifest)
    return folder


def test_an_export_is_read_back_and_a_changed_file_is_refused(tmp_path: Path) -> None:
    folder = a_manifest(tmp_path / "export")
    assert artefact.read(folder).file("find") == folder / "find.xml"
    (folder / "find.xml").write_bytes(b"grapH")
    with pytest.raises(HashMismatch):
        artefact.read(folder)


@pytest.mark.parametrize(
    "change",
    [{"schema": 99}, {"files": {"../find.xml": "0"}}, {"weights": {}}, {"graphs": None}, {"files": 3}],
)
def test_a_manifest_that_is_not_ours_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = a_manifest(tmp_path / "export") / artefact.MANIFEST
    write_json(path, read_json(path) | change)
    with pytest.raises(WeightsError):
        artefact.read(path.parent)


def test_a_folder_without_manifest_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="export again"):
        artefact.read(tmp_path)
