"""facewire import, on small models in the published packings, and what then works with them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from facewire.base.errors import WeightsError
from facewire.cli.main import main
from facewire.media.image import load_image
from facewire.media.video import VideoReader
from facewire.networks.published.checkpoints import PLACES
from facewire.networks.relatives.families import FAMILIES
from facewire.networks.relatives.model import RelativeTalkingHead, build
from facewire.networks.weights import load_model

Run = Callable[..., int]

VOLUME = {"channels": 4, "depth": 2}
HOURGLASS = {"compressed": 1, "widths": [8, 8, 8], "last": 4}
OWN = {
    "appearance": {"widths": [2, 4, 8], "blocks": 1, **VOLUME},
    "warping": {"plane": 8, **HOURGLASS, **VOLUME},
}
EYES = {"stitching": [126, 8, 65], "lip": [65, 8, 63], "eye": [66, 8, 63]}
SIZES: dict[str, dict[str, dict[str, Any]]] = {
    "liveportrait": {
        **OWN,
        "head": {"keypoints": 21, "depths": [1, 1, 1, 1], "widths": [8, 8, 16, 16]},
        "decoder": {"plane": 8, "last": 4, "upscale": 2},
        **{name: {"widths": widths} for name, widths in EYES.items()},
    },
    "zlh": {
        **OWN,
        "head": {"keypoints": 15, "widths": [8, 16, 24, 32, 40], "repeats": [1, 1, 1, 1]},
        "canonical": {
            "keypoints": 15,
            "downs": [8, 8],
            "ups": [16, 8, 4],
            "depth": 4,
            "shrinks": True,
        },
        "decoder": {"plane": 8, "last": 4, "upscale": 1},
    },
    "zk": {
        "appearance": OWN["appearance"],
        "head": {"keypoints": 15, "widths": [8, 16, 24, 32, 40], "repeats": [1, 1, 1, 1]},
        "canonical": {"keypoints": 15, "downs": [3, 8, 8], "ups": [16, 8, 4], "depth": 4},
        "field": {
            "keypoints": 15,
            "compressed": 1,
            "downs": [8, 16],
            "ups": [16, 8, 4],
            **VOLUME,
        },
        "decoder": {"widths": [16, 8, 8], "blocks": 1, **VOLUME},
    },
}


def model_of(family: str) -> RelativeTalkingHead:
    """Return a small model with random numbers."""
    sizes = {name: dict(size) for name, size in SIZES[family].items()}
    for name in ("warping", "field"):
        if name in sizes:
            sizes[name]["keypoints"] = FAMILIES[family].keypoints
    torch.manual_seed(0)
    model = build({"family": family, "sizes": sizes})
    state = model.state_dict()
    for key, tensor in state.items():
        if key.endswith(("weight_orig", "weight_u", "weight_v")):
            tensor.copy_(0.3 + 0.1 * torch.randn(tensor.shape))
    if family == "liveportrait":
        state["head.detector.fc_scale.bias"].fill_(1.3)
    return model.eval()


def part(model: RelativeTalkingHead, name: str) -> dict[str, Tensor]:
    """Return the tensors of one network by its own keys."""
    prefix = PLACES.get(name, f"{name}.")
    state = {key: tensor.clone().contiguous() for key, tensor in model.state_dict().items()}
    return {key.removeprefix(prefix): tensor for key, tensor in state.items() if key.startswith(prefix)}


def liveportrait_files(model: RelativeTalkingHead, folder: Path, packing: str = "official") -> Path:
    """Write the files of LivePortrait."""
    (folder / "base_models").mkdir(parents=True)
    names = {
        "appearance": "appearance_feature_extractor",
        "head": "motion_extractor",
        "warping": "warping_module",
        "decoder": "spade_generator",
    }
    for name, file in names.items():
        if packing == "official":
            torch.save(part(model, name), folder / "base_models" / f"{file}.pth")
        else:
            save_file(part(model, name), folder / "base_models" / f"{file}.safetensors")
    chains = {"stitching": "retarget_shoulder", "lip": "retarget_mouth", "eye": "retarget_eye"}
    if packing == "official":
        held = {
            outer: {f"module.{key}": value for key, value in part(model, f"corrections.{name}").items()}
            for name, outer in chains.items()
        }
        torch.save(held, folder / "stitching_retargeting_module.pth")
    else:
        flat = {
            f"{outer}_module.{key}": value
            for name, outer in chains.items()
            for key, value in part(model, f"corrections.{name}").items()
        }
        save_file(flat, folder / "stitching_retargeting_module.safetensors")
    return folder


def zlh_file(model: RelativeTalkingHead, path: Path) -> Path:
    """Write ZLH's one file, with the optimiser that it holds too."""
    generator = {**part(model, "appearance"), **part(model, "warping")}
    generator |= {f"decoder.{key}": tensor for key, tensor in part(model, "decoder").items()}
    held = {
        "generator": {f"module.{key}": tensor for key, tensor in generator.items()},
        "kp_detector": part(model, "canonical"),
        "he_estimator": part(model, "head"),
        "optimizer_generator": {"state": {0: {"step": torch.zeros(1)}}},
        "epoch": 3,
    }
    torch.save(held, path)
    return path


def zk_file(model: RelativeTalkingHead, path: Path) -> Path:
    """Write ZK's one file."""
    names = {
        "afe": "appearance",
        "ckd": "canonical",
        "hpe_ede": "head",
        "mfe": "field",
        "generator": "decoder",
    }
    torch.save({outer: part(model, name) for outer, name in names.items()}, path)
    return path


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


FILES: dict[str, Callable[[RelativeTalkingHead, Path], Path]] = {
    "liveportrait": lambda model, folder: liveportrait_files(model, folder / "lp"),
    "zlh": lambda model, folder: zlh_file(model, folder / "zlh.pth.tar"),
    "zk": lambda model, folder: zk_file(model, folder / "zk.pth.tar"),
}


def bring(family: str, folder: Path) -> None:
    files = FILES[family](model_of(family), folder)
    assert main(["import", family, str(files), "-o", "mine", "--side", "128"]) == 0


@pytest.mark.slow
@pytest.mark.parametrize(("family", "side"), [("liveportrait", 256), ("zlh", 128), ("zk", 128)])
def test_record_animate_and_rotate(
    own_weights: Path, driving: Path, photo: Path, tmp_path: Path, family: str, side: int
) -> None:
    bring(family, tmp_path)
    motion, out, turned = (str(tmp_path / name) for name in ("motion.fwv", "out.mp4", "turned.png"))
    assert main(["record", str(driving), "-o", motion, "--weights", "mine"]) == 0
    assert main(["animate", str(photo), motion, "-o", out, "--head", "--weights", "mine"]) == 0
    assert main(["rotate", str(photo), "-o", turned, "--yaw", "10", "--head", "--weights", "mine"]) == 0
    with VideoReader(out) as reader:
        assert {frame.pixels.shape for frame in reader} == {(side, side, 3)}
    assert load_image(turned).shape == (side, side, 3)


@pytest.mark.slow
@pytest.mark.parametrize(("family", "profile"), [("liveportrait", "file"), ("zk", "stream"), ("zlh", "raw")])
def test_a_talk_is_coded_and_decoded_with_the_same_weights_only(
    own_weights: Path,
    driving: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    family: str,
    profile: str,
) -> None:
    bring(family, tmp_path)
    talk, out = str(tmp_path / "talk.fwv"), str(tmp_path / "out.mp4")
    coded = ["encode", str(driving), "-o", talk, "--profile", profile, "--refresh", "off"]
    assert main([*coded, "--weights", "mine"]) == 0
    assert main(["decode", talk, "-o", out, "--weights", "mine"]) == 0
    with VideoReader(out) as reader:
        assert len(list(reader)) == 12
    capsys.readouterr()
    assert main(["decode", talk, "-o", out]) != 0
    assert "weights" in capsys.readouterr().err


@pytest.mark.slow
def test_the_check_writes_what_can_be_sent_back(own_weights: Path, tmp_path: Path) -> None:
    files, folder = FILES["zlh"](model_of("zlh"), tmp_path), tmp_path / "report"
    assert main(["import", "zlh", str(files), "-o", "mine", "--side", "128", "--check", str(folder)]) == 0
    assert load_image(folder / "check.png").shape == (128, 384, 3)
    report = json.loads((folder / "check.json").read_text())
    assert report["family"] == "zlh"
    assert report["seconds_per_frame"] > 0
    assert str(tmp_path) not in (folder / "check.json").read_text()
