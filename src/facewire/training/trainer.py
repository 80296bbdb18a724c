"""A training run: pairs in, checkpoints, pictures and numbers out.

    for step in steps:
        parts = augment(load(step))      this rank's slices of the batch, prepared ahead, in threads
        learner.advance(parts)           see learner.py
        numbers, previews, checkpoints   written by rank 0; checkpoints by all ranks, in the background

FOLDER/checkpoints/             where a repeated command goes on, exactly, see checkpoint.py
FOLDER/weights.safetensors      the averaged weights in half precision, with manifest
FOLDER/scalars.jsonl            losses; FOLDER/tensorboard where that is installed
FOLDER/preview-STEP.png         source, driving, made, warped
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import torch

from facewire.base.errors import TrainingError
from facewire.data.augment import augment
from facewire.data.clips import ClipSet
from facewire.data.pairs import PairSampler
from facewire.media.image import save_image
from facewire.networks.manifest import Provenance, TrainingData
from facewire.networks.presets import preset_config
from facewire.networks.weights import save_weights
from facewire.training.checkpoint import Checkpoint, CheckpointWriter
from facewire.training.learner import Learner, Part
from facewire.training.machine.pace import Pace
from facewire.training.machine.prefetch import prefetched
from facewire.training.objectives.objective import Made
from facewire.training.precision import flushed_denormals
from facewire.training.preview import preview
from facewire.training.scalars import RunningMean, ScalarLog

WEIGHTS = "weights.safetensors"
MOST_WORKERS = 16
"""Threads that prepare data for a GPU, where the machine has so many cores for each."""

Progress = Callable[[int, dict[str, float]], None]
"""Called after every step with the steps done and the step's numbers."""


class Trainer:
    """One run; each rank has its own."""

    def __init__(
        self, learner: Learner, clips: ClipSet, folder: Path, perceptual: str, workers: int | None = None
    ) -> None:
        """Start at step 0; `restore` goes on from a checkpoint.

        Args:
            learner: the model and its settings.
            clips: the training data.
            folder: where everything is written; it exists.
            perceptual: name of the frozen networks of the loss, for checkpoints and manifest.
            workers: threads that prepare batches ahead; None is one beside a CPU, this rank's cores beside a GPU.

        Raises:
            ConfigError: the slices of a batch cannot be shared out among the ranks.
        """
        self.config, self.learner, self.clips = learner.config, learner, clips
        self.folder, self.perceptual, self.ranks = folder, perceptual, learner.ranks
        self.workers = _default_workers(learner) if workers is None else workers
        self.sampler = PairSampler(
            clips.clips,
            self.config.batch,
            self.config.seed,
            self.config.prefer_change,
            self.config.prefer_turn,
            self.config.prefer_opening,
        )
        self.slices = self.ranks.slices(self.config.slices)
        self.writer = CheckpointWriter(folder, self.ranks)
        self.pace = Pace()
        self.step = 0

    @property
    def weights(self) -> Path:
        """Where the averaged weights are written."""
        return self.folder / WEIGHTS

    def run(self, progress: Progress | None = None, stopped: Callable[[], bool] = lambda: False) -> bool:
        """Train to the last step, writing checkpoints, previews and weights; return whether it was reached.

        Args:
            progress: called after every step.
            stopped: asked after every step; True on any rank saves the run and ends it early.

        Raises:
            NonFiniteLoss: a loss is not finite; the last checkpoint is kept.
            OutputError: the folder cannot be written, for example because the disk is full; the same.
        """
        means, share = RunningMean(), len(self.slices) * self.config.batch // self.config.slices
        self.pace = Pace()
        with ExitStack() as stack:
            stack.enter_context(flushed_denormals())
            stack.callback(self.writer.close)
            scalars = stack.enter_context(ScalarLog(self.folder, self.step)) if self.ranks.first else None
            ahead = prefetched(self.prepare, self.step, self.config.steps, self.workers)
            stack.enter_context(closing(ahead))
            for parts in self.pace.timed(ahead):
                numbers, made = self.learner.advance(self.step, parts)
                self.step += 1
                self.pace.add(share * self.ranks.count)
                means.add(numbers)
                if progress is not None:
                    progress(self.step, numbers)
                stop = self.ranks.any(stopped(), self.learner.device) and self.step < self.config.steps
                self._report(scalars, means, parts[-1], made, stop)
                if stop:
                    break
            self.save()
            self.writer.wait()
        return self.step >= self.config.steps

    def prepare(self, step: int) -> list[Part]:
        """Return this rank's augmented slices of a step, each with the generator for whatever else it draws."""
        length = self.config.batch // self.config.slices
        parts = []
        for number in self.slices:
            generator = torch.Generator().manual_seed(_mixed(self.config.seed, step, number))
            rows = range(number * length, (number + 1) * length)
            pair = self.sampler.load(step, rows, self.learner.device)
            parts.append((augment(pair, generator, self.config.augment), generator))
        return parts

    def _report(
        self, scalars: ScalarLog | None, means: RunningMean, part: Part, made: Made, stop: bool
    ) -> None:
        """Write what is due at this step."""
        last = self.step == self.config.steps
        if scalars is not None and (self.step % self.config.log_every == 0 or last or stop):
            scalars.write(self.step, means.take())
        if self.ranks.first and (self.step % self.config.preview_every == 0 or last):
            save_image(self.folder / f"preview-{self.step:07d}.png", preview(part[0], made))
        if self.step % self.config.checkpoint_every == 0 and not last:
            self.save()

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint of the same settings, data and networks.

        Raises:
            TrainingError: it was made with others.
        """
        for what, own, stored in (
            ("other clips", self.clips.sha256[:12], checkpoint.data_sha256[:12]),
            ("another perceptual network", self.perceptual, checkpoint.perceptual),
        ):
            if own != stored:
                raise TrainingError(
                    f"{self.folder} holds a run with {what} ({stored}, not {own}): "
                    "repeat its command, or give another folder with -o"
                )
        try:
            self.learner.restore(dict(checkpoint.tensors))
        except (RuntimeError, KeyError) as problem:
            raise TrainingError(
                f"{self.folder} holds a run of another version of this model: give another folder with -o"
            ) from problem
        self.step = self.writer.step = checkpoint.step

    def save(self) -> None:
        """Begin to write the checkpoint, and write the averaged weights.

        Raises:
            OutputError: the checkpoint before this one, or the weights, cannot be written.
        """
        tensors = self.learner.tensors()
        self.writer.save(Checkpoint(self.step, self.config, self.clips.sha256, self.perceptual, tensors))
        if not self.ranks.first:
            return
        data = TrainingData(clips=len(self.clips.clips), frames=self.clips.frames, sha256=self.clips.sha256)
        save_weights(
            self.weights,
            self.learner.average,
            self.config.preset,
            preset_config(self.config.preset, jacobians=self.config.jacobians),
            Provenance(steps=self.step, data=data, perceptual=self.perceptual),
        )


def _default_workers(learner: Learner) -> int:
    if learner.device.type == "cpu":
        return 1
    return max(1, min(MOST_WORKERS, (os.cpu_count() or 1) // learner.ranks.count))


def _mixed(seed: int, step: int, number: int) -> int:
    """Return a generator seed that differs for every (seed, step, slice)."""
    mixed = np.random.SeedSequence((seed, step, number)).generate_state(1, np.uint64)
    return int(mixed[0] >> np.uint64(1))
