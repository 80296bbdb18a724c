"""The convolution that the machine's limit is measured with computes the same in every number format."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from facewire.engines.processor import convolution_peak
from facewire.engines.processor.convolution_peak import MAPS, SIDE, convolution_gflops

openvino = pytest.importorskip("openvino")


def means(number_format: str, maps: Any) -> Any:
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    graph = convolution_peak._graph(number_format, MAPS)
    return openvino.Core().compile_model(graph, "CPU", settings)([maps])[0]


@pytest.mark.slow
@pytest.mark.parametrize(("number_format", "error"), [("bfloat16", 0.01), ("int8", 0.02)])
def test_every_format_computes_the_same(number_format: str, error: float) -> None:
    maps = np.random.default_rng(0).random((1, MAPS, SIDE, SIDE), np.float32)
    expected = means("float32", maps)
    assert expected.shape == (1, MAPS)
    difference = np.abs(means(number_format, maps) - expected).max()
    assert 0 < difference < error * np.abs(expected).max()


@pytest.mark.slow
def test_the_limit_counts_multiplications_and_additions(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(8))
    monkeypatch.setattr("time.perf_counter", lambda: float(next(clock)))
    limit = pytest.approx(2 * 32 * 32 * 9 * 64 * 64 / 1e9)
    assert convolution_gflops(("float32", "int8"), 1, 32, 2) == {"float32": limit, "int8": limit}
