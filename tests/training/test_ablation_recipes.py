"""The ablation's recipes: trained alike, but for what they are named after."""

from __future__ import annotations

from dataclasses import replace

from facewire.networks.paper.ablation import ABLATION_PRESETS
from facewire.training.ablation_recipes import ABLATION_RECIPES, LOSSES, ablation


def test_all_variants_are_trained_alike() -> None:
    full = ablation("ablation-full")
    assert list(ABLATION_RECIPES) == list(ABLATION_PRESETS)
    for name, recipe in ABLATION_RECIPES.items():
        assert recipe() == replace(full, preset=name, paper_weights=LOSSES.get(name, full.paper_weights))


def test_only_found_directly_keypoints_have_other_losses() -> None:
    for name, weights in LOSSES.items():
        assert ABLATION_PRESETS[name].composition == "direct"
        assert weights.deformation_prior == 0
        assert (weights.perceptual, weights.adversarial) == (10, 1)


def test_the_critic_judges_while_the_rate_falls_to_0() -> None:
    run = ablation("ablation-full")
    rates = [run.optimizer.factor(step, run.steps) for step in range(run.steps)]
    falling = [step for step in range(1, run.steps) if rates[step] < rates[step - 1]]
    assert falling == list(range(run.critic_from + 1, run.steps))
    assert rates[-1] < 0.01
