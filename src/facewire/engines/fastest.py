"""Which number format of the receiver is fastest on this processor: measured once, kept in the user's cache.

    CACHE/compiled/fastest-KEY.json    {"int8": 7.1, "int8-float32": 10.4}, milliseconds of one frame

What a processor claims does not tell: where it lacks bfloat16 that is emulated, and takes many times as long.
The receiver of the shipped weights is measured, whatever weights are in use; they all have its operators.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from facewire.base import cache
from facewire.base.errors import MediaError, OutputError
from facewire.base.files import read_json, write_json
from facewire.engines.artefact import FLOAT32, INT8, INT8_FLOAT32, Artefact
from facewire.engines.graphs.live_graphs import RENDER
from facewire.engines.graphs.weight_parts import State
from facewire.engines.openvino_runner import OpenVinoRunner, has_bfloat16
from facewire.engines.processor import compiled_graphs
from facewire.engines.shipped_graphs import shipped
from facewire.networks.weights import load_model

ROUNDS = 5
"""Timed frames of each, in turn; the shortest counts."""


def fastest(weights_sha256: str, state: State, threads: int) -> str:
    """Return the number format to use, after measuring if nobody has yet and the result can be kept.

    Args:
        weights_sha256: of the loaded weights.
        state: these weights by name.
        threads: that compute.
    """
    times = known()
    if times is None and cache.obstacle(cache.folder()) is None:
        times = _measured(weights_sha256, state, threads)
    return candidates()[0] if not times else min(times, key=lambda name: times[name])


def candidates() -> tuple[str, str]:
    """Return the number formats that may be the fastest here, first the one that usually is."""
    return (INT8, INT8_FLOAT32) if has_bfloat16() else (INT8_FLOAT32, FLOAT32)


def known() -> dict[str, float] | None:
    """Return the milliseconds that were measured on this processor; None if none were."""
    file = _file()
    if file is None:
        return None
    with suppress(MediaError, AttributeError, TypeError, ValueError):
        times = {str(name): float(value) for name, value in read_json(file).items()}
        return times if times.keys() == set(candidates()) else None
    return None


def _measured(weights_sha256: str, state: State, threads: int) -> dict[str, float]:
    """Measure and keep; empty where the shipped graphs are of other weights than the shipped ones."""
    artefacts = _receivers(weights_sha256, state)
    if artefacts is None:
        model, manifest = load_model()
        artefacts = _receivers(manifest.sha256, model.state_dict())
    if artefacts is None:
        return {}
    times = milliseconds({name: OpenVinoRunner(one, threads) for name, one in artefacts.items()}, artefacts)
    file = _file()
    assert file is not None
    with suppress(OSError, OutputError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, {name: round(value, 2) for name, value in times.items()})
    return times


def _receivers(weights_sha256: str, state: State) -> dict[str, Artefact] | None:
    found = {name: shipped(weights_sha256, name, state) for name in candidates()}
    return None if None in found.values() else found  # type: ignore[return-value]


def milliseconds(
    runners: Mapping[str, OpenVinoRunner], artefacts: Mapping[str, Artefact]
) -> dict[str, float]:
    """Return how long a frame takes with each of some receivers."""
    for runner in runners.values():
        runner.start(RENDER)
    inputs = {name: _empty(artefact.graphs[RENDER]["inputs"]) for name, artefact in artefacts.items()}
    for name, runner in runners.items():
        runner.run(RENDER, inputs[name])
    best = dict.fromkeys(runners, float("inf"))
    for _ in range(ROUNDS):
        for name, runner in runners.items():
            begin = time.perf_counter()
            runner.run(RENDER, inputs[name])
            best[name] = min(best[name], 1000 * (time.perf_counter() - begin))
    return best


def _empty(described: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: np.zeros(one["shape"], one["type"]) for name, one in described.items()}


def _file() -> Path | None:
    import openvino

    folder = cache.folder()
    if folder is None:
        return None
    machine = compiled_graphs.machine_key(openvino.Core())
    key = hashlib.sha256(machine.encode()).hexdigest()[:16]
    return folder / compiled_graphs.FOLDER / f"fastest-{key}.json"
