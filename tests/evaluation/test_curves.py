"""Curves of training runs: what is read, how it is thinned, and the page of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from facewire.base.errors import MediaError
from facewire.cli.main import main
from facewire.evaluation.reports.curves import SCALARS, Curves, read_curves, thinned
from facewire.media.image import save_image
from facewire.training.scalars import FILE, ScalarLog


def _run(folder: Path, lines: Sequence[object], previews: tuple[int, ...] = ()) -> Path:
    folder.mkdir(parents=True)
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    (folder / "scalars.jsonl").write_text(text)
    for step in previews:
        save_image(folder / f"preview-{step:07d}.png", np.full((4, 4, 3), step % 256, np.uint8))
    return folder


def test_what_training_writes_is_read(tmp_path: Path) -> None:
    assert SCALARS == FILE
    with ScalarLog(tmp_path) as log:
        log.write(50, {"flow": 0.25})
    assert read_curves(tmp_path).terms == {"flow": [(50, 0.25)]}


def test_whole_lines_are_read_and_others_left_out(tmp_path: Path) -> None:
    lines = [
        {"step": 50, "picture": 2.0, "flow": 1.0},
        {"step": 100, "picture": float("nan"), "flow": 0.5},
        [1, 2],
        {"picture": 3.0},
        {"step": 150, "picture": 1.0, "flow": "much"},
        {"step": 200, "picture": 0.5, "critic": 4.0},
        '{"step": 250, "pict',
    ]
    run = read_curves(_run(tmp_path / "run", lines, (50, 200)))
    assert run.terms == {
        "picture": [(50, 2.0), (200, 0.5)],
        "flow": [(50, 1.0), (100, 0.5)],
        "critic": [(200, 4.0)],
    }
    assert run.steps == 200
    assert run.preview == (tmp_path / "run" / "preview-0000200.png").read_bytes()


def test_the_end_of_a_run_is_the_mean_of_its_last_tenth() -> None:
    run = Curves("run", {"picture": [(step, float(step)) for step in range(1, 21)]}, None)
    assert run.last("picture") == 19.5
    assert run.last("flow") is None


def test_long_curves_are_means_of_neighbours() -> None:
    points = [(float(step), step % 2 * 1.0) for step in range(1, 401)]
    few = thinned(points, 100)
    assert few == [(4.0 * number, 0.5) for number in range(1, 101)]
    assert thinned(points[:100], 100) == points[:100]
    assert len(thinned(points, 120)) <= 120


def test_runs_stand_beside_each_other_on_one_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = _run(tmp_path / "a" / "run", [{"step": 50, "flow": 1.0}, {"step": 100, "flow": 0.5}], (100,))
    second = _run(tmp_path / "b" / "run", [{"step": 50, "flow": 2.0, "pose": 1.0}])
    assert main(["curves", str(first), str(second), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["runs"][1] == {"run": "run", "steps": 50, "last": {"flow": 2.0, "pose": 1.0}}
    text = Path(found["page"]).read_text()
    assert found["page"] == str(first / "curves.html")
    assert text.count("<svg") == 2
    assert text.count("data:image/png;base64") == 1
    assert "run (2)" in text


@pytest.mark.parametrize("content", [None, "", "not json\n", '{"step": 1}\n'])
def test_what_is_no_run_is_one_line(
    tmp_path: Path, content: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "scalars.jsonl").write_text(content)
    with pytest.raises(MediaError):
        read_curves(tmp_path)
    assert main(["curves", str(tmp_path)]) == 3
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "curves.html").exists()
