"""What one large convolution reaches in OpenVINO: the limit of every graph in its number format."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from facewire.engines.processor.library import loaded

FLOAT32, BFLOAT16 = "float32", "bfloat16"
SIDE, WINDOW = 64, 3
MAPS, ROUNDS = 256, 15
"""For the limit; fewer tell which format is faster."""
LEVELS = 256


def convolution_gflops(
    formats: Sequence[str], threads: int, maps: int = MAPS, rounds: int = ROUNDS
) -> dict[str, float]:
    """Return the GFLOP/s of a convolution of maps of 64 x 64 cells in some number formats.

    They are timed in turn, so that other work on the machine meets them alike; the shortest counts.

    Args:
        formats: "float32", "bfloat16" or "int8".
        threads: processors to use.
        maps: in, and out.
        rounds: how often each is timed.
    """
    openvino = loaded()

    core, numbers = openvino.Core(), np.random.default_rng(0).random((1, maps, SIDE, SIDE), np.float32)
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1}
    requests = {}
    for name in formats:
        requests[name] = core.compile_model(_graph(name, maps), "CPU", settings).create_infer_request()
        requests[name].set_input_tensor(openvino.Tensor(numbers))
    best = dict.fromkeys(formats, float("inf"))
    for _ in range(rounds):
        for name, request in requests.items():
            begin = time.perf_counter()
            request.infer()
            best[name] = min(best[name], time.perf_counter() - begin)
    work = 2 * maps**2 * (SIDE * WINDOW) ** 2
    return {name: work / seconds / 1e9 for name, seconds in best.items()}


def _graph(number_format: str, count: int) -> Any:
    """Return maps -> convolution -> their means, so that little is copied."""
    openvino = loaded()
    from openvino import opset13

    maps = opset13.parameter([1, count, SIDE, SIDE], openvino.Type.f32)
    numbers = np.random.default_rng(1).normal(size=(count, count, WINDOW, WINDOW)).astype(np.float32)
    given, weights = maps, opset13.constant(numbers)
    if number_format == BFLOAT16:
        given, weights = (opset13.convert(one, "bf16") for one in (given, weights))
    elif number_format != FLOAT32:
        given = opset13.fake_quantize(given, *_constants(0, 1, 0, 1), LEVELS)
        weights = opset13.fake_quantize(weights, *_constants(-4, 4, -4, 4), LEVELS - 1)
    made = opset13.convolution(given, weights, [1, 1], [1, 1], [1, 1], [1, 1])
    if number_format == BFLOAT16:
        made = opset13.convert(made, "f32")
    means = opset13.reduce_mean(made, opset13.constant(np.array([2, 3])), keep_dims=False)
    return openvino.Model([opset13.result(means)], [maps])


def _constants(*numbers: float) -> list[Any]:
    from openvino import opset13

    return [opset13.constant(np.float32(number)) for number in numbers]
