"""How fast smaller processors would be: sender and receiver with some instructions left unused, in every format.

Each set of instructions gets a process of its own, because what computes looks only once at what it may use.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from facewire.animation.animator import Animator
from facewire.base.errors import FacewireError
from facewire.benchmarks.live import WARM_UP, Settings, timed
from facewire.data.preparation.pool import run_in_processes
from facewire.engines.artefact import BFLOAT16, FLOAT32, INT8, INT8_FLOAT32
from facewire.engines.choice import OPENVINO, open_engine
from facewire.engines.openvino_runner import has_bfloat16
from facewire.engines.processor.instruction_sets import hold_to
from facewire.media.frame import Pixels

ALL = (INT8, BFLOAT16, INT8_FLOAT32, FLOAT32)
NATIVE = (INT8_FLOAT32, FLOAT32)
"""Number formats with and without bfloat16 in hardware."""


def measure_levels(photo: Pixels, levels: Sequence[str], settings: Settings) -> list[dict[str, Any]]:
    """Return a row for every set of instructions and number format.

    Args:
        photo: (H, W, 3) with a face.
        levels: of instruction_sets.LEVELS.
        settings: weights, threads and frames; the engine is OpenVINO.
    """

    def lost(level: str, reason: str) -> list[dict[str, Any]]:
        raise FacewireError(f"the process that measures {level} is gone ({reason}): try again without it")

    rows = []
    for level in levels:
        (found,) = run_in_processes(partial(measure_level, photo, settings), [level], 1, math.inf, lost)
        rows += found
    return rows


def measure_level(photo: Pixels, settings: Settings, level: str) -> list[dict[str, Any]]:
    """Return the rows of one set of instructions; call it in a process that has computed nothing yet."""
    hold_to(level)
    animator = Animator.load(settings.weights)
    crop = animator.person(photo, head=True).picture
    rows = []
    for precision in ALL if has_bfloat16() else NATIVE:
        engine, _ = open_engine(
            animator.model, animator.manifest.sha256, OPENVINO, threads=settings.threads, precision=precision
        )
        person, square = engine.identity(crop), engine.read(crop).square
        rows.append(
            {
                "isa": level,
                "precision": precision,
                **_times("receiver", lambda: engine.render(person, person.motion), settings.frames),  # noqa: B023
                **_times("sender", lambda: engine.read(crop, square), settings.frames),  # noqa: B023
            }
        )
    return rows


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
