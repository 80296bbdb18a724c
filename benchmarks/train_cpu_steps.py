"""What each step of tuning gives in training on a CPU; prints one JSON object.

    python benchmarks/train_cpu_steps.py --data CLIPS --perceptual vgg19_se16x_wct_fp16.safetensors

Processor seconds of one thread for a pair of compact-256, all losses on, the least of some steps. A row keeps what
the rows before it changed. Without --data made-up clips are used, without --perceptual a VGG-19 with random numbers,
which has zeros outside the picture anyway.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import nn

from facewire.benchmarks.training import stand_in_vgg, write_made_up_clips
from facewire.data.clips import ClipSet, find_clips, open_clips
from facewire.training.config import TrainConfig
from facewire.training.objectives.frozen import picture_network
from facewire.training.precision import flushed_denormals
from facewire.training.recipes import recipe
from facewire.training.run import FrozenNetworks, open_run, resolution

CPU = torch.device("cpu")


def rows(batch: int) -> list[tuple[str, TrainConfig, bool]]:
    """Return name, settings and whether channels come last, slowest first; the last is the recipe itself."""
    tuned = replace(recipe("compact-256"), batch=batch, precision="bf16")
    full = replace(tuned, perceptual=replace(tuned.perceptual, first_scale=0))
    mirrored = replace(full, perceptual=replace(full.perceptual, padding="own"))
    return [
        ("float32", replace(mirrored, precision="fp32"), False),
        ("bfloat16", mirrored, False),
        ("channels last", mirrored, True),
        ("zeros outside the picture", full, True),
        ("perceptual term from half size on", tuned, True),
    ]


def seconds_per_pair(
    config: TrainConfig, last: bool, clips: ClipSet, paths: list[Path], folder: Path, steps: int
) -> float:
    """Return the processor time of the fastest of some steps after the first, data left out."""
    taps = picture_network(paths, folder, lambda *_: None) if paths else stand_in_vgg()
    trainer = open_run(config, clips, FrozenNetworks(taps), folder, CPU)
    if not last:
        for module in (trainer.learner.model, taps):
            if isinstance(module, nn.Module):
                for tensor in module.parameters():
                    tensor.data = tensor.data.contiguous()
    times = []
    for step in range(steps + 1):
        parts = trainer.prepare(step)
        begin = time.process_time()
        trainer.learner.advance(step, parts)
        times.append(time.process_time() - begin)
    return min(times[1:]) / config.batch


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of clips")
    parser.add_argument("--perceptual", type=Path, nargs="+", default=[], metavar="FILE")
    parser.add_argument("--batch", type=int, default=8, metavar="N", help="pairs in a step (default: 8)")
    parser.add_argument("--steps", type=int, default=3, metavar="N", help="timed steps (default: 3)")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with TemporaryDirectory() as name, flushed_denormals():
        folder = Path(name)
        if given.data is None:
            write_made_up_clips(folder, resolution(recipe("compact-256")))
        clips = open_clips(
            find_clips(given.data or folder), folder / "cache", resolution(recipe("compact-256"))
        )
        found = {
            title: round(seconds_per_pair(config, last, clips, given.perceptual, folder, given.steps), 4)
            for title, config, last in rows(given.batch)
        }
    json.dump(found, sys.stdout, indent=2)
    print()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
