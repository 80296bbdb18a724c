"""Which number format of the receiver is fastest on this processor: measured once, kept in the user's cache.

    CACHE/compiled/formats-KEY.json    {"bfloat16": 110.2, "float32": 54.1}, GFLOP/s of a convolution

What a processor claims does not tell: where it lacks bfloat16 that is emulated, and takes many times as long. One
convolution does, in a third of a second; compiling whole receivers for it would take a fifth of the first start.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from facewire.base import cache
from facewire.base.errors import MediaError, OutputError
from facewire.base.files import read_json, write_json
from facewire.engines.artefact import BFLOAT16, FLOAT32, INT8, INT8_FLOAT32
from facewire.engines.openvino_runner import has_bfloat16
from facewire.engines.processor import compiled_graphs
from facewire.engines.processor.convolution_peak import convolution_gflops
from facewire.engines.processor.library import loaded

MAPS, ROUNDS = 128, 10
"""Of the measured convolution."""


def fastest(threads: int) -> str:
    """Return the number format to use, after measuring if nobody has yet and the result can be kept."""
    reached = known()
    if reached is None and cache.obstacle(cache.folder()) is None:
        reached = _measured(threads)
    return chosen(reached)


def chosen(reached: dict[str, float] | None) -> str:
    """Return the number format to use, by what a convolution reaches in two; None for not known."""
    first, second = (INT8, INT8_FLOAT32) if has_bfloat16() else (INT8_FLOAT32, FLOAT32)
    return first if reached is None or reached[compared()[0]] > reached[FLOAT32] else second


def compared() -> tuple[str, str]:
    """Return what decides: what lies beside the 8-bit convolutions, or whether there are any."""
    return (BFLOAT16 if has_bfloat16() else INT8), FLOAT32


def known() -> dict[str, float] | None:
    """Return the GFLOP/s that were measured on this processor; None if none were."""
    file = _file()
    if file is None:
        return None
    with suppress(MediaError, AttributeError, TypeError, ValueError):
        reached = {str(name): float(value) for name, value in read_json(file).items()}
        return reached if reached.keys() == set(compared()) else None
    return None


def _measured(threads: int) -> dict[str, float]:
    times = convolution_gflops(compared(), threads, MAPS, ROUNDS)
    reached = {name: round(value, 1) for name, value in times.items()}
    file = _file()
    assert file is not None
    with suppress(OSError, OutputError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, reached)
    return reached


def _file() -> Path | None:
    openvino = loaded()

    folder = cache.folder()
    if folder is None:
        return None
    machine = compiled_graphs.machine_key(openvino.Core())
    key = hashlib.sha256(machine.encode()).hexdigest()[:16]
    return folder / compiled_graphs.FOLDER / f"formats-{key}.json"
