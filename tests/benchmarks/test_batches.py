"""facewire bench batches: the figures, from a small network of the paper's kind."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import torch

from facewire.cli.main import main
from facewire.engines.processor.device import device_name, matrix_gflops, peak_mb
from facewire.networks.paper.face_vid2vid import FaceVid2Vid

STATUS = Path("/proc/self/status")


@pytest.mark.slow
def test_the_command_renders_whole_batches(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered: list[int] = []
    render = FaceVid2Vid.render

    def counted(self: FaceVid2Vid, *arguments: object) -> torch.Tensor:
        image = render(self, *arguments)  # type: ignore[arg-type]
        rendered.append(len(image))
        return image

    monkeypatch.setattr(FaceVid2Vid, "render", counted)
    options = ["--batch", "3", "--seconds", "0", "--device", "cpu", "--precision", "fp32"]
    assert main(["bench", "batches", "tiny", *options, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert rendered == [1, 3, 3, 3, 3, 3, 3]  # counted once, then three to warm up and three timed
    assert (report["preset"], report["batch"], report["precision"]) == ("tiny", 3, "float32")
    assert report["receiver_fps"] == pytest.approx(3000 / report["receiver_ms"], rel=0.01)
    assert report["fps"] == pytest.approx(3000 / (report["receiver_ms"] + report["sender_ms"]), rel=0.01)
    reached = 2 * report["gmacs"] * report["receiver_fps"]
    assert report["share_of_peak"] == pytest.approx(reached / report["machine_gflops"], rel=0.02)
    assert report["gmacs"] > report["sender_gmacs"] > 0


@pytest.mark.slow
def test_people_get_three_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "batches", "tiny", "--batch", "1", "--seconds", "0", "--device", "cpu"]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith("tiny, batch 1, ")
    assert [line.split()[0] for line in lines] == ["receiver", "sender", "together"]


def test_mistakes_get_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "batches", "tiny", "--batch", "0"]) == 2
    assert main(["bench", "batches", "tiny", "--seconds", "-1"]) == 2
    assert main(["bench", "batches", "huge", "--device", "cpu"]) == 2
    assert main(["bench", "batches", "tiny", "--device", "abacus"]) == 2
    assert capsys.readouterr().err.count("\n") == 4


def test_a_product_of_side_n_has_two_n_cubed_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]

    def tick() -> float:
        clock[0] += 0.5
        return clock[0]

    monkeypatch.setattr(time, "perf_counter", tick)
    assert matrix_gflops(torch.float32, 100, torch.device("cpu")) == pytest.approx(2e6 / 0.5 / 1e9)


def test_the_processor_has_a_name() -> None:
    assert device_name(torch.device("cpu")).startswith("cpu")


@pytest.mark.skipif(not STATUS.exists(), reason="asks Linux")
def test_peak_memory_is_what_the_system_says() -> None:
    peak = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    assert peak_mb(torch.device("cpu")) == pytest.approx(int(peak.split()[1]) * 1024 / 1e6, rel=0.02)
