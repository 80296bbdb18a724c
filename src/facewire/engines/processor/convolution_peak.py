"""What one large convolution reaches in OpenVINO: the limit of every graph in its number format."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

FLOAT32, BFLOAT16 = "float32", "bfloat16"
MAPS, SIDE, WINDOW = 256, 64, 3
ROUNDS = 15
LEVELS = 256


def convolution_gflops(number_format: str, threads: int) -> float:
    """Return the GFLOP/s of a convolution of 256 maps of 64 x 64 cells.

    Args:
        number_format: "float32", "bfloat16" or "int8".
        threads: processors to use.
    """
    import openvino

    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1}
    request = openvino.Core().compile_model(_graph(number_format), "CPU", settings).create_infer_request()
    request.set_input_tensor(
        openvino.Tensor(np.random.default_rng(0).random((1, MAPS, SIDE, SIDE), np.float32))
    )
    best = float("inf")
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        request.infer()
        best = min(best, time.perf_counter() - begin)
    return 2 * MAPS**2 * (SIDE * WINDOW) ** 2 / best / 1e9


def _graph(number_format: str) -> Any:
    """Return maps -> convolution -> their means, so that little is copied."""
    import openvino
    from openvino import opset13

    maps = opset13.parameter([1, MAPS, SIDE, SIDE], openvino.Type.f32)
    numbers = np.random.default_rng(1).normal(size=(MAPS, MAPS, WINDOW, WINDOW)).astype(np.float32)
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
