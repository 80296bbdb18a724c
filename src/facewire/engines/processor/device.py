"""The device that computes: what it is called, how to wait for it, what its memory and its matrix products reach."""

from __future__ import annotations

import time
from pathlib import Path

import torch

from facewire.base import processors

PRODUCTS = 10


def device_name(device: torch.device) -> str:
    """Return the name of the GPU, or of the processor as Linux knows it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return device.type
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{device.type}: {names[0]}" if names else device.type


def settle(device: torch.device) -> None:
    """Wait until the device has done what it was told; a CPU has when a call returns."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def peak_mb(device: torch.device) -> float:
    """Return the most memory used so far, of the GPU or of this process, in 10^6 bytes; 0 if unknown."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    return processors.peak_mb()


def matrix_gflops(dtype: torch.dtype, side: int, device: torch.device) -> float:
    """Return what the product of two square matrices reaches here, in GFLOP/s: the limit of every network.

    Args:
        dtype: number format.
        side: of the matrices; 2048 fills a CPU, 8192 a large GPU.
        device: what computes.
    """
    a, b = torch.randn(2, side, side, device=device).to(dtype)
    best = float("inf")
    for _ in range(PRODUCTS):
        settle(device)
        begin = time.perf_counter()
        a @ b
        settle(device)
        best = min(best, time.perf_counter() - begin)
    return 2 * side**3 / best / 1e9
