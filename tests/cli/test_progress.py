"""Lines of progress where standard error is no terminal, and how many processors are used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from facewire.base import processors
from facewire.cli.main import main
from facewire.cli.options import Bars
from facewire.cli.progress import Lines


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr("facewire.cli.progress.time.monotonic", lambda: now[0])
    return now


def test_a_line_now_and_then(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    bars = Bars(quiet=False)
    for second in range(31):
        clock[0] = second
        bars("rendering", 4 * second, 200)
    bars.close()
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "facewire: rendering: 8 of 200 frames, 4 a second, 48 s left",
        "facewire: rendering: 48 of 200 frames, 4 a second, 38 s left",
        "facewire: rendering: 88 of 200 frames, 4 a second, 28 s left",
        "facewire: rendering: 120 of 200 frames, 4 a second, 20 s left",
    ]


def test_what_is_quick_or_quiet_says_nothing(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    for quiet, seconds in ((False, 1.0), (True, 100.0)):
        bars = Bars(quiet)
        bars("reading", 0, 10)
        clock[0] += seconds
        bars("reading", 10, 10)
        bars.close()
    assert capsys.readouterr().err == ""


def test_lines_become_rarer(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines("training", "step", 100_000)
    for second in range(0, 36_000, 10):
        clock[0] = second
        lines.update(1)
    assert 60 < len(capsys.readouterr().err.splitlines()) < 160


def test_without_an_end_no_time_is_left(clock: list[float]) -> None:
    lines = Lines("reading", "frame", None)
    lines.set_postfix(loss="0.5", refresh=False)
    lines.n = 30
    assert lines.line(4.0) == "facewire: reading: 30 frames, 7.5 a second, loss 0.5"
    assert Lines("steps", "step", 10_000, 400).line(0.0) == "facewire: steps: 400 of 10000 steps, 0 a second"


def test_hours_are_told_as_hours() -> None:
    lines = Lines("training", "step", 10_000)
    lines.n = 1000
    assert lines.line(1000.0).endswith("2 h 30 min left")


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a test change how many threads compute."""
    monkeypatch.setenv("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "2"))
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
    processors.use(None)


@pytest.mark.slow
def test_threads_are_what_was_asked_for(threads: None, photo: Path, tmp_path: Path) -> None:
    command = ["rotate", str(photo), "-o", str(tmp_path / "o.png"), "--yaw", "5", "-q"]
    assert main([*command, "--threads", "1"]) == 0
    assert torch.get_num_threads() == processors.processors() == 1
    assert os.environ["OMP_NUM_THREADS"] == "1"
    assert main(command) == 0
    assert processors.processors() == processors.available()


@pytest.mark.parametrize("command", ["animate a b -o c", "rotate a -o c", "export --format onnx -o c"])
def test_no_threads_are_refused(threads: None, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "--threads", "0"]) == 2
    assert "threads = 0" in capsys.readouterr().err
