"""Settings of a training run; all of them go into every checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from facewire.base.config import to_dict
from facewire.base.errors import ConfigError
from facewire.data.augment import AugmentConfig
from facewire.losses.total import LossWeights
from facewire.training.objectives.compact import CompactWeights

Precision = Literal["auto", "bf16", "fp16", "fp32"]
Padding = Literal["own", "zeros"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerConfig:
    """Adam and how its learning rate runs: up over the first steps, constant, down to 0 over the last share."""

    learning_rate: float = 2e-4
    """Of the model and of the critic (paper), between 0 and 1."""
    beta1: float = 0.5
    beta2: float = 0.999
    weight_decay: float = 0.0
    warmup_steps: int = 200
    """Steps over which the rate rises."""
    decay_share: float = 0.3
    """Share of all steps, at the end, over which the rate falls linearly to 0."""
    clip_norm: float = 5.0
    """Largest gradient norm; larger ones are scaled down."""

    def __post_init__(self) -> None:
        if not 0 < self.learning_rate < 1:
            raise ConfigError("learning_rate", self.learning_rate, "a number between 0 and 1")
        for name in ("beta1", "beta2", "decay_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(name, getattr(self, name), "a number from 0 to 1")
        for name in ("weight_decay", "warmup_steps"):
            if not getattr(self, name) >= 0:
                raise ConfigError(name, getattr(self, name), "a number of 0 or more")
        if not self.clip_norm > 0:
            raise ConfigError("clip_norm", self.clip_norm, "a number above 0")

    def factor(self, step: int, steps: int) -> float:
        """Return the rate at a step (counted from 0) as a share of `learning_rate`, in (0, 1]."""
        rise = (step + 1) / max(1, self.warmup_steps)
        fall = (steps - step) / max(1.0, self.decay_share * steps)
        return min(1.0, rise, fall)


@dataclass(frozen=True, slots=True, kw_only=True)
class PerceptualConfig:
    """Which picture scales and taps the perceptual term compares."""

    scales: int = 3
    """Picture sizes, each half the one before."""
    first_scale: int = 0
    """0 starts at the full picture, 1 at half size: a quarter of the cost."""
    tap_weights: tuple[float, ...] = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
    """Of relu1_1 .. relu5_1; a network with fewer taps takes the first ones."""
    padding: Padding = "own"
    """What the network's convolutions see outside the picture: "own" is as it was trained. The distilled stand-in was
    trained with mirrored borders, copies of every activation that cost a tenth of a step on a CPU (docs/lab); "zeros"
    leaves them out. VGG-19 itself has zeros."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """A complete run."""

    preset: str
    jacobians: bool | None = None
    """Paper presets: estimate J_c and compare Jacobians in the equivariance term; None as in the preset."""
    steps: int = 10_000
    batch: int = 8
    """Pairs of frames in a step."""
    slices: int = 1
    """Equal parts of a batch, each with random numbers of its own. Ranks share them out; a rank with several
    computes one after the other and adds up the gradients. A run is the same on any number of ranks."""
    seed: int = 1
    """Of the first weights, the pairs, the augmentation and all noise."""
    precision: Precision = "auto"
    """Of convolutions; auto is bf16 where the processor has it. Coordinates are always float32."""
    ema_decay: float = 0.999
    """How much of the averaged weights a step keeps, from 0 to below 1."""
    prefer_change: float = 0.6
    """Probability that a pair is the one of four that differs most."""
    prefer_turn: float = 1.0
    """How much more often a frame turned by 30 degrees is drawn than a frontal one; 0: both alike."""
    prefer_opening: float = 0.0
    """Probability that a pair goes from one of the clip's most closed frames to one of its most open ones."""
    drop_tail: float = 0.5
    """Probability that a pair loses a random tail of its ordered keypoints."""
    motion_first: int = 0
    """Paper presets: steps at the beginning without pictures: H, Delta and L learn from the other terms. While R is a
    guess and t does not follow the head, nothing else is learned (docs/lab), and such a step costs a tenth."""
    critic_from: int = 0
    """Steps before the critic begins; until then nothing is judged, and a step costs less."""
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    perceptual: PerceptualConfig = field(default_factory=PerceptualConfig)
    paper_weights: LossWeights = field(default_factory=LossWeights)
    compact_weights: CompactWeights = field(default_factory=CompactWeights)
    log_every: int = 50
    """Steps between lines of numbers; each line is the mean since the last one."""
    checkpoint_every: int = 500
    preview_every: int = 500

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "log_every", "checkpoint_every", "preview_every"):
            if getattr(self, name) < 1:
                raise ConfigError(name, getattr(self, name), "a whole number of 1 or more")
        if self.slices < 1 or self.batch % self.slices:
            raise ConfigError("slices", self.slices, f"a number that divides the batch of {self.batch} pairs")
        if not 0 <= self.prefer_turn < float("inf"):
            raise ConfigError("prefer_turn", self.prefer_turn, "a finite number of 0 or more")
        for name in ("seed", "motion_first", "critic_from"):
            if getattr(self, name) < 0:
                raise ConfigError(name, getattr(self, name), "a whole number of 0 or more")
        if not 0 <= self.ema_decay < 1:
            raise ConfigError("ema_decay", self.ema_decay, "a number from 0 to below 1")
        for name in ("prefer_change", "prefer_opening", "drop_tail"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(name, getattr(self, name), "a probability from 0 to 1")

    def differences(self, stored: TrainConfig) -> list[str]:
        """Return what a run of these settings would do otherwise than the stored ones, a phrase each.

        How long a run is and how often it reports are not counted: both may change when it goes on.
        """
        mine, theirs = _flat(to_dict(self)), _flat(to_dict(stored))
        for name in ("steps", "log_every", "checkpoint_every", "preview_every"):
            del mine[name], theirs[name]
        return [f"{name} {theirs[name]}, not {mine[name]}" for name in mine if mine[name] != theirs[name]]


def _flat(settings: Mapping[str, Any], at: str = "") -> dict[str, Any]:
    """Return nested settings as one level with dotted names."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= _flat(value, f"{at}{name}.") if isinstance(value, Mapping) else {at + name: value}
    return flat
