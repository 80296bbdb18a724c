"""The fuzz script, with few inputs: a million is a run of its own."""

from __future__ import annotations

import pytest

from tests.programs import script


@pytest.mark.slow
def test_damaged_and_random_bytes() -> None:
    outcome = script("fuzz_bitstream").fuzz(3_000, seed=7)
    assert outcome.crashes == []
    assert outcome.too_slow == 0
    assert outcome.report()["memory_growth_mb"] < 64
    assert {"value", "CorruptPacket", "TruncatedStream", "MissingReference"} <= set(outcome.kinds)
