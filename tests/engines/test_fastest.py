"""The number format is measured once, kept, and never one that the processor has to emulate."""

from __future__ import annotations

from pathlib import Path

import pytest

from facewire.base.errors import ConfigError
from facewire.engines import choice as engine_choice
from facewire.engines import fastest as formats
from facewire.engines.fastest import fastest, known
from facewire.engines.processor import instruction_sets
from facewire.engines.processor.instruction_sets import hold_to, levels_here, limit

pytest.importorskip("openvino")


@pytest.fixture(autouse=True)
def reached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, float]:
    """What a convolution reaches; tests change it. The processor has bfloat16."""
    speeds = {"float32": 50.0, "bfloat16": 100.0, "int8": 200.0}
    monkeypatch.setenv("FACEWIRE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(formats, "has_bfloat16", lambda: True)
    monkeypatch.setattr(
        formats, "convolution_gflops", lambda names, *_: {name: speeds[name] for name in names}
    )
    return speeds


@pytest.mark.parametrize(("speed", "choice"), [(100.0, "int8"), (12.0, "int8-float32")])
def test_bfloat16_is_used_if_it_is_faster(reached: dict[str, float], speed: float, choice: str) -> None:
    assert known() is None
    reached["bfloat16"] = speed
    assert fastest(2) == choice
    reached["bfloat16"] = 60.0 - speed  # nobody looks again
    assert fastest(2) == choice
    assert known() == {"bfloat16": speed, "float32": 50.0}


@pytest.mark.parametrize(("speed", "choice"), [(90.0, "int8-float32"), (40.0, "float32")])
def test_without_bfloat16_bytes_are_used_if_they_are_faster(
    reached: dict[str, float], monkeypatch: pytest.MonkeyPatch, speed: float, choice: str
) -> None:
    fastest(2)
    monkeypatch.setattr(formats, "has_bfloat16", lambda: False)
    assert known() is None  # what was measured is about other formats
    reached["int8"] = speed
    assert fastest(2) == choice
    assert known() == {"int8": speed, "float32": 50.0}


def test_where_nothing_can_be_kept_nothing_is_measured(
    reached: dict[str, float], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    monkeypatch.setenv("FACEWIRE_CACHE", str(tmp_path / "file"))
    reached["bfloat16"] = 1.0
    assert fastest(2) == "int8"


def test_what_was_kept_may_be_damaged(tmp_path: Path) -> None:
    fastest(2)
    (file,) = (tmp_path / "cache").rglob("formats-*.json")
    for damage in ("", "[]", '{"bfloat16": null, "float32": 1}'):
        file.write_text(damage)
        assert known() is None
    assert fastest(2) == "int8"


def test_what_would_be_emulated_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    possible = engine_choice._possible
    monkeypatch.setattr(engine_choice, "has_bfloat16", lambda: True)
    assert [possible(name) for name in ("int8", "bfloat16")] == ["int8", "bfloat16"]
    monkeypatch.setattr(engine_choice, "has_bfloat16", lambda: False)
    assert [possible(name) for name in ("int8", "float32")] == ["int8-float32", "float32"]
    with pytest.raises(ConfigError, match="no bfloat16"):
        possible("bfloat16")


def test_a_processor_held_to_less_has_no_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    from facewire.engines.openvino_runner import has_bfloat16

    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "")
    hold_to("vnni")
    assert limit() == "AVX512_CORE_VNNI"
    assert not has_bfloat16()


def test_levels_are_those_that_linux_shows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = tmp_path / "cpuinfo"
    told.write_text("model name\t: one\nflags\t\t: fpu avx2 avx512bw\nflags\t\t: none\n")
    monkeypatch.setattr(instruction_sets, "CPUINFO", told)
    assert levels_here() == ("avx2", "avx512")
    monkeypatch.setattr(instruction_sets, "CPUINFO", tmp_path / "missing")
    assert levels_here()[-1] == "amx"
