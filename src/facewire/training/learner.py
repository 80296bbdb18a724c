"""Everything that changes while a run learns, and one step of it.

    report, made = objective(model, pair)            autocast; coordinates stay float32
    gradients of the model, then of the critic       clipped
    stop if a loss or a gradient is not finite       before any weight changes
    optimizer steps, averaged weights

Knows nothing about files, clips or how long a run is.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from facewire.base.errors import NonFiniteLoss
from facewire.data.pairs import PairBatch
from facewire.networks.presets import Model
from facewire.training.checkpoint import Tensors, like, optimizer_tensors, part, prefixed, restore_optimizer
from facewire.training.config import OptimizerConfig, TrainConfig
from facewire.training.critic import Critic
from facewire.training.objective import Made, Objective


class Learner:
    """A model with its averaged weights, its optimizer and, where the objective has one, the critic."""

    def __init__(
        self,
        config: TrainConfig,
        model: Model,
        objective: Objective,
        device: torch.device,
        precision: torch.dtype = torch.float32,
    ) -> None:
        """Take a model and an objective.

        Args:
            config: settings of the run.
            model: what learns; it moves to the device.
            objective: what it learns; its frozen networks are on the device.
            device: where everything is computed.
            precision: of convolutions; weights and coordinates are float32 in any case.
        """
        self.config, self.model, self.objective = config, model, objective
        self.device, self.precision = device, precision
        channels_last(model.to(device).train())
        self.optimizer = _adam(model, config.optimizer)
        self.average = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        self.critic_optimizer: torch.optim.Optimizer | None = None
        if objective.critic is not None:
            channels_last(objective.critic.network.to(device).train())
            self.critic_optimizer = _adam(objective.critic.network, config.optimizer)

    def advance(
        self, step: int, pair: PairBatch, generator: torch.Generator
    ) -> tuple[dict[str, float], Made]:
        """Make one step; return its numbers by name and the pictures it made.

        Args:
            step: steps done before this one.
            pair: B pairs on the device.
            generator: for whatever the objective draws.

        Raises:
            NonFiniteLoss: a loss or gradient is not finite; no weight was changed.
        """
        with self._autocast():
            report, made = self.objective(self.model, pair, generator)
        numbers = {**report.numbers(), "gradient_norm": self._backward(self.optimizer, report.total)}
        if self.objective.critic is not None:
            numbers |= self._judge(self.objective.critic, made.image, pair.driving.image)
        if not all(math.isfinite(value) for value in numbers.values()):
            raise NonFiniteLoss(step, numbers, sorted(set(pair.clips)))
        numbers["rate"] = self._update(step)
        return numbers, made

    def _autocast(self) -> torch.autocast:
        half = self.precision != torch.float32
        return torch.autocast(self.device.type, self.precision if half else torch.bfloat16, enabled=half)

    def _backward(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> float:
        """Compute and clip the gradients of an optimizer's parameters; return their norm before clipping."""
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        return float(nn.utils.clip_grad_norm_(parameters, self.config.optimizer.clip_norm))

    def _judge(self, critic: Critic, made: Tensor, real: Tensor) -> dict[str, float]:
        """Compute the critic's gradients; its weights are still those that judged the model."""
        assert self.critic_optimizer is not None
        with self._autocast():
            loss = critic.own_loss(made, real)
        norm = self._backward(self.critic_optimizer, loss)
        return {"critic": float(loss.detach()), "critic_gradient_norm": norm}

    def _update(self, step: int) -> float:
        """Move all weights along their gradients; return the learning rate."""
        settings = self.config.optimizer
        rate = settings.learning_rate * settings.factor(step, self.config.steps)
        for optimizer in (self.optimizer, self.critic_optimizer):
            if optimizer is not None:
                for group in optimizer.param_groups:
                    group["lr"] = rate
                optimizer.step()
        self._follow(step)
        return rate

    @torch.no_grad()
    def _follow(self, step: int) -> None:
        """Let the averaged weights follow slowly; faster at first, so that the start is forgotten."""
        keep = min(self.config.ema_decay, (step + 1) / (step + 20))
        for name, tensor in self.model.state_dict().items():
            if tensor.is_floating_point() and not _is_direction(name):
                self.average[name].lerp_(tensor, 1 - keep)
            else:
                self.average[name].copy_(tensor)

    def tensors(self) -> Tensors:
        """Return everything that the next step depends on, by name."""
        tensors = prefixed("model", self.model.state_dict()) | prefixed("ema", self.average)
        tensors |= prefixed("optimizer", optimizer_tensors(self.optimizer))
        if self.objective.critic is not None and self.critic_optimizer is not None:
            tensors |= prefixed("critic", self.objective.critic.network.state_dict())
            tensors |= prefixed("critic_optimizer", optimizer_tensors(self.critic_optimizer))
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


def channels_last(module: nn.Module) -> None:
    """Lay out all 2-D convolutions with channels last, the faster way for pictures; values stay."""
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.ndim == 4:
            tensor.data = tensor.data.contiguous(memory_format=torch.channels_last)


def _adam(module: nn.Module, settings: OptimizerConfig) -> torch.optim.Optimizer:
    """Return the optimizer of whatever is not frozen."""
    return torch.optim.AdamW(
        [parameter for parameter in module.parameters() if parameter.requires_grad],
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        weight_decay=settings.weight_decay,
    )


def _is_direction(name: str) -> bool:
    """Say whether a buffer is one of spectral normalisation's unit vectors: their mean is none."""
    return name.endswith(("._u", "._v"))
