"""Speed of the shipped model per frame, on the machine at hand: medians, and ratios of one run.

python benchmarks/frame_speed.py --json docs/reports/speed.json
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from skimage.data import astronaut
from torch.utils.flop_counter import FlopCounterMode

from facewire.base.files import write_json
from facewire.runtime.animator import Animator

REPEATS = 30
WARM_UP = 5
MATRIX = 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    numbers = measure()
    print(json.dumps(numbers, indent=2))
    if given.json is not None:
        write_json(given.json, numbers)


def measure() -> dict[str, float | int | str]:
    """Return milliseconds per frame, multiply-accumulates and the share of the machine's matrix speed."""
    animator = Animator.load()
    person = animator.person(astronaut())
    picture, motion = person.picture, person.identity.motion
    sender = median_ms(lambda: animator.motion([picture]))
    receiver = median_ms(lambda: animator.render_batch(person, motion))
    source = median_ms(lambda: animator.person(picture, crop_mode="none"))
    both = median_ms(lambda: (animator.motion([picture]), animator.render_batch(person, motion)))
    peak = matrix_gflops()
    image = animator.tensor([picture])
    render_gmacs = gmacs(lambda: animator.model.render(person.identity, motion))
    return {
        "processor": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "engine": "torch eager, float32",
        "sender_ms": round(sender, 1),
        "receiver_ms": round(receiver, 1),
        "identity_ms": round(source, 1),
        "both_frames_per_second": round(1000 / both, 1),
        "motion_gmacs": round(gmacs(lambda: animator.model.motion(image)), 3),
        "render_gmacs": round(render_gmacs, 3),
        "identity_gmacs": round(gmacs(lambda: animator.model.identity(image)), 3),
        "machine_gflops": round(peak, 1),
        "receiver_share_of_peak": round(2 * render_gmacs / (receiver / 1000) / peak, 3),
    }


def median_ms(call: Callable[[], object]) -> float:
    """Return the median time of a call in milliseconds."""
    for _ in range(WARM_UP):
        call()
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return 1000 * statistics.median(times)


def matrix_gflops() -> float:
    """Return what a float32 matrix product of 1024 x 1024 reaches here, in GFLOP/s."""
    a, b = torch.randn(MATRIX, MATRIX), torch.randn(MATRIX, MATRIX)
    return 2 * MATRIX**3 / (median_ms(lambda: a @ b) / 1000) / 1e9


def gmacs(call: Callable[[], object]) -> float:
    """Return the multiply-accumulates of a call, in 10^9."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        call()
    return float(counter.get_total_flops()) / 2e9


if __name__ == "__main__":
    main()
