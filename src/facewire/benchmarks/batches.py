"""How many pictures a second the networks themselves make in batches, in PyTorch, on any device.

`live.py` measures a call: one picture at a time, on the engine that a call uses. A GPU shows what it can do
only in batches, and with its work recorded beforehand (`compiled`: CUDA graphs).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from facewire.base.errors import ConfigError, WeightsError
from facewire.benchmarks.figures import MATRIX, gigamacs
from facewire.engines.processor.device import device_name, matrix_gflops, peak_mb, settle
from facewire.networks.memory_layout import channels_last
from facewire.networks.presets import PRESETS, Model, build_preset
from facewire.networks.weights import load_model

LARGE_MATRIX = 8192
"""Side of the matrices whose product is the limit of a GPU; 2048 would not fill it."""
LEAST = 3
"""Timed calls, even where they take longer than the time that was given."""


@dataclass(frozen=True, slots=True)
class BatchBench:
    """What was measured.

    receiver_fps   pictures a second, of motions (M, warp, G)
    sender_fps     motions a second, of pictures (H and Delta, or the compact model's reader)
    fps            frames a second, both one after the other
    receiver_ms, sender_ms   median of a batch
    gmacs, sender_gmacs      of one frame, in 10^9
    machine_gflops, share_of_peak   what the product of two large matrices reaches, and how much of it the receiver
    peak_mb        most memory used, of the GPU or of the process
    """

    preset: str
    device: str
    precision: str
    compiled: bool
    batch: int
    receiver_fps: float
    sender_fps: float
    fps: float
    receiver_ms: float
    sender_ms: float
    gmacs: float
    sender_gmacs: float
    machine_gflops: float
    share_of_peak: float
    peak_mb: float


def measure(
    preset: str, device: torch.device, *, batch: int, dtype: torch.dtype, compiled: bool, seconds: float
) -> BatchBench:
    """Measure a preset with fresh weights, which are as fast as trained ones, or imported weights.

    Args:
        preset: one of `networks.presets.PRESETS`, or the name of imported weights.
        device: what computes.
        batch: pictures at once, all of one person.
        dtype: of the convolutions; coordinates stay float32.
        compiled: compile both halves first (a minute or more each).
        seconds: for each half.

    Raises:
        ConfigError: there is no such preset, and no such weights are here.
    """
    model = _model(preset).eval().to(device)
    channels_last(model)
    picture = torch.full((1, 3, model.resolution, model.resolution), 0.5, device=device)
    with torch.no_grad():
        identity = model.identity(picture)
        pictures = picture.expand(batch, -1, -1, -1).contiguous(memory_format=torch.channels_last)
        motion = identity.motion.expand(batch)
        receiver_gmacs = gigamacs(lambda: model.render(identity, identity.motion))
        sender_gmacs = gigamacs(lambda: model.motion(picture))
        render, read = model.render, model.motion
        if compiled:
            mode = "reduce-overhead" if device.type == "cuda" else "default"
            render, read = torch.compile(render, mode=mode), torch.compile(read, mode=mode)
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            receiver_ms = _median_ms(lambda: render(identity, motion), device, seconds)
            sender_ms = _median_ms(lambda: read(pictures), device, seconds)
    used = peak_mb(device)  # before the large matrices take more
    peak = matrix_gflops(dtype, MATRIX if device.type == "cpu" else LARGE_MATRIX, device)
    receiver_fps = 1000 * batch / receiver_ms
    return BatchBench(
        preset=preset,
        device=device_name(device),
        precision=str(dtype).removeprefix("torch."),
        compiled=compiled,
        batch=batch,
        receiver_fps=round(receiver_fps, 2),
        sender_fps=round(1000 * batch / sender_ms, 2),
        fps=round(1000 * batch / (receiver_ms + sender_ms), 2),
        receiver_ms=round(receiver_ms, 2),
        sender_ms=round(sender_ms, 2),
        gmacs=round(receiver_gmacs, 3),
        sender_gmacs=round(sender_gmacs, 3),
        machine_gflops=round(peak, 1),
        share_of_peak=round(2 * receiver_gmacs * receiver_fps / peak, 4),
        peak_mb=round(used, 1),
    )


def _model(name: str) -> Model:
    if name in PRESETS:
        return build_preset(name)
    try:
        return load_model(name)[0]
    except WeightsError as problem:
        raise ConfigError("preset", name, f"one of {', '.join(PRESETS)}, or imported weights") from problem


def _median_ms(call: Callable[[], object], device: torch.device, seconds: float) -> float:
    """Return the milliseconds of a call, median; the calls before the timed ones compile and record."""
    for _ in range(LEAST):
        call()
    settle(device)
    times: list[float] = []
    while len(times) < LEAST or sum(times) < seconds:
        begin = time.perf_counter()
        call()
        settle(device)
        times.append(time.perf_counter() - begin)
    return 1000 * statistics.median(times)
