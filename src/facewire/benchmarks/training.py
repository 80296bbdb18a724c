"""How fast training is on this machine: whole steps with all losses on, data included."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from facewire.engines.processor.device import device_name, peak_mb, settle
from facewire.losses.feature_taps import FeatureTaps, Vgg19
from facewire.media.frame import Frame
from facewire.media.video import VideoWriter
from facewire.training.machine.pace import Pace
from facewire.training.machine.prefetch import prefetched
from facewire.training.trainer import Trainer

RATE = Fraction(25)


@dataclass(frozen=True, slots=True)
class TrainBench:
    """What was measured.

    samples_per_s    pairs a second, of all ranks together
    data_wait_share  share of the time in which the first rank waited for its data
    peak_mb          most memory this rank used: of the GPU, on a CPU of the process, in 10^6 bytes
    device           name of the processor
    step_ms          mean time of a step
    cpu_s_per_sample processor seconds of this rank for each of its pairs, all threads; hardly depends on what else
                     the machine does
    """

    samples_per_s: float
    data_wait_share: float
    peak_mb: float
    device: str
    step_ms: float
    cpu_s_per_sample: float
    preset: str
    batch: int
    slices: int
    ranks: int
    threads: int
    precision: str
    perceptual: str
    data: str
    steps: int


def measure(trainer: Trainer, data: str, *, warm_up: int, steps: int) -> TrainBench:
    """Train for some steps and some more that are timed; nothing is written."""
    learner, config = trainer.learner, trainer.config
    ahead = prefetched(trainer.prepare, 0, warm_up + steps, trainer.workers)
    for step in range(warm_up):
        learner.advance(step, next(ahead))
    settle(learner.device)
    pace, begin = Pace(), time.process_time()
    for step, parts in enumerate(pace.timed(ahead), start=warm_up):
        learner.advance(step, parts)
        pace.add(config.batch)
    settle(learner.device)
    own = steps * config.batch / trainer.ranks.count
    return TrainBench(
        samples_per_s=round(pace.samples_per_s, 3),
        data_wait_share=round(pace.data_wait_share, 4),
        peak_mb=round(peak_mb(learner.device), 1),
        device=device_name(learner.device),
        step_ms=round(1000 * pace.seconds / steps, 2),
        cpu_s_per_sample=round((time.process_time() - begin) / own, 4),
        preset=config.preset,
        batch=config.batch,
        slices=config.slices,
        ranks=trainer.ranks.count,
        threads=torch.get_num_threads(),
        precision=str(learner.precision).removeprefix("torch."),
        perceptual=trainer.perceptual,
        data=data,
        steps=steps,
    )


def profile(trainer: Trainer, steps: int = 3, rows: int = 30) -> str:
    """Return a table of the operations that take longest, over some steps."""
    with torch.profiler.profile() as found:
        for step in range(steps):
            trainer.learner.advance(step, trainer.prepare(step))
        settle(trainer.learner.device)
    kind = "self_cuda_time_total" if trainer.learner.device.type == "cuda" else "self_cpu_time_total"
    table: str = found.key_averages().table(sort_by=kind, row_limit=rows, max_name_column_width=60)
    return table


def stand_in_vgg() -> FeatureTaps:
    """Return VGG-19 with random numbers: as slow as the real one, good for nothing else."""
    generator, tensors, inputs, layer = torch.Generator().manual_seed(0), {}, 3, 0
    for count, width in Vgg19.BLOCKS:
        for _ in range(count):
            scale = math.sqrt(2 / (9 * inputs))
            tensors[f"features.{layer}.weight"] = scale * torch.randn(
                width, inputs, 3, 3, generator=generator
            )
            tensors[f"features.{layer}.bias"] = torch.zeros(width)
            inputs, layer = width, layer + 2
        layer += 1
    taps = Vgg19(tensors, Path("random"))
    taps.name = "vgg19 with random numbers"
    return taps


def write_made_up_clips(folder: Path, side: int, clips: int = 4, frames: int = 50) -> None:
    """Write clips of moving shapes with labels, for measuring without data."""
    angle = np.linspace(0, 2 * math.pi, 78, endpoint=False)
    face = np.stack((0.5 + 0.2 * np.cos(angle), 0.53 + 0.25 * np.sin(angle)), axis=1)
    y, x = np.mgrid[0:side, 0:side] / side
    for clip in range(clips):
        moves = 0.05 * np.sin(np.arange(frames) / 5 + clip)
        with VideoWriter(folder / f"{clip}.mp4", (side, side), RATE) as writer:
            for number, move in enumerate(moves):
                waves = np.stack(
                    [np.sin(9 * (x - move) * (k + 1 + clip)) * np.cos(7 * y * (k + 2)) for k in range(3)], -1
                )
                writer.write(Frame((127 * (1 + waves)).astype(np.uint8), number, 1 / RATE))
        place = np.stack((50 * moves / 1.5, np.zeros(frames), np.full(frames, 50.0)), axis=1)
        landmarks = face + np.stack((moves, np.zeros(frames)), axis=1)[:, None]
        pose = np.concatenate((200 * moves[:, None] * (1.0, 0.5, 0.2), place), axis=1)
        np.savez(folder / f"{clip}.npz", lm=landmarks, pose=pose, det=np.ones(frames, bool))
