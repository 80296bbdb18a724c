"""A training run: pairs in, checkpoints, pictures and numbers out.

    for step in steps:
        pair = augment(load(step))       prepared ahead, in threads
        learner.advance(pair)            see learner.py
        numbers, previews, checkpoints

FOLDER/checkpoint.safetensors   where a repeated command goes on, exactly
FOLDER/weights.safetensors      the averaged weights in half precision, with manifest
FOLDER/scalars.jsonl            losses; FOLDER/tensorboard where that is installed
FOLDER/preview-STEP.png         source, driving, made, warped
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import torch

from facewire.base.errors import TrainingError
from facewire.data.augment import augment
from facewire.data.clips import ClipSet
from facewire.data.pairs import PairBatch, PairSampler
from facewire.media.image import save_image
from facewire.networks.presets import preset_config
from facewire.networks.weights import Provenance, TrainingData, save_weights
from facewire.training.checkpoint import Checkpoint, save_checkpoint
from facewire.training.learner import Learner
from facewire.training.objective import Made
from facewire.training.precision import flushed_denormals
from facewire.training.prefetch import prefetched
from facewire.training.preview import preview
from facewire.training.scalars import RunningMean, ScalarLog

CHECKPOINT = "checkpoint.safetensors"
WEIGHTS = "weights.safetensors"

Progress = Callable[[int, dict[str, float]], None]
"""Called after every step with the steps done and the step's numbers."""


class Trainer:
    """One run in one process."""

    def __init__(self, learner: Learner, clips: ClipSet, folder: Path, perceptual: str) -> None:
        """Start at step 0; `restore` goes on from a checkpoint.

        Args:
            learner: the model and its settings.
            clips: the training data.
            folder: where everything is written; it exists.
            perceptual: name of the frozen networks of the loss, for checkpoints and manifest.
        """
        self.config, self.learner, self.clips = learner.config, learner, clips
        self.folder, self.perceptual = folder, perceptual
        self.sampler = PairSampler(
            clips.clips, self.config.batch, self.config.seed, self.config.prefer_change
        )
        self.step = 0

    @property
    def weights(self) -> Path:
        """Where the averaged weights are written."""
        return self.folder / WEIGHTS

    def run(self, progress: Progress | None = None, stopped: Callable[[], bool] = lambda: False) -> bool:
        """Train to the last step, writing checkpoints, previews and weights; return whether it was reached.

        Args:
            progress: called after every step.
            stopped: asked after every step; True saves the run and ends it early.

        Raises:
            NonFiniteLoss: a loss is not finite; the last checkpoint is kept.
            OutputError: the folder cannot be written, for example because the disk is full; the same.
        """
        ahead = 1 if self.learner.device.type == "cpu" else 4
        means = RunningMean()
        with flushed_denormals(), ScalarLog(self.folder, self.step) as scalars:
            with closing(prefetched(self.prepare, self.step, self.config.steps, ahead)) as pairs:
                for pair, generator in pairs:
                    numbers, made = self.learner.advance(self.step, pair, generator)
                    self.step += 1
                    means.add(numbers)
                    if progress is not None:
                        progress(self.step, numbers)
                    stop = stopped() and self.step < self.config.steps
                    self._report(scalars, means, pair, made, stop)
                    if stop:
                        break
            self.save()
        return self.step >= self.config.steps

    def prepare(self, step: int) -> tuple[PairBatch, torch.Generator]:
        """Return the augmented pairs of a step and the generator for whatever else it draws."""
        generator = torch.Generator().manual_seed(_mixed(self.config.seed, step))
        pair = self.sampler.load(step).to(self.learner.device)
        return augment(pair, generator, self.config.augment), generator

    def _report(
        self, scalars: ScalarLog, means: RunningMean, pair: PairBatch, made: Made, stop: bool
    ) -> None:
        """Write what is due at this step."""
        last = self.step == self.config.steps
        if self.step % self.config.log_every == 0 or last or stop:
            scalars.write(self.step, means.take())
        if self.step % self.config.preview_every == 0 or last:
            save_image(self.folder / f"preview-{self.step:07d}.png", preview(pair, made))
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
        self.step = checkpoint.step

    def save(self) -> None:
        """Write the checkpoint and the averaged weights."""
        tensors = self.learner.tensors()
        checkpoint = Checkpoint(self.step, self.config, self.clips.sha256, self.perceptual, tensors)
        save_checkpoint(self.folder / CHECKPOINT, checkpoint)
        data = TrainingData(clips=len(self.clips.clips), frames=self.clips.frames, sha256=self.clips.sha256)
        save_weights(
            self.weights,
            self.learner.average,
            self.config.preset,
            preset_config(self.config.preset, jacobians=self.config.jacobians),
            Provenance(steps=self.step, data=data, perceptual=self.perceptual),
        )


def _mixed(seed: int, step: int) -> int:
    """Return a generator seed that differs for every (seed, step)."""
    return int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0] >> np.uint64(1))
