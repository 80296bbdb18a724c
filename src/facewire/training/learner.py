"""Everything that changes while a run learns, and one step of it.

    for each slice of the batch that this rank computes:
        report, made = objective(model, pair)        autocast; coordinates stay float32
        gradients of the model, then of the critic   added up; averaged over ranks with the last slice
    clipped; stop if a loss or a gradient is not finite, before any weight changes
    optimizer steps, averaged weights

A batch in one slice, in two slices one after the other, or in two slices on two ranks gives the same gradient.
Knows nothing about files, clips or how long a run is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from facewire.base.errors import NonFiniteLoss
from facewire.data.pairs import PairBatch
from facewire.losses.total import LossReport
from facewire.networks.memory_layout import channels_last
from facewire.networks.presets import Model
from facewire.training.checkpoint import Tensors, like, optimizer_tensors, part, prefixed, restore_optimizer
from facewire.training.config import OptimizerConfig, TrainConfig
from facewire.training.machine.ranks import ALONE, Ranks
from facewire.training.machine.synchronised_norm import synchronise_norms
from facewire.training.objectives.critic import Critic
from facewire.training.objectives.objective import Made, Objective
from facewire.training.objectives.paper import PaperObjective

Part = tuple[PairBatch, torch.Generator]
"""One slice of a batch on the device, and the generator for whatever the objective draws for it."""

SCALER_STATE = ("scale", "_growth_tracker")
"""What of the loss scale's state changes."""

LEAST_SCALE = 1e-3
"""A loss scale below this means that fp16 cannot hold the gradients at all."""


class _ModelStep(nn.Module):
    """The objective as a module, so that DDP sees the model's parameters and one forward call."""

    def __init__(self, model: Model, objective: Objective) -> None:
        super().__init__()
        self.model, self.objective = model, objective

    def forward(self, pair: PairBatch, generator: torch.Generator) -> tuple[Tensor, LossReport, Made]:
        report, made = self.objective(self.model, pair, generator)
        terms = LossReport(report.total.detach(), report.terms)
        return report.total, terms, made.detach()


class _CriticStep(nn.Module):
    """The same for what the critic itself learns."""

    def __init__(self, critic: Critic) -> None:
        super().__init__()
        self.network, self.critic = critic.network, critic

    def forward(self, made: Tensor, real: Tensor) -> Tensor:
        return self.critic.own_loss(made, real)


class Learner:
    """A model with its averaged weights, its optimizer and, where the objective has one, the critic."""

    def __init__(
        self,
        config: TrainConfig,
        model: Model,
        objective: Objective,
        device: torch.device,
        precision: torch.dtype = torch.float32,
        ranks: Ranks = ALONE,
    ) -> None:
        """Take a model and an objective; on every rank the same.

        Args:
            config: settings of the run.
            model: what learns; it moves to the device. On several ranks its batch norms become synchronised.
            objective: what it learns; its frozen networks are on the device.
            device: where everything is computed.
            precision: of convolutions; weights and coordinates are float32 in any case.
            ranks: who else computes.
        """
        self.config, self.model, self.objective = config, model, objective
        self.device, self.precision, self.ranks = device, precision, ranks
        channels_last(model.to(device).train())
        if ranks.count > 1:
            synchronise_norms(model, device)
        self.optimizer = _adam(model, config.optimizer)
        self.average = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        self._averaged, self._copied = _moving(model)
        self._step = _shared(_ModelStep(model, objective), ranks)
        self.critic_optimizer: torch.optim.Optimizer | None = None
        if objective.critic is not None:
            channels_last(objective.critic.network.to(device).train())
            self.critic_optimizer = _adam(objective.critic.network, config.optimizer)
            self._critic_step = _shared(_CriticStep(objective.critic), ranks)
        self.scaler = torch.amp.GradScaler(device.type, enabled=precision == torch.float16)

    def compile(self) -> None:
        """Compile the model's networks and the perceptual one where they are called; takes minutes, once."""
        taps = getattr(getattr(self.objective, "perceptual", None), "taps", None)
        for module in (*self.model.children(), taps):
            if isinstance(module, nn.Module):
                module.compile()

    def advance(self, step: int, parts: Sequence[Part]) -> tuple[dict[str, float], Made]:
        """Make one step; return its numbers by name, means over the whole batch, and the pictures of the last part.

        Args:
            step: steps done before this one.
            parts: this rank's slices of the batch, all equally long.

        Raises:
            NonFiniteLoss: a loss or gradient is not finite; no weight was changed.
        """
        if self.objective.critic is not None:
            self.objective.critic.judges = step >= self.config.critic_from
        if isinstance(self.objective, PaperObjective):
            self.objective.motion_only = step < self.config.motion_first
        for optimizer in self._optimizers():
            optimizer.zero_grad(set_to_none=True)
        sums: dict[str, float] = {}
        for number, (pair, generator) in enumerate(parts, start=1):
            numbers, made = self._accumulate(pair, generator, 1 / len(parts), last=number == len(parts))
            sums = {name: sums.get(name, 0.0) + value / len(parts) for name, value in numbers.items()}
        numbers = self.ranks.mean(sums, self.device)
        numbers |= self._clip()
        skipped = self._overflowed(numbers)
        if not skipped and not all(math.isfinite(value) for value in numbers.values()):
            raise NonFiniteLoss(step, numbers, sorted({clip for pair, _ in parts for clip in pair.clips}))
        numbers["rate"] = self._update(step)
        if self.scaler.is_enabled():
            numbers |= {"skipped": float(skipped), "loss_scale": self.scaler.get_scale()}
            numbers = {name: value if math.isfinite(value) else 0.0 for name, value in numbers.items()}
        return numbers, made

    def _optimizers(self) -> list[torch.optim.Optimizer]:
        return [self.optimizer] + ([] if self.critic_optimizer is None else [self.critic_optimizer])

    def _autocast(self) -> torch.autocast:
        half = self.precision != torch.float32
        return torch.autocast(self.device.type, self.precision if half else torch.bfloat16, enabled=half)

    def _accumulate(
        self, pair: PairBatch, generator: torch.Generator, share: float, *, last: bool
    ) -> tuple[dict[str, float], Made]:
        """Add a slice's gradients; only with the last one the ranks exchange theirs."""
        with self._apart(self._step, last):
            with self._autocast():
                total, report, made = self._step(pair, generator)
            self._backward(total * share)
        numbers = report.numbers()
        if made.judged is not None:
            # The critic's weights are still those that judged the model.
            with self._apart(self._critic_step, last):
                with self._autocast():
                    loss = self._critic_step(*made.judged)
                self._backward(loss * share)
            numbers["critic"] = float(loss.detach())
        return numbers, made

    def _apart(self, module: nn.Module, last: bool) -> ExitStack:
        """Return a context in which gradients stay on this rank, unless this is the last slice."""
        stack = ExitStack()
        if isinstance(module, DistributedDataParallel) and not last:
            stack.enter_context(module.no_sync())
        return stack

    def _backward(self, loss: Tensor) -> None:
        self.scaler.scale(loss).backward()

    def _clip(self) -> dict[str, float]:
        """Clip the gradients of each optimizer's parameters; return their norms before."""
        norms = {}
        for name, optimizer in zip(
            ("gradient_norm", "critic_gradient_norm"), self._optimizers(), strict=False
        ):
            self.scaler.unscale_(optimizer)
            parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
            norms[name] = float(nn.utils.clip_grad_norm_(parameters, self.config.optimizer.clip_norm))
        return norms

    def _overflowed(self, numbers: dict[str, float]) -> bool:
        """Say whether scaled gradients left the range of fp16, which the scaler answers by a smaller scale."""
        if not self.scaler.is_enabled() or self.scaler.get_scale() < LEAST_SCALE:
            return False
        finite = {name for name, value in numbers.items() if math.isfinite(value)}
        return finite < numbers.keys() <= finite | {"gradient_norm", "critic_gradient_norm"}

    def _update(self, step: int) -> float:
        """Move all weights along their gradients; return the learning rate."""
        settings = self.config.optimizer
        rate = settings.learning_rate * settings.factor(step, self.config.steps)
        for optimizer in self._optimizers():
            for group in optimizer.param_groups:
                group["lr"] = rate
            self.scaler.step(optimizer)
        self.scaler.update()
        self._follow(step)
        return rate

    @torch.no_grad()
    def _follow(self, step: int) -> None:
        """Let the averaged weights follow slowly; faster at first, so that the start is forgotten."""
        keep = min(self.config.ema_decay, (step + 1) / (step + 20))
        state = self.model.state_dict()
        for name in self._copied:
            self.average[name].copy_(state[name])
        # One call for all of them: on a GPU a few launches instead of hundreds.
        averages, weights = ([tensors[name] for name in self._averaged] for tensors in (self.average, state))
        torch._foreach_lerp_(averages, weights, 1 - keep)

    def tensors(self) -> Tensors:
        """Return everything that the next step depends on, by name."""
        tensors = prefixed("model", self.model.state_dict()) | prefixed("ema", self.average)
        tensors |= prefixed("optimizer", optimizer_tensors(self.optimizer))
        if self.objective.critic is not None and self.critic_optimizer is not None:
            tensors |= prefixed("critic", self.objective.critic.network.state_dict())
            tensors |= prefixed("critic_optimizer", optimizer_tensors(self.critic_optimizer))
        if self.scaler.is_enabled():
            state = self.scaler.state_dict()
            tensors |= {f"scaler.{name}": torch.tensor(state[name]) for name in SCALER_STATE}
        return tensors

    def restore(self, tensors: Tensors) -> None:
        """Become what `tensors()` returned, exactly.

        Raises:
            RuntimeError, KeyError: the tensors are of another model.
        """
        self.model.load_state_dict(part("model", tensors))
        averaged = part("ema", tensors)
        self.average = {name: like(own, averaged[name]) for name, own in self.average.items()}
        restore_optimizer(self.optimizer, part("optimizer", tensors))
        if self.objective.critic is not None and self.critic_optimizer is not None:
            self.objective.critic.network.load_state_dict(part("critic", tensors))
            restore_optimizer(self.critic_optimizer, part("critic_optimizer", tensors))
        if self.scaler.is_enabled():
            stored = part("scaler", tensors)
            self.scaler.load_state_dict(
                self.scaler.state_dict() | {name: stored[name].item() for name in SCALER_STATE}
            )


def _shared(module: nn.Module, ranks: Ranks) -> nn.Module:
    """Return the module with its gradients averaged over all ranks."""
    if ranks.count == 1 or not any(parameter.requires_grad for parameter in module.parameters()):
        return module
    # A term of weight 0 leaves parameters without gradient. Buffers change alike on all ranks.
    return DistributedDataParallel(module, find_unused_parameters=True, broadcast_buffers=False)


def _adam(module: nn.Module, settings: OptimizerConfig) -> torch.optim.Optimizer:
    """Return the optimizer of whatever is not frozen."""
    return torch.optim.AdamW(
        [parameter for parameter in module.parameters() if parameter.requires_grad],
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        weight_decay=settings.weight_decay,
        fused=True,
    )


def _moving(module: nn.Module) -> tuple[list[str], list[str]]:
    """Return which of a module's tensors are averaged over steps, and which are copied; the frozen ones are neither.

    Copied are counters, and spectral normalisation's unit vectors: their mean is none.
    """
    frozen = {name for name, parameter in module.named_parameters() if not parameter.requires_grad}
    averaged: list[str] = []
    copied: list[str] = []
    for name, tensor in module.state_dict().items():
        if name not in frozen:
            mean = tensor.is_floating_point() and not name.endswith(("._u", "._v"))
            (averaged if mean else copied).append(name)
    return averaged, copied
