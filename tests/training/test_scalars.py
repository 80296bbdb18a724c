"""Numbers of a run: lines of JSON that survive a crash, TensorBoard where it is installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from facewire.base.errors import OutputError
from facewire.training.scalars import RunningMean, ScalarLog


def _steps(folder: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (folder / "scalars.jsonl").read_text().splitlines()]


def test_values_are_lines_of_json(tmp_path: Path) -> None:
    with ScalarLog(tmp_path) as scalars:
        scalars.write(10, {"loss": 1.5, "rate": 2e-4})
        scalars.write(20, {"loss": 1.25, "rate": 1e-4})
    lines = (tmp_path / "scalars.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"step": 10, "loss": 1.5, "rate": 2e-4},
        {"step": 20, "loss": 1.25, "rate": 1e-4},
    ]


def test_a_resumed_run_takes_back_what_it_will_write_again(tmp_path: Path) -> None:
    with ScalarLog(tmp_path) as scalars:
        for step in (10, 20, 30):
            scalars.write(step, {"loss": 1.0})
    with (tmp_path / "scalars.jsonl").open("a") as stream:
        stream.write('{"step": 40, "lo')
    with ScalarLog(tmp_path, 20) as scalars:
        scalars.write(30, {"loss": 2.0})
    assert _steps(tmp_path) == [10, 20, 30]
    assert json.loads((tmp_path / "scalars.jsonl").read_text().splitlines()[-1])["loss"] == 2.0


def test_tensorboard_gets_the_same(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    with ScalarLog(tmp_path) as scalars:
        scalars.write(10, {"loss": 1.5})
    (events,) = (tmp_path / "tensorboard").iterdir()
    assert b"loss" in events.read_bytes()


def test_without_tensorboard_the_lines_remain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facewire.training.scalars.importlib.util.find_spec", lambda name: None)
    with ScalarLog(tmp_path) as scalars:
        scalars.write(10, {"loss": 1.5})
    assert _steps(tmp_path) == [10]
    assert [path.name for path in tmp_path.iterdir()] == ["scalars.jsonl"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"scalars\.jsonl"):
        ScalarLog(tmp_path / "none")


def test_means_start_again_after_each_report() -> None:
    means = RunningMean()
    means.add({"a": 1.0, "b": 4.0})
    means.add({"a": 2.0, "b": 0.0})
    assert means.take() == {"a": 1.5, "b": 2.0}
    assert means.take() == {}
    means.add({"a": 5.0, "b": 1.0})
    assert means.take() == {"a": 5.0, "b": 1.0}
