"""The recipes of the ablation (paper Table 5): one small model each, all trained alike.

Same clips, pairs, seed, steps, losses and rates; the variants differ in their networks alone. One exception: with
keypoints found directly, the prior on delta would pull the keypoints themselves to the centre, so it is off there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from facewire.losses.total import LossWeights
from facewire.networks.paper.ablation import ABLATION_PRESETS
from facewire.training.config import OptimizerConfig, PerceptualConfig, TrainConfig


def ablation(preset: str) -> TrainConfig:
    """Return the run of one variant."""
    config = TrainConfig(
        preset=preset,
        steps=1000,
        batch=4,
        precision="fp32",
        drop_tail=0.0,
        optimizer=OptimizerConfig(learning_rate=3e-4, warmup_steps=50, decay_share=0.4),
        perceptual=PerceptualConfig(scales=2),
        checkpoint_every=250,
    )
    if ABLATION_PRESETS[preset].composition == "direct":
        return replace(config, paper_weights=LossWeights(deformation_prior=0.0))
    return config


ABLATION_RECIPES: Mapping[str, Callable[[], TrainConfig]] = {
    name: partial(ablation, name) for name in ABLATION_PRESETS
}
