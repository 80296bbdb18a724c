"""The command: reports on disk, exit codes, resuming, ablation, comparing."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facewire.animation.animator import Animator
from facewire.base.errors import ConfigError, MediaError, WeightsError
from facewire.cli import evaluate as command
from facewire.cli import options
from facewire.evaluation.measuring import panel as panel_module
from facewire.evaluation.measuring.panel import Panel
from facewire.evaluation.protocols import reconstruction
from facewire.evaluation.protocols.ablation import short_names
from facewire.metrics import identity
from facewire.metrics.backbone_file import BackboneFile
from facewire.metrics.inception import INCEPTION

Run = Callable[..., int]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, still: Animator, follower: Animator, panel: Panel) -> Run:
    """Run the command with models that pretend: `still` and `follower` for weights."""
    known = {"compact-256": still, "still": still, "follower": follower}
    monkeypatch.setattr(options, "animator_of", lambda given: known[given.weights])
    monkeypatch.setattr(identity, "absence", lambda: "left out in tests")

    def call(*arguments: object) -> int:
        top = argparse.ArgumentParser()
        command.add_to(top.add_subparsers())
        given = top.parse_args(["evaluate", *map(str, arguments)])
        code: int = given.run(given)
        return code

    return call


def read(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return found


@pytest.mark.slow
def test_reconstruction_leaves_a_report_and_the_next_run_takes_it_up(
    run: Run, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "report"
    out.mkdir()
    assert run("reconstruction", "--data", data, "-o", out, "--workers", 2) == 0
    printed = capsys.readouterr().out
    assert "L1" in printed
    assert "not computed: LPIPS" in printed
    assert "3 of 3 rows" in printed
    report = read(out)
    assert set(report) >= {"metrics", "baseline", "failed", "config", "hashes"}
    assert set(report["metrics"]["l1"]["per_clip"]) == {"a_00", "a_01", "b_00"}
    assert report["metrics"]["l1"]["mean"] == pytest.approx(report["baseline"]["l1"], rel=0.05)
    assert report["metrics"]["fid"]["mean"] is None
    assert report["hashes"]["weights"] == "0" * 64
    assert report["config"]["clips"] == 3
    text = (out / "report.html").read_text()
    assert text.count("<video") == 3
    assert str(tmp_path) not in text + json.dumps(report)
    monkeypatch.setattr(reconstruction, "measure", None)  # nothing is left to measure
    assert run("reconstruction", "--data", data, "-o", out, "--json", "--quiet") == 0
    again = json.loads(capsys.readouterr().out)
    assert again["metrics"]["l1"] == report["metrics"]["l1"]


@pytest.mark.slow
@pytest.mark.usefixtures("without_plots")
def test_what_cannot_be_fetched_is_told_and_left_out(
    run: Run,
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    missing = BackboneFile(INCEPTION.name, (tmp_path / "nowhere").as_uri())
    monkeypatch.setattr(panel_module, "DOWNLOADABLE", (missing,))
    arguments = ("canonical", "--data", data, "-o", tmp_path / "r", "--stride", 3, "--fetch")
    with pytest.raises(ConfigError, match="--nets DIR"):
        run(*arguments)
    assert run(*arguments, "--nets", tmp_path / "nets") == 0
    assert "cannot be had" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.usefixtures("without_plots")
def test_a_broken_clip_is_a_row_with_a_reason_and_a_code(
    run: Run, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    (clips / "good.mp4").write_bytes((data / "val" / "b_00.mp4").read_bytes())
    (clips / "bad.mp4").write_bytes(b"nothing")
    assert run("reconstruction", "--data", clips, "-o", tmp_path / "r", "--stride", 2) == command.SOME_FAILED
    assert "bad: " in capsys.readouterr().err
    report = read(tmp_path / "r")
    assert list(report["failed"]) == ["bad"]
    assert list(report["clips"]) == ["good"]
    assert report["config"]["stride"] == 2


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["transfer", "freeview", "canonical", "occlusion"])
def test_every_other_protocol_leaves_a_report(run: Run, data: Path, tmp_path: Path, protocol: str) -> None:
    out = tmp_path / protocol
    assert run(protocol, "--data", data, "-o", out, "--clips", 2, "--stride", 3, "--workers", 1) == 0
    report = read(out)
    assert report["protocol"] == protocol
    assert report["failed"] == {}
    assert any(card["mean"] is not None for card in report["metrics"].values())
    assert "<h1>Facewire: " in (out / "report.html").read_text()


@pytest.mark.slow
def test_an_ablation_is_a_table_of_several_models(run: Run, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "ablation"
    arguments = ("--data", data, "-o", out, "--clips", 2, "--stride", 2)
    assert run("ablation", "--weights", "still", "follower", *arguments) == 0
    report = read(out)
    assert list(report["variants"]) == ["still", "follower"]
    assert report["variants"]["still"]["steps"] == 7
    text = (out / "report.html").read_text()
    for part in ("Against the first variant", "2-D warp", "no training", "no interval", "<img"):
        assert part in text
    assert (out / "follower" / "report.html").is_file()


@pytest.mark.slow
@pytest.mark.usefixtures("without_plots")
def test_two_reports_are_compared(
    run: Run, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for weights in ("still", "follower"):
        arguments = ("--data", data, "-o", tmp_path / weights, "--stride", 2)
        assert run("reconstruction", "--weights", weights, *arguments) == 0
    capsys.readouterr()
    pair = [tmp_path / weights / "report.json" for weights in ("still", "follower")]
    assert run("--compare", *pair) == 0
    printed = capsys.readouterr().out
    assert "AKD" in printed
    assert "3 rows in both" in printed
    assert run("--compare", *pair, "--json") == 0
    assert json.loads(capsys.readouterr().out)["clips"] == 3


def test_wrong_arguments_are_refused(run: Run, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "r"
    with pytest.raises(ConfigError, match="PROTOCOL"):
        run("reconstruction", "--data", data)
    with pytest.raises(ConfigError, match="only ablation"):
        run("reconstruction", "--weights", "still", "follower", "--data", data, "-o", out)
    with pytest.raises(ConfigError, match="--compare"):
        run("reconstruction", "--compare", "a", "b")
    with pytest.raises(ConfigError, match="kept"):
        run("reconstruction", "--data", data, "-o", out, "--kept", 99)
    with pytest.raises(ConfigError, match="workers"):
        run("reconstruction", "--data", data, "-o", out, "--workers", 0)
    with pytest.raises(MediaError, match="no clip"):
        run("reconstruction", "--data", tmp_path, "-o", out)
    with pytest.raises(WeightsError, match="folder of networks"):
        run("reconstruction", "--data", data, "-o", out, "--nets", tmp_path / "nowhere")


def test_short_names_are_unique() -> None:
    assert short_names(["a.safetensors", "x/b.safetensors"]) == ["a", "b"]
    assert short_names(["x/ema.safetensors", "y/ema.safetensors"]) == ["x", "y"]
    assert short_names(["x/ema.safetensors", "x/ema.safetensors"]) == ["x-0", "x-1"]
