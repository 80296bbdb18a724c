"""A training run: pairs in, checkpoints, pictures and numbers out.

    for step in steps:
        pair = augment(load(step))                      prepared one step ahead, in a thread
        report, made = objective(model, pair)           autocast; coordinates stay float32
        stop if the loss or its gradient is not finite   before the weights change
        optimizer step; critic step; EMA

    FOLDER/checkpoint.safetensors   where a repeated command goes on, exactly
    FOLDER/weights.safetensors      the averaged weights in half precision, with manifest
    FOLDER/scalars.jsonl            losses; FOLDER/tensorboard where that is installed
    FOLDER/preview-STEP.png         source, driving, made, warped
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from facewire.base.errors import NonFiniteLoss, TrainingError
from facewire.data.augment import augment
from facewire.data.clips import Clip
from facewire.data.pairs import FrameBatch, PairBatch, PairSampler
from facewire.face.mesh import load_face_mesh
from facewire.media.contact_sheet import contact_sheet
from facewire.media.image import save_image
from facewire.networks.compact import CompactTalkingHead
from facewire.networks.presets import Model, preset_config
from facewire.networks.weights import Provenance, TrainingData, save_weights
from facewire.training.checkpoint import (
    Checkpoint,
    Tensors,
    optimizer_tensors,
    prefixed,
    restore_optimizer,
    save_checkpoint,
)
from facewire.training.config import OptimizerConfig, TrainConfig
from facewire.training.objective import Made, Objective
from facewire.training.paper_objective import PaperObjective
from facewire.training.scalars import RunningMean, ScalarLog

CHECKPOINT = "checkpoint.safetensors"
WEIGHTS = "weights.safetensors"
PREVIEW_ROWS = 6

Progress = Callable[[int, dict[str, float]], None]
"""Called after every step with the steps done and the step's numbers."""


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """The clips of a run and the hash that names them."""

    clips: Sequence[Clip]
    sha256: str

    @property
    def description(self) -> TrainingData:
        """For the manifest."""
        return TrainingData(
            clips=len(self.clips), frames=sum(len(clip) for clip in self.clips), sha256=self.sha256
        )


class Trainer:
    """One run in one process."""

    def __init__(
        self,
        config: TrainConfig,
        model: Model,
        objective: Objective,
        data: TrainingSet,
        folder: Path,
        device: torch.device,
    ) -> None:
        """Start at step 0, or wherever `restore` is given."""
        self.config, self.data, self.folder, self.device = config, data, folder, device
        self.model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.objective = objective
        self.optimizer = _optimizer(model, config.optimizer)
        self.critic_optimizer = _critic_optimizer(objective, config.optimizer)
        self.ema: Tensors = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        self.sampler = PairSampler(data.clips, config.batch, config.seed, config.prefer_change)
        self.step = 0
        self.precision = _precision(config, device)

    def run(self, progress: Progress | None = None) -> None:
        """Train to the last step, writing checkpoints, previews and the final weights.

        Raises:
            NonFiniteLoss: loss or gradient is not finite; the checkpoint of the last good report is kept.
        """
        self.model.train()
        means = RunningMean()
        with ScalarLog(self.folder) as scalars, ThreadPoolExecutor(1) as reader:
            upcoming = reader.submit(self._pair, self.step)
            while self.step < self.config.steps:
                pair, generator = upcoming.result()
                if self.step + 1 < self.config.steps:
                    upcoming = reader.submit(self._pair, self.step + 1)
                numbers, made = self._advance(pair, generator)
                means.add(numbers)
                if progress is not None:
                    progress(self.step, numbers)
                self._report(scalars, means, pair, made)
        self.save()

    def _report(self, scalars: ScalarLog, means: RunningMean, pair: PairBatch, made: Made) -> None:
        last = self.step == self.config.steps
        if self.step % self.config.log_every == 0 or last:
            scalars.write(self.step, means.take())
        if self.step % self.config.preview_every == 0 or last:
            save_image(self.folder / f"preview-{self.step:07d}.png", preview(pair, made))
        if self.step % self.config.checkpoint_every == 0 and not last:
            self.save()

    def _pair(self, step: int) -> tuple[PairBatch, torch.Generator]:
        """Return the augmented pairs of a step and the generator for whatever else it draws."""
        generator = torch.Generator().manual_seed(_mixed(self.config.seed, step))
        return augment(self.sampler.load(step), generator, self.config.augment), generator

    def _advance(self, pair: PairBatch, generator: torch.Generator) -> tuple[dict[str, float], Made]:
        """Make one step; the weights are untouched when the loss is not finite."""
        pair = to_device(pair, self.device)
        factor = self.config.optimizer.factor(self.step, self.config.steps)
        _set_rate(self.optimizer, factor)
        autocast = torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16)
        with autocast:
            report, made = self.objective(self.model, pair, generator)
        self.optimizer.zero_grad(set_to_none=True)
        report.total.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.config.optimizer.clip_norm)
        numbers = report.numbers() | {"gradient_norm": float(norm)}
        self._require_finite(numbers)
        self.optimizer.step()
        if isinstance(self.objective, PaperObjective) and self.critic_optimizer is not None:
            numbers["critic"] = self._advance_critic(pair, made, factor, autocast)
        self._average()
        self.step += 1
        return numbers | {"rate": factor * self.config.optimizer.learning_rate}, made

    def _advance_critic(self, pair: PairBatch, made: Made, factor: float, autocast: torch.autocast) -> float:
        assert isinstance(self.objective, PaperObjective)
        assert self.critic_optimizer is not None
        _set_rate(self.critic_optimizer, factor)
        with autocast:
            loss = self.objective.critic_loss(pair, made)
        self.critic_optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        value = float(loss.detach())
        self._require_finite({"critic": value})
        self.critic_optimizer.step()
        return value

    def _require_finite(self, numbers: dict[str, float]) -> None:
        if not all(math.isfinite(value) for value in numbers.values()):
            raise NonFiniteLoss(self.step, numbers)

    @torch.no_grad()
    def _average(self) -> None:
        """Follow the weights slowly; faster at first, so that the start is forgotten."""
        keep = min(self.config.ema_decay, (self.step + 1) / (self.step + 20))
        for name, tensor in self.model.state_dict().items():
            if tensor.is_floating_point():
                self.ema[name].lerp_(tensor, 1 - keep)
            else:
                self.ema[name].copy_(tensor)

    def checkpoint(self) -> Checkpoint:
        """Return everything the run needs to go on exactly."""
        tensors = prefixed("model", self.model.state_dict()) | prefixed("ema", self.ema)
        tensors |= prefixed("optimizer", optimizer_tensors(self.optimizer))
        if isinstance(self.objective, PaperObjective) and self.critic_optimizer is not None:
            tensors |= prefixed("critic", self.objective.critic.state_dict())
            tensors |= prefixed("critic_optimizer", optimizer_tensors(self.critic_optimizer))
        return Checkpoint(self.step, self.config, self.data.sha256, tensors)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint of the same preset and data.

        Raises:
            TrainingError: it belongs to another preset or other data.
        """
        if checkpoint.config.preset != self.config.preset:
            raise TrainingError(f"the checkpoint is of {checkpoint.config.preset}, not {self.config.preset}")
        if checkpoint.data_sha256 != self.data.sha256:
            raise TrainingError("the checkpoint was trained on other clips; use a new folder, or --init WEIGHTS")
        self.model.load_state_dict(checkpoint.part("model"))
        self.ema = {name: tensor.to(self.device) for name, tensor in checkpoint.part("ema").items()}
        restore_optimizer(self.optimizer, checkpoint.part("optimizer"))
        if isinstance(self.objective, PaperObjective) and self.critic_optimizer is not None:
            self.objective.critic.load_state_dict(checkpoint.part("critic"))
            restore_optimizer(self.critic_optimizer, checkpoint.part("critic_optimizer"))
        self.step = checkpoint.step

    def save(self) -> None:
        """Write the checkpoint and the averaged weights."""
        save_checkpoint(self.folder / CHECKPOINT, self.checkpoint())
        current = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        self.model.load_state_dict(self.ema)
        provenance = Provenance(steps=self.step, data=self.data.description)
        config = preset_config(self.config.preset, jacobians=self.config.jacobians or None)
        save_weights(self.folder / WEIGHTS, self.model, self.config.preset, config, provenance)
        self.model.load_state_dict(current)


def start_from_published(model: Model) -> None:
    """Give the compact model's trunk the published face-mesh numbers; other models start at random."""
    if isinstance(model, CompactTalkingHead):
        published = load_face_mesh().state_dict()
        wanted = model.motion_reader.mesh.state_dict()
        model.motion_reader.mesh.load_state_dict({name: published[name] for name in wanted})


def preview(pair: PairBatch, made: Made) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return a sheet with source, driving, made and (where it exists) warped pictures, one column a pair."""
    rows = {"source": pair.source.image, "driving": pair.driving.image, "made": made.image}
    if made.warped is not None:
        rows["warped"] = made.warped
    cells = [[_pixels(image) for image in images[:PREVIEW_ROWS]] for images in rows.values()]
    return contact_sheet(cells, row_labels=list(rows))


def to_device(pair: PairBatch, device: torch.device) -> PairBatch:
    """Return the pair on a device, pictures in channels_last."""

    def move(frames: FrameBatch) -> FrameBatch:
        image = frames.image.to(device, memory_format=torch.channels_last)
        return FrameBatch(
            image, *(t.to(device) for t in (frames.landmarks, frames.rotation, frames.translation))
        )

    return PairBatch(move(pair.source), move(pair.driving))


def _pixels(image: Tensor) -> np.ndarray[Any, np.dtype[np.uint8]]:
    scaled = (image.detach().float().clamp(0, 1) * 255).round().to(torch.uint8)
    return np.ascontiguousarray(scaled.permute(1, 2, 0).cpu().numpy())


def _mixed(seed: int, step: int) -> int:
    return int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _precision(config: TrainConfig, device: torch.device) -> torch.dtype:
    """Return the type of convolutions; auto is bf16 on a GPU that has it and on a CPU with bf16 units."""
    if config.precision == "fp32":
        return torch.float32
    if config.precision == "bf16":
        return torch.bfloat16
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    has_units = torch.backends.cpu.get_cpu_capability().startswith("AVX512") and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.bfloat16 if has_units else torch.float32


def _optimizer(model: Model, config: OptimizerConfig) -> torch.optim.AdamW:
    pretrained = list(model.motion_reader.mesh.parameters()) if isinstance(model, CompactTalkingHead) else []
    known = {id(parameter) for parameter in pretrained}
    rest = [parameter for parameter in model.parameters() if id(parameter) not in known]
    groups: list[dict[str, Any]] = [{"params": rest, "full_rate": config.learning_rate}]
    if pretrained:
        groups.append({"params": pretrained, "full_rate": config.learning_rate * config.pretrained_rate})
    return torch.optim.AdamW(
        groups, lr=config.learning_rate, betas=(config.beta1, config.beta2), weight_decay=config.weight_decay
    )


def _critic_optimizer(objective: Objective, config: OptimizerConfig) -> torch.optim.Adam | None:
    if not isinstance(objective, PaperObjective):
        return None
    groups = [{"params": list(objective.critic.parameters()), "full_rate": config.learning_rate}]
    return torch.optim.Adam(groups, lr=config.learning_rate, betas=(config.beta1, config.beta2))


def _set_rate(optimizer: torch.optim.Optimizer, factor: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = group["full_rate"] * factor
