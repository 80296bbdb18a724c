"""How fast smaller processors would be: a call with some instructions left unused, in every number format.

Each set of instructions and number format gets a process of its own, because what computes looks only once at what it
may use, and so that memory is that of a call.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from facewire.base.errors import FacewireError
from facewire.base.processors import peak_mb
from facewire.benchmarks.live import WARM_UP, Scene, Settings, timed
from facewire.data.preparation.pool import run_in_processes
from facewire.engines.artefact import BFLOAT16, FLOAT32, INT8, INT8_FLOAT32
from facewire.engines.choice import OPENVINO
from facewire.engines.openvino_runner import has_bfloat16
from facewire.engines.processor.instruction_sets import LEVELS, hold_to
from facewire.media.frame import Pixels

ALL = (INT8, BFLOAT16, INT8_FLOAT32, FLOAT32)
WITHOUT_BFLOAT16 = (INT8_FLOAT32, FLOAT32)
COMPARED = 8
"""Pictures of a turning head that are compared with those in float32."""
Row = dict[str, Any]


def measure_levels(photo: Pixels, levels: Sequence[str], settings: Settings) -> list[Row]:
    """Return a row for every set of instructions and number format; one's times and pictures beside its float32's.

    Args:
        photo: (H, W, 3) with a face.
        levels: of instruction_sets.LEVELS.
        settings: weights, threads and frames; the engine is OpenVINO.
    """
    return [row for level in levels for row in _beside_float32(_measured(photo, level, settings))]


def measure(photo: Pixels, settings: Settings, level: str) -> tuple[Row, list[Pixels]]:
    """Return the row of one set of instructions and settings' number format, and pictures that were made.

    Call it in a process that has computed nothing yet.
    """
    hold_to(level)
    scene = Scene.of(photo, replace(settings, engine=OPENVINO))
    motions = scene.motions(settings.frames + WARM_UP)
    shown = [
        scene.engine.render(scene.person, motions[at : at + 1])
        for at in np.linspace(0, len(motions) - 1, COMPARED).astype(int)
    ]
    row = {
        "isa": level,
        "precision": settings.precision,
        **_times("receiver", scene.renders(motions), settings.frames),
        **_times("sender", scene.looks(), settings.frames),
        "both_fps": round(scene.both_fps(settings.frames), 1),
        "peak_mb": round(peak_mb()),
    }
    return row, shown


def _measured(photo: Pixels, level: str, settings: Settings) -> list[tuple[Row, list[Pixels]]]:
    def lost(level: str, reason: str) -> tuple[Row, list[Pixels]]:
        raise FacewireError(f"the process that measures {level} is gone ({reason}): try again without it")

    formats = ALL if has_bfloat16(LEVELS[level][0]) else WITHOUT_BFLOAT16
    works = [partial(measure, photo, replace(settings, precision=precision)) for precision in formats]
    return [found for work in works for found in run_in_processes(work, [level], 1, math.inf, lost)]


def _beside_float32(found: Sequence[tuple[Row, list[Pixels]]]) -> list[Row]:
    (exact, wanted) = next(one for one in found if one[0]["precision"] == FLOAT32)
    return [
        row
        | {
            "receiver_by_float32": round(row["receiver_ms"] / exact["receiver_ms"], 2),
            "psnr_db": None if row is exact else round(least_psnr(shown, wanted), 1),
        }
        for row, shown in found
    ]


def least_psnr(shown: Sequence[Pixels], wanted: Sequence[Pixels]) -> float:
    """Return the PSNR of the worst of some pictures in dB; 100 where all are equal."""
    worst = max(
        float(np.mean((one.astype(np.float64) - other) ** 2))
        for one, other in zip(shown, wanted, strict=True)
    )
    return 10 * math.log10(255**2 / worst) if worst else 100.0


def _times(name: str, call: Callable[[], object], count: int) -> dict[str, float]:
    """Return the median of the wall time, and the mean of the processor time, of a call in milliseconds."""
    call()
    begin = time.process_time()
    wall = timed(call, count)
    used = time.process_time() - begin
    return {
        f"{name}_ms": round(statistics.median(wall), 2),
        f"{name}_processor_ms": round(1000 * used / (count + WARM_UP), 2),
    }
