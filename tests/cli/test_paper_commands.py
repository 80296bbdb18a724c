"""The paper's networks on the command line: weights of ours, read by torch, with coding tables of their own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from facewire.animation.animator import Animator, Pixels
from facewire.base.files import write_json
from facewire.cli.main import main
from facewire.codec.fitting.fit import FitSettings, fit_tables
from facewire.codec.importance import posed_metric
from facewire.codec.tables.artefact import save_tables
from facewire.codec.tables.shipped import shipped_tables
from facewire.media.video import VideoReader
from facewire.networks.manifest import Provenance
from facewire.networks.presets import build_preset, preset_config
from facewire.networks.weights import save_weights
from facewire.talks.coding_tables import tables_of
from tests.cli.conftest import RATE
from tests.conftest import ClipMaker
from tests.media.synthetic import write_video

PRESET = "paper-128"
SHOWN = 5


@pytest.fixture(scope="module")
def clip(driving_pictures: list[Pixels], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("paper") / "clip.mp4", driving_pictures[:SHOWN], rate=RATE)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return weights that were not trained but have seen pictures, so that their batch norms are awake."""
    torch.manual_seed(0)
    model = build_preset(PRESET).train()
    with torch.no_grad():
        for _ in range(4):
            model(torch.rand(2, 3, 128, 128), torch.rand(2, 3, 128, 128))
    path = tmp_path_factory.mktemp("paper") / "own.safetensors"
    save_weights(path, model.state_dict(), PRESET, preset_config(PRESET), Provenance(steps=0))
    return path


@pytest.fixture(scope="module")
def own_tables(weights: Path) -> bytes:
    """Put tables beside the weights, as facewire fit-tables does; return their hash."""
    random = np.random.default_rng(0)
    clips = [0.01 * random.standard_normal((45, 66)).cumsum(axis=0) for _ in range(2)]
    canonical = random.uniform(-0.5, 0.5, (20, 3))
    settings = FitSettings(id=77, name=f"{PRESET}-standard", step=0.005, tables=8)
    folder = weights.with_name("own-tables")
    folder.mkdir()
    digest = save_tables(fit_tables(clips, posed_metric(canonical), settings), folder / "standard.json")
    write_json(
        folder / "manifest.json",
        [{"id": 77, "name": settings.name, "file": "standard.json", "sha256": digest}],
    )
    return bytes.fromhex(digest)


@pytest.mark.slow
@pytest.mark.parametrize("how", [["--reference", "first"], ["--absolute"]], ids=["relative", "absolute"])
def test_animate(photo: Path, clip: Path, weights: Path, tmp_path: Path, how: list[str]) -> None:
    out = tmp_path / "out.mp4"
    own = ["--weights", str(weights), "--engine", "auto", "--head", "--yaw", "10", *how]
    assert main(["animate", str(photo), str(clip), "-o", str(out), "-q", *own]) == 0
    with VideoReader(out) as reader:
        pictures = [frame.pixels for frame in reader]
    assert len(pictures) == SHOWN
    assert pictures[0].shape == (128, 128, 3)


def test_other_engines_are_refused(photo: Path, clip: Path, weights: Path, tmp_path: Path) -> None:
    own = ["--weights", str(weights), "--engine", "openvino"]
    assert main(["animate", str(photo), str(clip), "-o", str(tmp_path / "out.mp4"), *own]) == 2


@pytest.mark.slow
def test_rotate(photo: Path, weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "turned.png"
    assert main(["rotate", str(photo), "-o", str(out), "--yaw", "15", "--weights", str(weights), "-q"]) == 0
    assert out.is_file()


@pytest.mark.slow
def test_a_talk_is_coded_with_the_tables_beside_the_weights(
    clip: Path, weights: Path, own_tables: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    talk, out, own = tmp_path / "talk.fwv", tmp_path / "out.mp4", ["--weights", str(weights)]
    assert (
        main(["encode", str(clip), "-o", str(talk), "--crop", "none", "--rate", "standard", "-q", *own]) == 0
    )
    capsys.readouterr()
    assert main(["info", str(talk), "--json", *own]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["tables"], bytes.fromhex(told["tables_hash"])) == (77, own_tables[:8])
    assert main(["decode", str(talk), "-o", str(out), "-q", *own]) == 0
    with VideoReader(out) as reader:
        assert len(list(reader)) == SHOWN
    assert main(["info", str(talk)]) != 0, "nobody else knows these tables"


def test_rates_without_tables_of_their_own_are_those_of_the_package(
    weights: Path, own_tables: bytes, animator: Animator
) -> None:
    known = Animator.load(weights)
    assert tables_of(known).id == 77
    assert tables_of(known, "fine").name == "paper-128-fine"
    assert tables_of(animator).sha256 == shipped_tables().sha256


@pytest.mark.slow
def test_tables_are_fitted_and_found(
    make_clip: ClipMaker, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.safetensors"
    for suffix in (".safetensors", ".json"):
        shutil.copy(weights.with_suffix(suffix), own.with_suffix(suffix))
    for name in ("a", "b"):
        make_clip(tmp_path / "clips", name, frames=45, side=128, labels=False)
    command = ["fit-tables", "--weights", str(own), "--data", str(tmp_path / "clips"), "--json", "-q"]
    assert main(command) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["clips"], report["frames"], report["keypoints"]) == (2, 90, 20)
    assert Path(report["output"]) == tmp_path / "own-tables"
    animator = Animator.load(own)
    found = [tables_of(animator, rate) for rate in ("standard", "fine", "coarse")]
    assert tuple(report["tables"]) == tuple(tables.name for tables in found)
    assert [tables.id for tables in found] == [report["first_id"] + number for number in range(3)]


def test_the_package_s_own_tables_are_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make_clip: ClipMaker
) -> None:
    make_clip(tmp_path, "a")
    assert main(["fit-tables", "--data", str(tmp_path)]) == 2
    assert "use -o DIR" in capsys.readouterr().err
