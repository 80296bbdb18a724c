"""Settings of runs: recipes, learning rate, what counts as the same run."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import torch

from facewire.base.config import from_dict, to_dict
from facewire.base.errors import ConfigError
from facewire.data.augment import AugmentConfig
from facewire.networks.paper.ablation import ABLATION_PRESETS
from facewire.networks.presets import PRESETS, build_preset
from facewire.training.config import OptimizerConfig, TrainConfig
from facewire.training.objectives.compact import CompactWeights
from facewire.training.recipes import RECIPES, recipe
from facewire.training.run import resolution


def test_every_preset_has_a_recipe() -> None:
    assert set(RECIPES) == set(PRESETS)
    assert all(recipe(name).preset == name for name in RECIPES)
    with pytest.raises(ConfigError, match="compact-256, paper-256"):
        recipe("huge")


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_survive_json(name: str) -> None:
    config = recipe(name)
    assert from_dict(TrainConfig, json.loads(json.dumps(to_dict(config)))) == config


def test_the_paper_s_settings() -> None:
    config = recipe("paper-256")
    assert config.optimizer.learning_rate == 2e-4
    assert (config.optimizer.beta1, config.optimizer.beta2) == (0.5, 0.999)
    assert config.paper_weights.by_name() == {
        "perceptual": 10,
        "adversarial": 1,
        "feature_matching": 10,
        "equivariance": 20,
        "equivariance_jacobian": 20,
        "keypoint_prior": 10,
        "head_pose": 20,
        "deformation_prior": 5,
    }
    assert config.perceptual.scales == 3
    assert config.perceptual.tap_weights == (0.03125, 0.0625, 0.125, 0.25, 1.0)


def test_pictures_have_the_model_s_size() -> None:
    assert {name: resolution(recipe(name)) for name in RECIPES} == {
        "compact-256": 256,
        "paper-256": 256,
        "paper-512": 512,
        "paper-128": 128,
        "tiny": 64,
        **dict.fromkeys(ABLATION_PRESETS, 64),
    }
    with pytest.raises(ConfigError, match="jacobians"):
        resolution(replace(recipe("compact-256"), jacobians=False))


def test_the_rate_rises_stays_and_falls() -> None:
    optimizer = OptimizerConfig(warmup_steps=10, decay_share=0.25)
    factors = [optimizer.factor(step, 100) for step in range(100)]
    assert factors[0] == 0.1
    assert factors[4] == 0.5
    assert factors[9:76] == [1.0] * 67
    assert factors[-1] == pytest.approx(1 / 25)
    assert all(0 < factor <= 1 for factor in factors)
    constant = OptimizerConfig(warmup_steps=0, decay_share=0)
    assert [constant.factor(step, 5) for step in range(5)] == [1.0] * 5


def test_what_makes_another_run() -> None:
    stored = recipe("tiny")
    longer = replace(stored, steps=99, log_every=7, checkpoint_every=8, preview_every=9)
    assert longer.differences(stored) == []
    other = replace(stored, seed=5, augment=AugmentConfig(zoom=0.2), precision="bf16")
    assert other.differences(stored) == [
        "seed 1, not 5",
        "precision fp32, not bf16",
        "augment.zoom 0.12, not 0.2",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 0),
        ("batch", 0),
        ("log_every", -1),
        ("seed", -1),
        ("critic_from", -1),
        ("ema_decay", 1.0),
        ("prefer_change", 1.5),
        ("prefer_opening", -0.5),
        ("drop_tail", -0.1),
    ],
)
def test_ranges_are_checked(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=name):
        replace(recipe("tiny"), **{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("learning_rate", 0.0),
        ("beta1", 1.1),
        ("decay_share", -0.1),
        ("weight_decay", -1.0),
        ("warmup_steps", -1),
        ("clip_norm", 0.0),
    ],
)
def test_ranges_of_the_optimizer_are_checked(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=name):
        OptimizerConfig(**{name: value})


def test_weights_are_checked() -> None:
    with pytest.raises(ConfigError, match="flow"):
        CompactWeights(flow=-1.0)


@pytest.mark.slow
def test_the_fine_stage_takes_the_weights_of_the_coarse_one() -> None:
    with torch.device("meta"):
        coarse, fine = (build_preset(name).state_dict() for name in ("paper-256", "paper-512"))
    assert {name: tensor.shape for name, tensor in coarse.items()} == {
        name: tensor.shape for name, tensor in fine.items()
    }


@pytest.mark.parametrize("changes", [{"slices": 3}, {"slices": 0}, {"prefer_turn": -1.0}])
def test_slices_divide_the_batch(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(changes))):
        replace(recipe("compact-256"), **changes)
