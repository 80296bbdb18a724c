"""Number types of a run, and numbers too small to matter.

Knows nothing about networks; geometry/precision.py keeps coordinates in float32 within them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from facewire.training.config import Precision


def compute_type(precision: Precision, device: torch.device) -> torch.dtype:
    """Return the type of convolutions; "auto" is bfloat16 where the processor computes in it, else float32."""
    if precision == "auto":
        precision = "bf16" if _has_bf16(device) else "fp32"
    return {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[precision]


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        # oneDNN runs bfloat16 on any AVX-512 processor; only with units of its own it is the faster choice.
        units = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
        return units is not None and bool(units())
    return False


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Treat numbers below 1e-38 as 0 in this thread and those started here: each costs up to 100 others."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
