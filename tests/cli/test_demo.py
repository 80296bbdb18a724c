"""facewire demo, as typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from facewire.cli.main import main
from facewire.media.image import load_image
from facewire.media.video import VideoReader


@pytest.mark.slow
def test_a_photo_talks_and_turns(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "made" / "here"
    assert main(["demo", str(photo), "-o", str(out), "--frames", "2", "--json", "-q"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["frames"] == 2
    assert report["files"] == [str(out / name) for name in ("demo.mp4", "freeview.mp4", "demo.png")]
    assert sorted(path.name for path in out.iterdir()) == ["demo.mp4", "demo.png", "freeview.mp4"]
    for name in ("demo.mp4", "freeview.mp4"):
        with VideoReader(out / name) as reader:
            assert len(list(reader)) == 2
    assert load_image(out / "demo.png").shape[1] > 4 * 320
    assert 5 < report["bytes_a_frame"] < 15


def test_mistakes_get_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", str(tmp_path / "none.jpg"), "-o", str(tmp_path)]) == 3
    assert main(["demo", "-o", str(tmp_path), "--frames", "0"]) == 2
    assert capsys.readouterr().err.count("\n") == 2
