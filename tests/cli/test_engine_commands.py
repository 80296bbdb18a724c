"""facewire doctor, export and bench, and animate on another engine, run as a user runs them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from facewire.benchmarks import figures
from facewire.benchmarks import live as live_benchmark
from facewire.benchmarks.live import Settings, camera_frames, measure_live, summary, timed
from facewire.cli.main import main
from facewire.engines import choice as engine_choice
from facewire.engines.choice import Finding
from facewire.engines.graphs import exporting
from facewire.engines.graphs.inference_graph import record
from facewire.engines.graphs.live_graphs import LiveGraph
from facewire.engines.graphs.names import FIND
from facewire.engines.processor.instruction_sets import levels_here
from facewire.media.image import save_image
from facewire.media.video import VideoReader
from facewire.networks.compact.model import CompactTalkingHead
from facewire.networks.manifest import PUBLISHED

ISSUE_KEYS = (
    "receiver_ms",
    "sender_ms",
    "both_fps",
    "peak_mb",
    "engine",
    "gmacs",
    "machine_gflops",
    "share_of_peak",
    "paper_256_ratio",
)


def test_doctor_tells_engines_choice_costs_and_weights(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {engine["name"] for engine in told["engines"]} == {"torch", "openvino", "onnxruntime"}
    assert told["engine"] in ("torch", "openvino", "onnxruntime")
    assert told["reason"]
    assert "float32" in told["formats"]
    assert told["usable"]
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert f"{told['engine']}: {told['reason']}" in text


def test_doctor_says_what_is_missing_instead_of_failing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def only_torch(name: str) -> Finding:
        return Finding(name, name == "torch", "2" if name == "torch" else "missing; pip install it")

    monkeypatch.setattr(engine_choice, "finding", only_torch)
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert "engine      torch: OpenVINO: missing" in text
    assert "pip install" in text


def test_doctor_with_unusable_weights_explains_and_ends_with_4(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["doctor", "--weights", str(tmp_path / "none.safetensors")]) == 4
    assert "no such weights file" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["export", "--format", "onnx", "--precision", "bfloat16", "-o", "new"], 2),
        (["export", "--format", "openvino", "-o", "full"], 3),
        (["export", "--format", "onnx", "-o", "new", "--weights", "none"], 4),
        (["animate", "photo.png", "photo.png", "-o", "out.mp4", "--engine", "tensorrt"], 2),
        (["bench", "photo.png", "--isa", "mmx"], 2),
        (["bench", "photo.png", "--isa", "avx2,"], 2),
    ],
)
def test_bad_wishes_are_one_line(
    arguments: list[str],
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").write_text("mine")
    save_image(tmp_path / "photo.png", np.zeros((64, 64, 3), np.uint8))
    assert main([*arguments, "-q"]) == code
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "new").exists()
    assert (tmp_path / "full" / "something").read_text() == "mine"


@pytest.mark.slow
def test_bench_prints_the_agreed_keys(
    photo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The live part here and once, the machine's limit on a small matrix, no run of the paper's networks."""
    monkeypatch.setattr(figures, "in_fresh_process", lambda given, settings: measure_live(given, settings))
    monkeypatch.setattr(figures, "MATRIX", 64)
    monkeypatch.setattr(live_benchmark, "WARM_UP", 0)
    monkeypatch.setattr(live_benchmark, "timed", lambda call, count: timed(call, 1))
    monkeypatch.setattr(live_benchmark, "CAMERAS", ((640, 360),))
    monkeypatch.setattr(live_benchmark, "IDENTITIES", (2,))
    monkeypatch.setattr(live_benchmark, "BATCHES", (2,))
    out = tmp_path / "speed.json"
    options = ["--no-paper", "--frames", "4", "--json", "-q", "--output", str(out)]
    assert main(["bench", str(photo), *options]) == 0
    numbers: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert tuple(numbers)[: len(ISSUE_KEYS)] == ISSUE_KEYS
    assert numbers == json.loads(out.read_text())
    assert numbers["engine"] == "torch"
    assert numbers["paper_256_ratio"] is None
    for key in ("receiver_ms", "sender_ms"):
        assert 0 < numbers[key]["median"] <= numbers[key]["p95"]
    assert 2.0 < numbers["gmacs"] < 6.0
    assert numbers["peak_mb"] > 50
    assert numbers["both_fps"] > 0
    assert numbers["machine_gflops"] > 0
    assert numbers["peak_format"] == "float32"
    assert set(numbers["stages_ms"]) >= {"colour to RGB", "crop and resize", "read, face tracked", "render"}


def test_instructions_that_this_processor_lacks_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("facewire.cli.bench.levels_here", lambda: ("avx2",))
    assert main(["bench", "--isa", "avx2,vnni", "-q"]) == 2
    assert "what this processor has: avx2" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif("avx2" not in levels_here(), reason="the processor has no AVX2")
def test_bench_plays_a_smaller_processor(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("openvino")
    assert main(["bench", str(photo), "--isa", "avx2", "--frames", "2", "--json", "-q"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["isa"], row["precision"]) for row in rows] == [("avx2", "int8-float32"), ("avx2", "float32")]
    assert all(row[f"{part}_ms"] > 0 for row in rows for part in ("receiver", "sender"))
    assert all(row["both_fps"] > 0 and row["peak_mb"] > 0 for row in rows)
    assert rows[0]["receiver_by_float32"] == pytest.approx(
        rows[0]["receiver_processor_ms"] / rows[1]["receiver_processor_ms"], abs=0.01
    )
    assert rows[0]["psnr_db"] > 40
    assert (rows[1]["receiver_by_float32"], rows[1]["psnr_db"]) == (1.0, None)
    assert "ONEDNN_MAX_CPU_ISA" not in os.environ


def test_summaries_are_medians_and_95th_percentiles() -> None:
    assert summary([float(value) for value in range(101)]) == {"median": 50.0, "p95": 95.0}


def test_the_benchmarks_camera_shows_the_photo_moving() -> None:
    frames = camera_frames(np.full((300, 200, 3), 200, np.uint8), (640, 360))
    lefts = [int(np.nonzero(frame[180, :, 0] > 150)[0].min()) for frame in frames]
    assert {frame.shape for frame in frames} == {(360, 640, 3)}
    assert max(abs(a - b) for a, b in zip(lefts, [*lefts[1:], lefts[0]], strict=True)) == 2
    assert Settings(weights="compact-256").engine == "auto"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_animate_on_openvino_shows_what_torch_shows(
    photo: Path, driving: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("openvino")
    fast, slow = tmp_path / "fast.mp4", tmp_path / "slow.mp4"
    options = ["--crf", "5", "--reference", "first"]
    assert main(["animate", str(photo), str(driving), "-o", str(fast), "--engine", "openvino", *options]) == 0
    assert "engine openvino: asked for" in capsys.readouterr().err
    assert (
        main(["animate", str(photo), str(driving), "-o", str(slow), "--engine", "torch", *options, "-q"]) == 0
    )
    with VideoReader(fast) as one, VideoReader(slow) as other:
        for a, b in zip(one, other, strict=True):
            assert np.abs(a.pixels.astype(int) - b.pixels).mean() < 1.0


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_an_export_is_named_after_its_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a small graph for the model's four, which take half a minute."""
    pytest.importorskip("onnx")

    class Small(nn.Module):
        def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
            return picture.float().mean(dim=(0, 1)), picture.float().amax(dim=(0, 1))

    def smallest(model: CompactTalkingHead) -> Mapping[str, LiveGraph]:
        picture = torch.full((256, 256, 3), 128, dtype=torch.uint8)
        return {FIND: LiveGraph(record(Small(), (picture,)), {"picture": picture}, ("centre", "axes"))}

    monkeypatch.setattr(exporting, "live_graphs", smallest)
    assert main(["export", "--format", "onnx", "-o", str(tmp_path / "graphs"), "--json", "-q"]) == 0
    told = json.loads(capsys.readouterr().out)
    published = json.loads((PUBLISHED / "compact-256.json").read_text())
    assert told["weights_sha256"] == published["sha256"]
    assert {path.name for path in (tmp_path / "graphs").iterdir()} == {
        *told["graphs"].values(),
        "manifest.json",
    }
