"""facewire bench train: the figures that machines read, without data and without downloads."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from facewire.benchmarks import training
from facewire.cli.main import main
from facewire.losses.feature_taps import Vgg19
from facewire.training.machine.pace import Pace


@pytest.mark.slow
def test_the_command_measures_without_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an eighth of VGG-19's width, and a profile of one step."""
    narrow = tuple((count, width // 8) for count, width in Vgg19.BLOCKS)
    monkeypatch.setattr(Vgg19, "BLOCKS", narrow)
    monkeypatch.setattr(training, "profile", partial(training.profile, steps=1))
    options = [
        "--steps",
        "1",
        "--warm-up",
        "1",
        "--device",
        "cpu",
        "--profile",
        str(tmp_path / "profile.txt"),
    ]
    assert main(["bench", "train", "tiny", *options, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["samples_per_s"] > 0
    assert 0 <= report["data_wait_share"] < 1
    assert report["peak_mb"] > 50
    assert report["device"].startswith("cpu")
    assert (report["preset"], report["batch"], report["steps"], report["ranks"]) == ("tiny", 2, 1, 1)
    assert report["samples_per_s"] == pytest.approx(2000 / report["step_ms"], rel=0.01)
    assert report["cpu_s_per_sample"] > 0
    assert "convolution" in (tmp_path / "profile.txt").read_text()


def test_mistakes_get_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "train", "tiny", "--steps", "0"]) == 2
    assert main(["bench", "train", "huge"]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_waiting_is_told_from_working(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])

    def items() -> Iterator[None]:
        for _ in range(4):
            clock[0] += 1.0  # each item is waited for a second
            yield

    pace = Pace()
    for _ in pace.timed(items()):
        clock[0] += 3.0  # and worked on for three
        pace.add(8)
    assert pace.data_wait_share == pytest.approx(0.25)
    assert pace.samples_per_s == pytest.approx(32 / 16)
