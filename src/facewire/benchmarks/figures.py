"""How fast this machine is: sender, receiver and both at once (live.py), beside its limit and the paper's networks.

The live part runs in a fresh process, so that its peak memory and its first frame are those of a call and not of
whatever the calling process did before.
"""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from facewire.benchmarks.live import Settings, in_fresh_process, opened
from facewire.engines.artefact import INT8, ROUNDED
from facewire.engines.graph_engine import GraphEngine
from facewire.engines.processor.convolution_peak import convolution_gflops
from facewire.engines.processor.device import matrix_gflops
from facewire.engines.shipped_graphs import ShippedGraphs
from facewire.media.frame import Pixels
from facewire.networks.presets import build_preset
from facewire.networks.weights import load_model

MATRIX = 2048
CPU = torch.device("cpu")
PAPER = "paper-256"


def measure(photo: Pixels, settings: Settings, paper_frames: int = 2) -> dict[str, Any]:
    """Return all figures of the benchmark as JSON holds them.

    Args:
        photo: (H, W, 3) with a face.
        settings: what is measured.
        paper_frames: timed frames of `paper-256` in torch; 0 leaves the comparison out (None in the result).
    """
    engine, choice = opened(settings)
    precision = engine.info.precision  # exported and compiled now, so that the fresh process finds it
    exported = engine.artefact if isinstance(engine, GraphEngine) else None
    folder = None if exported is None or isinstance(exported, ShippedGraphs) else exported.folder
    del engine
    model, _ = load_model(settings.weights)
    live = in_fresh_process(photo, replace(settings, engine=choice.name, precision=precision, folder=folder))
    live["why"] = "; ".join(filter(None, (choice.reason, choice.remark)))
    threads = settings.threads or live["threads"]
    torch.set_num_threads(threads)
    with torch.inference_mode():
        identity = model.identity(_grey(model.resolution))
    gmacs = {
        "receiver": gigamacs(lambda: model.render(identity, identity.motion)),
        "sender": gigamacs(lambda: model.motion(_grey(model.resolution))),
    }
    peak_format = INT8 if precision in ROUNDED else precision
    peak = peak_gflops(peak_format, threads)
    receiver, sender = live["receiver_ms"]["median"], live["sender_ms"]["median"]
    paper = None if paper_frames == 0 else paper_ms(paper_frames)
    return {
        "receiver_ms": live["receiver_ms"],
        "sender_ms": live["sender_ms"],
        "both_fps": live["both_fps"],
        "peak_mb": live["peak_mb"],
        "engine": live["engine"],
        "gmacs": round(gmacs["receiver"], 3),
        "machine_gflops": round(peak, 1),
        "share_of_peak": round(2 * gmacs["receiver"] / (receiver / 1000) / peak, 3),
        "paper_256_ratio": None if paper is None else round(paper / (receiver + sender), 1),
        "sender_gmacs": round(gmacs["sender"], 3),
        "paper_256_ms": None if paper is None else round(paper, 1),
        "peak_format": peak_format,
        **{
            name: live[name]
            for name in live
            if name not in ("receiver_ms", "sender_ms", "both_fps", "peak_mb")
        },
    }


def peak_gflops(number_format: str, threads: int) -> float:
    """Return what this machine reaches in a number format: in torch's products, in OpenVINO's convolutions."""
    reached = [0.0 if number_format == INT8 else matrix_gflops(getattr(torch, number_format), MATRIX, CPU)]
    if importlib.util.find_spec("openvino") is not None:
        reached.append(convolution_gflops((number_format,), threads)[number_format])
    return max(reached)


def gigamacs(call: Callable[[], object]) -> float:
    """Return the multiply-accumulates of a call, in 10^9."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        call()
    return float(counter.get_total_flops()) / 2e9


def paper_ms(frames: int) -> float:
    """Return milliseconds per frame of `paper-256` with fresh weights, torch eager: motion and picture."""
    model = build_preset(PAPER).eval()
    image = _grey(model.resolution)
    times = []
    with torch.inference_mode():
        identity = model.identity(image)
        for _ in range(frames):
            begin = time.perf_counter()
            model.render(identity, model.motion(image))
            times.append(1000 * (time.perf_counter() - begin))
    return statistics.median(times)


def _grey(side: int) -> torch.Tensor:
    return torch.full((1, 3, side, side), 0.5)
