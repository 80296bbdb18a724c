"""The recipes of the ablation (paper Table 5) and of the paper's rival: one small model each, all trained alike.

Same clips, pairs, seed, steps and rates; the variants differ in their networks alone. Two exceptions among the
losses: with keypoints found directly, the prior on delta would pull the keypoints themselves to the centre, so it is
off there; and the first-order motion model has the losses of its authors: no pose, no priors, equivariance at half
the weight.

Motion is learned first, without pictures, at the rate of paper-128; the critic judges the last fifth, in which the
rate falls to 0. A run that is made longer (`--steps`) goes on at the full rate and falls again at its new end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from math import pi

from facewire.losses.total import LossWeights
from facewire.networks.paper.ablation import ABLATION_PRESETS
from facewire.training.config import OptimizerConfig, PerceptualConfig, TrainConfig

POSE = 20 * pi / 180
"""Weight of the pose term: the paper's, per radian (docs/lab/2026-11-29-paper-128.md)."""
LOSSES: Mapping[str, LossWeights] = {
    "ablation-direct": LossWeights(deformation_prior=0.0, head_pose=POSE),
    "ablation-fomm": LossWeights(
        equivariance=10.0,
        equivariance_jacobian=10.0,
        keypoint_prior=0.0,
        head_pose=0.0,
        deformation_prior=0.0,
    ),
}
"""Of the variants whose losses are not the paper's."""


def ablation(preset: str) -> TrainConfig:
    """Return the run of one variant."""
    config = TrainConfig(
        preset=preset,
        steps=2500,
        batch=8,
        drop_tail=0.0,
        motion_first=500,
        critic_from=2000,
        optimizer=OptimizerConfig(learning_rate=1e-3, decay_share=0.2),
        perceptual=PerceptualConfig(scales=2, tap_weights=(0.25,) * 5, padding="zeros"),
        checkpoint_every=250,
    )
    return replace(config, paper_weights=LOSSES.get(preset, LossWeights(head_pose=POSE)))


ABLATION_RECIPES: Mapping[str, Callable[[], TrainConfig]] = {
    name: partial(ablation, name) for name in ABLATION_PRESETS
}
