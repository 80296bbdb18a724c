"""What the processor's instructions are held to: oneDNN, which OpenVINO computes with, can be kept from using some.

So one machine plays smaller ones (`facewire bench --isa`). Convolutions and most products obey; some of OpenVINO's
own kernels and its MLAS products look at the processor themselves, and stay a little faster than on such a machine.
"""

from __future__ import annotations

import os
from pathlib import Path

VARIABLES = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
"""What oneDNN reads, the first one first."""
LEVELS = {
    "avx2": ("AVX2", "avx2"),
    "avx512": ("AVX512_CORE", "avx512bw"),
    "vnni": ("AVX512_CORE_VNNI", "avx512_vnni"),
    "bf16": ("AVX512_CORE_BF16", "avx512_bf16"),
    "amx": ("AVX512_CORE_AMX", "amx_tile"),
}
"""By our name, from the smallest on: oneDNN's name and the flag that Linux shows of a processor that has it."""
WITHOUT_BFLOAT16 = ("SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX512_CORE", "AVX512_CORE_VNNI")
"""What has no products of bfloat16."""
CPUINFO = Path("/proc/cpuinfo")


def limit() -> str:
    """Return what oneDNN is held to, in its words; "" for nothing."""
    return next((os.environ[name].upper() for name in VARIABLES if os.environ.get(name)), "")


def hold_to(level: str) -> None:
    """Hold oneDNN to one of LEVELS, in this process; before it computes for the first time."""
    os.environ[VARIABLES[0]] = LEVELS[level][0]


def levels_here() -> tuple[str, ...]:
    """Return the levels that this processor has; all where that is not known (only Linux tells)."""
    try:
        lines = CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return tuple(LEVELS)
    flags = next((set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")), set())
    return tuple(name for name, (_, flag) in LEVELS.items() if flag in flags)
