"""Runs by name: each recipe is a function that returns a complete configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import pi

from facewire.base.errors import ConfigError
from facewire.losses.total import LossWeights
from facewire.training.ablation_recipes import ABLATION_RECIPES
from facewire.training.config import OptimizerConfig, PerceptualConfig, TrainConfig


def compact_256() -> TrainConfig:
    """The model that ships: two cores and an afternoon, or a GPU and minutes."""
    return TrainConfig(
        preset="compact-256",
        steps=12_000,
        batch=8,
        drop_tail=0.2,
        prefer_change=0.7,
        prefer_opening=0.35,
        optimizer=OptimizerConfig(learning_rate=5e-4, beta1=0.9, beta2=0.99, weight_decay=1e-4),
        perceptual=PerceptualConfig(scales=2, first_scale=1, tap_weights=(0.25,) * 5, padding="zeros"),
    )


def paper_256() -> TrainConfig:
    """The paper's networks and losses at 256x256 (spec sections 4 and 5), for GPUs with 32 GB and more."""
    return TrainConfig(
        preset="paper-256", steps=600_000, batch=8, checkpoint_every=2000, preview_every=10_000
    )


def paper_512() -> TrainConfig:
    """The paper's second stage: start it from a paper-256 run with --init."""
    return TrainConfig(preset="paper-512", steps=60_000, batch=4, checkpoint_every=2000, preview_every=10_000)


def paper_128() -> TrainConfig:
    """The paper's networks, narrow, with all its losses: what two CPU cores can train in a night.

    The loss weights are the paper's, that of head poses taken per radian: per degree, 57 times as much, it drowns
    what t and Delta have to learn (docs/lab). The taps are weighted alike and mirrored borders left out, because the
    network that fits two cores is the distilled stand-in of VGG-19. Motion is learned first; the critic begins when
    heads move.
    """
    return TrainConfig(
        preset="paper-128",
        steps=11_000,
        batch=8,
        drop_tail=0.2,
        motion_first=5000,
        paper_weights=LossWeights(head_pose=20 * pi / 180),
        critic_from=7000,
        optimizer=OptimizerConfig(learning_rate=1e-3),
        perceptual=PerceptualConfig(scales=2, tap_weights=(0.25,) * 5, padding="zeros"),
        log_every=25,
        checkpoint_every=100,
        preview_every=250,
    )


def tiny() -> TrainConfig:
    """The paper's classes at 64x64 with few channels: proves the machinery in seconds."""
    return TrainConfig(
        preset="tiny",
        steps=20,
        batch=2,
        precision="fp32",
        perceptual=PerceptualConfig(scales=2),
        log_every=1,
        checkpoint_every=5,
        preview_every=5,
    )


RECIPES: Mapping[str, Callable[[], TrainConfig]] = {
    "compact-256": compact_256,
    "paper-256": paper_256,
    "paper-512": paper_512,
    "paper-128": paper_128,
    "tiny": tiny,
    **ABLATION_RECIPES,
}


def recipe(name: str) -> TrainConfig:
    """Return the configuration of a named run.

    Raises:
        ConfigError: there is no such recipe.
    """
    if name not in RECIPES:
        raise ConfigError("preset", name, f"one of {', '.join(RECIPES)}")
    return RECIPES[name]()
