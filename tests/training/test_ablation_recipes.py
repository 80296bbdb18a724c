"""The ablation's recipes: trained alike, but for what they are named after."""

from __future__ import annotations

from dataclasses import replace

from facewire.losses.total import LossWeights
from facewire.networks.paper.ablation import ABLATION_PRESETS
from facewire.training.ablation_recipes import ABLATION_RECIPES, ablation


def test_all_variants_are_trained_alike() -> None:
    full = ablation("ablation-full")
    assert list(ABLATION_RECIPES) == list(ABLATION_PRESETS)
    for name, recipe in ABLATION_RECIPES.items():
        weights = LossWeights(deformation_prior=0.0) if name == "ablation-direct" else LossWeights()
        assert recipe() == replace(full, preset=name, paper_weights=weights)
