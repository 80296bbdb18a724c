"""Settings of a training run; all of them go into every checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from facewire.base.errors import ConfigError
from facewire.data.augment import AugmentConfig
from facewire.losses.total import LossWeights
from facewire.training.compact_objective import CompactWeights

Precision = Literal["auto", "fp32", "bf16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerConfig:
    """Adam and how its learning rate runs: up over the first steps, constant, down to 0 over the last share."""

    learning_rate: float = 2e-4
    """Of every network but the trunk."""
    beta1: float = 0.5
    beta2: float = 0.999
    weight_decay: float = 0.0
    pretrained_rate: float = 0.25
    """Learning rate of parts that start from published numbers, as a share of the rate of the rest."""
    warmup_steps: int = 200
    decay_share: float = 0.3
    """Share of all steps, at the end, over which the rate falls linearly to 0."""
    clip_norm: float = 5.0
    """Largest gradient norm; larger ones are scaled down."""

    def __post_init__(self) -> None:
        if not 0 < self.learning_rate < 1:
            raise ConfigError("learning_rate", self.learning_rate, "a number between 0 and 1")
        if not 0 <= self.decay_share <= 1:
            raise ConfigError("decay_share", self.decay_share, "a share between 0 and 1")

    def factor(self, step: int, steps: int) -> float:
        """Return the rate at a step as a share of `learning_rate`, in (0, 1]."""
        rise = (step + 1) / max(1, self.warmup_steps)
        fall = (steps - step) / max(1.0, self.decay_share * steps)
        return min(1.0, rise, fall)


@dataclass(frozen=True, slots=True, kw_only=True)
class PerceptualConfig:
    """Which picture scales and taps the perceptual term compares."""

    scales: int = 3
    first_scale: int = 0
    """0 starts at the full picture, 1 at half size: a quarter of the cost."""
    tap_weights: tuple[float, ...] = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """A complete run."""

    preset: str
    jacobians: bool = False
    """Paper presets: estimate J_c and compare Jacobians in the equivariance term."""
    steps: int = 10_000
    batch: int = 8
    seed: int = 1
    precision: Precision = "auto"
    """Of convolutions; auto is bf16 where the processor has it. Coordinates are always float32."""
    ema_decay: float = 0.999
    prefer_change: float = 0.6
    """Probability that a pair is the one of four that differs most."""
    drop_tail: float = 0.5
    """Probability that a pair loses a random tail of its ordered keypoints."""
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    perceptual: PerceptualConfig = field(default_factory=PerceptualConfig)
    paper_weights: LossWeights = field(default_factory=LossWeights)
    compact_weights: CompactWeights = field(default_factory=CompactWeights)
    log_every: int = 50
    checkpoint_every: int = 500
    preview_every: int = 500

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "log_every", "checkpoint_every", "preview_every"):
            if getattr(self, name) < 1:
                raise ConfigError(name, getattr(self, name), "a whole number of 1 or more")
        if not 0 <= self.ema_decay < 1:
            raise ConfigError("ema_decay", self.ema_decay, "a number from 0 to below 1")
