"""facewire import, on small models in the published packings, and what then works with them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from facewire.base.errors import WeightsError
from facewire.cli.main import main
from facewire.media.image import load_image
from facewire.networks.relatives.model import RelativeTalkingHead
from facewire.networks.weights import load_model
from tests.small_families import FILES, liveportrait_files, model_of, zk_file, zlh_file


@pytest.fixture
def own_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "own"
    monkeypatch.setenv("FACEWIRE_WEIGHTS", str(folder))
    return folder


def same(model: RelativeTalkingHead, name: str) -> None:
    """Require that the imported weights are those of a model, to the bit."""
    loaded, _ = load_model(name)
    assert isinstance(loaded, RelativeTalkingHead)
    assert loaded.family.name == model.family.name
    for key, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], tensor), key


@pytest.mark.slow
@pytest.mark.parametrize("packing", ["official", "safetensors"])
def test_liveportrait_from_a_folder(own_weights: Path, tmp_path: Path, packing: str) -> None:
    model = model_of("liveportrait")
    folder = liveportrait_files(model, tmp_path / "lp", packing)
    assert main(["import", "liveportrait", str(folder), "-o", "mine"]) == 0
    same(model, "mine")
    manifest = json.loads((own_weights / "mine.json").read_text())
    assert manifest["provenance"]["licence"] == "MIT"
    assert len(manifest["config"]["sources"]) == 5
    assert manifest["config"]["conventions"]["offset"] == 97.5


@pytest.mark.parametrize("family", ["zlh", "sadtalker"])
def test_one_file_of_two_families(own_weights: Path, tmp_path: Path, family: str) -> None:
    path = zlh_file(model_of("zlh"), tmp_path / "checkpoint.pth.tar")
    assert main(["import", family, str(path), "-o", "mine"]) == 0
    model, manifest = load_model("mine")
    assert isinstance(model, RelativeTalkingHead)
    assert manifest.preset == family
    assert model.family.mask_floor == (1e-3 if family == "sadtalker" else 0.0)


def test_older_zlh_is_told_by_its_keypoint_network(own_weights: Path, tmp_path: Path) -> None:
    model = model_of("zlh-beta")
    assert main(["import", "zlh", str(FILES["zlh-beta"](model, tmp_path)), "-o", "mine"]) == 0
    same(model, "mine")


def test_the_same_numbers_of_another_family_are_other_weights(own_weights: Path, tmp_path: Path) -> None:
    path = str(zlh_file(model_of("zlh"), tmp_path / "checkpoint.pth.tar"))
    for family in ("zlh", "sadtalker"):
        assert main(["import", family, path, "-o", family]) == 0
    assert len({load_model(family)[1].sha256 for family in ("zlh", "sadtalker")}) == 2


def test_zk(own_weights: Path, tmp_path: Path) -> None:
    model = model_of("zk")
    assert main(["import", "zk", str(zk_file(model, tmp_path / "1.pth.tar")), "-o", "mine"]) == 0
    same(model, "mine")


class Payload:
    """What a file with a program in it would hold."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, ("executed",)


def test_no_pickle_is_executed(
    own_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"detector": Payload()}, tmp_path / "bad.pth")
    assert main(["import", "liveportrait", "bad.pth", "-o", "mine"]) == WeightsError.exit_code
    assert "holds more than tensors" in capsys.readouterr().err
    assert not (tmp_path / "executed").exists()
    assert not own_weights.exists()


def test_what_is_missing_is_named(
    own_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = liveportrait_files(model_of("liveportrait"), tmp_path / "lp")
    (folder / "base_models" / "warping_module.pth").unlink()
    assert main(["import", "liveportrait", str(folder), "-o", "mine"]) == 4
    assert "warping_module (warping) is not in these files" in capsys.readouterr().err


def test_files_of_another_family_are_named(
    own_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = zk_file(model_of("zk"), tmp_path / "1.pth.tar")
    assert main(["import", "liveportrait", str(path), "-o", "mine"]) == 4
    assert "belongs to zk" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", ["onnx", "trt"])
@pytest.mark.parametrize("as_folder", [True, False])
def test_graphs_of_a_runtime_are_told_from_weights(
    own_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str, as_folder: bool
) -> None:
    path = tmp_path / "pack" / f"warping_spade.{suffix}"
    path.parent.mkdir()
    path.write_bytes(b"\x08\x08")
    given = path.parent if as_folder else path
    assert main(["import", "liveportrait", str(given), "-o", "mine"]) == 4
    told = capsys.readouterr().err
    assert f"warping_spade.{suffix}: is a graph for one runtime" in told
    assert ".pth or .safetensors" in told


def test_graphs_beside_weights_are_left_out(
    own_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = liveportrait_files(model_of("liveportrait"), tmp_path / "lp")
    (folder / "stitching.onnx").write_bytes(b"\x08\x08")
    assert main(["import", "liveportrait", str(folder), "-o", "mine"]) == 0
    assert "left out" in capsys.readouterr().err


def test_a_network_given_twice_is_refused(
    own_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = model_of("liveportrait")
    paths = [str(liveportrait_files(model, tmp_path / name)) for name in ("people", "animals")]
    assert main(["import", "liveportrait", *paths, "-o", "mine"]) == 4
    assert "as " in capsys.readouterr().err


def test_broken_files_end_in_one_line(
    own_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cut.pth"
    path.write_bytes(zlh_file(model_of("zlh"), tmp_path / "x.pth").read_bytes()[:5000])
    assert main(["import", "zlh", str(path), "-o", "mine"]) == 4
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("name", ["", "../out", "a/b", ".hidden"])
def test_names_stay_in_the_folder(own_weights: Path, tmp_path: Path, name: str) -> None:
    path = zk_file(model_of("zk"), tmp_path / "1.pth.tar")
    assert main(["import", "zk", str(path), "-o", name]) == 2


def test_weights_that_are_there_stay(own_weights: Path, tmp_path: Path) -> None:
    path = str(zk_file(model_of("zk"), tmp_path / "1.pth.tar"))
    assert main(["import", "zk", path, "-o", "mine"]) == 0
    assert main(["import", "zk", path, "-o", "mine"]) == 3
    assert main(["import", "zk", path, "-o", "mine", "--overwrite"]) == 0


@pytest.mark.slow
def test_the_check_writes_what_can_be_sent_back(own_weights: Path, tmp_path: Path) -> None:
    files, folder = FILES["zlh"](model_of("zlh"), tmp_path), tmp_path / "report"
    assert main(["import", "zlh", str(files), "-o", "mine", "--side", "128", "--check", str(folder)]) == 0
    assert load_image(folder / "check.png").shape == (128, 384, 3)
    report = json.loads((folder / "check.json").read_text())
    assert report["family"] == "zlh"
    assert report["seconds_per_frame"] > 0
    assert str(tmp_path) not in (folder / "check.json").read_text()
