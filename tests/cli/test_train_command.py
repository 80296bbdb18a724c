"""facewire train, as typed: results, exit codes, one clear line for every mistake."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch

from facewire.cli import train
from facewire.cli.main import main
from facewire.media import image
from facewire.networks.presets import PRESETS
from facewire.networks.weights import load_model
from facewire.training import trainer
from facewire.training.objectives import frozen
from facewire.training.recipes import RECIPES
from tests.signals import deliver

ClipMaker = Callable[..., Path]


@pytest.fixture(scope="module")
def clips(make_clip: ClipMaker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("train") / "clips"
    for name in ("a", "b"):
        make_clip(folder, name)
    return folder


@pytest.fixture
def given(clips: Path, stand_in: Path, tmp_path: Path) -> list[str]:
    """Arguments of a run of the tiny preset."""
    shutil.copytree(clips, tmp_path / "clips")
    return arguments(tmp_path, stand_in)


@pytest.fixture(scope="module")
def finished(clips: Path, stand_in: Path) -> list[str]:
    """Arguments of a finished run; only read it."""
    given = arguments(clips.parent, stand_in)
    assert main([*given, "-q"]) == 0
    return given


def arguments(folder: Path, stand_in: Path) -> list[str]:
    options = {"--data": "clips", "-o": "run", "--cache": "cache"}
    placed = [part for option, name in options.items() for part in (option, str(folder / name))]
    return ["train", "tiny", *placed, "--perceptual", str(stand_in), "--device", "cpu", "--steps", "2"]


def _stop_at_first_preview(monkeypatch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C while the first preview is written, that is in the middle of the run."""
    save = image.save_image
    presses = iter([True])

    def press(*arguments: Any) -> None:
        if next(presses, False):
            deliver(signal.SIGINT)
        save(*arguments)

    monkeypatch.setattr(trainer, "save_image", press)


def test_every_preset_is_offered() -> None:
    assert set(train.PRESETS) == set(PRESETS) == set(RECIPES)


@pytest.mark.slow
def test_a_run_says_what_it_does(
    given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "clips" / "broken.mp4").write_bytes(b"no video")
    assert main(given) == 0
    shown = capsys.readouterr()
    assert "weights.safetensors: 2 of 2 steps" in shown.out
    for said in (
        "left out: ",
        "broken.mp4",
        "tiny: 293,828 parameters",
        "on cpu in float32",
        "2 clips, 12 frames, people unknown, 1 left out",
        "perceptual network: vgg19-distilled-stand-in",
        "starting, 2 steps of 2 pairs",
    ):
        assert said in shown.err
    assert load_model(tmp_path / "run" / "weights.safetensors")[1].provenance.steps == 2


@pytest.mark.slow
def test_a_finished_run_says_so_and_more_steps_go_on(
    given: list[str], finished: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(folder_of(finished), folder_of(given))
    assert main(given) == 0
    assert "holds a finished run of 2 steps" in capsys.readouterr().err
    assert main([*given[:-1], "3"]) == 0
    assert "going on after step 2, 3 steps" in capsys.readouterr().err


@pytest.mark.slow
def test_the_report_is_json_when_asked_for(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*given, "--json", "-q"]) == 0
    shown = capsys.readouterr()
    report = json.loads(shown.out)
    assert report["finished"] is True
    assert (report["steps"], report["clips"], report["frames"]) == (2, 2, 12)
    assert report["perceptual"] == "vgg19-distilled-stand-in"
    assert shown.err == ""


@pytest.mark.slow
def test_ctrl_c_saves_and_the_same_command_goes_on(
    given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    _stop_at_first_preview(monkeypatch)
    command = [*given[:-1], "7"]
    assert main(command) == train.INTERRUPTED == 130
    assert "stopped after step 6 of 7; the same command goes on" in capsys.readouterr().err
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert load_model(tmp_path / "run" / "weights.safetensors")[1].provenance.steps == 6
    assert main(command) == 0
    assert "going on after step 6" in capsys.readouterr().err


@pytest.mark.slow
def test_a_killed_run_goes_on(given: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "facewire.cli.main", *given[:-1], "100000"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        while not (tmp_path / "run" / "weights.json").exists():
            assert process.poll() is None
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    finished = main([*given[:-1], "6"])
    assert finished == 0
    assert load_model(tmp_path / "run" / "weights.safetensors")[1].provenance.steps >= 5


@pytest.mark.slow
def test_two_ranks_train_and_one_goes_on(given: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "facewire.cli.main", *given, "--ranks", "2", "--json"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    report = json.loads(done.stdout)
    assert (report["steps"], report["ranks"]) == (2, 2)
    shares = (tmp_path / "run" / "checkpoints" / "step-00000002").glob("*.safetensors")
    assert len(list(shares)) == 2
    record = json.loads((tmp_path / "run" / "checkpoints" / "step-00000002" / "run.json").read_text())
    assert record["config"]["slices"] == 2
    assert main([*given[:-1], "3"]) == 0
    assert load_model(tmp_path / "run" / "weights.safetensors")[1].provenance.steps == 3


def test_slices_must_divide_the_batch(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*given, "--slices", "3"]) == 2
    assert "slices = 3" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "code", "said"),
    [
        (["--batch", "3"], 7, "batch 2, not 3"),
        (["--no-jacobians"], 7, "jacobians"),
        (["--precision", "bf16"], 7, "precision fp32, not bf16"),
    ],
)
def test_another_run_in_the_same_folder_is_refused(
    finished: list[str], changed: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main([*finished, *changed]) == code
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def folder_of(given: list[str]) -> str:
    return given[given.index("-o") + 1]


def _without(given: list[str], option: str) -> list[str]:
    at = given.index(option)
    return given[:at] + given[at + 2 :]


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (lambda given, folder: ["train", "huge", *given[2:]], 2, "preset = 'huge'"),
        (lambda given, folder: ["train", "compact-256", *given[2:], "--no-jacobians"], 2, "jacobians"),
        (lambda given, folder: [*given, "--steps", "0"], 2, "steps = 0"),
        (lambda given, folder: [*given, "--device", "cuda:9"], 2, "device = 'cuda:9'"),
        (lambda given, folder: [*given, "--precision", "bf16"], 2, "precision = 'bf16'"),
        (lambda given, folder: [*given, "--data", str(folder / "none")], 3, "not a folder"),
        (lambda given, folder: [*given, "--data", str(folder)], 3, "holds no clips"),
        (lambda given, folder: [*given, "-o", str(folder / "clips" / "a.mp4")], 3, "a.mp4"),
        (lambda given, folder: [*given, "--cache", str(folder / "clips" / "a.mp4")], 3, "--cache"),
        (
            lambda given, folder: [*given, "--perceptual", str(folder / "none.safetensors")],
            4,
            "none.safetensors",
        ),
        (lambda given, folder: [*given, "--face-perceptual", str(folder / "none.pth")], 4, "none.pth"),
        (lambda given, folder: [*given, "--init", str(folder / "none")], 4, "no such weights"),
    ],
)
def test_mistakes_get_one_line_and_an_exit_code(
    given: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[list[str], Path], list[str]],
    code: int,
    said: str,
) -> None:
    assert main(change(given, tmp_path)) == code
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_without_a_network_the_line_says_what_to_pass(
    given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(address: str, timeout: float) -> None:
        raise URLError("no connection")

    monkeypatch.setattr(frozen, "urlopen", offline)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    assert main(_without(given, "--perceptual")) == 7
    error = capsys.readouterr().err
    assert "--perceptual" in error
    assert error.count("\n") == 1


@pytest.mark.slow
def test_decoded_clips_are_kept_for_the_user_by_default(
    given: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    assert main([*_without(given, "--cache"), "-q"]) == 0
    assert len(list((tmp_path / "home" / "facewire" / "clips").glob("*.npy"))) == 2


@pytest.mark.slow
def test_bars_show_stages_and_steps(
    given: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(given) == 0
    error = capsys.readouterr().err
    assert "clips:" in error
    assert "tiny: 100%" in error
    assert "step" in error
    assert "loss=" in error
