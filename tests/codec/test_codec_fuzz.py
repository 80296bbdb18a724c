"""The fuzz script, with few inputs: a million is a run of its own."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "fuzz_bitstream.py"


@pytest.mark.slow
def test_damaged_and_random_bytes() -> None:
    spec = importlib.util.spec_from_file_location("fuzz_bitstream", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = script
    spec.loader.exec_module(script)
    outcome = script.fuzz(3_000, seed=7)
    assert outcome.crashes == []
    assert outcome.too_slow == 0
    assert outcome.report()["memory_growth_mb"] < 64
    assert {"value", "CorruptPacket", "TruncatedStream", "MissingReference"} <= set(outcome.kinds)
