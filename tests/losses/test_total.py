"""Weights of the paper, and the one place where they are applied."""

from __future__ import annotations

import pytest
import torch

from facewire.base.config import from_dict, to_dict
from facewire.base.errors import ConfigError
from facewire.losses.total import LossWeights, weighted_total


def test_the_weights_of_the_paper() -> None:
    weights = LossWeights()
    terms = ("perceptual", "adversarial", "equivariance", "keypoint_prior", "head_pose", "deformation_prior")
    assert [weights.by_name()[term] for term in terms] == [10, 1, 20, 10, 20, 5]
    assert weights.feature_matching == 10


def test_weights_are_strict_settings() -> None:
    weights = LossWeights(adversarial=0.0)
    assert from_dict(LossWeights, to_dict(weights)) == weights
    with pytest.raises(ConfigError, match="head_pose"):
        LossWeights(head_pose=-1.0)
    with pytest.raises(ConfigError, match="perceptual"):
        LossWeights(perceptual=float("nan"))


def test_a_sum_by_hand() -> None:
    terms = {"a": torch.tensor(2.0, requires_grad=True), "b": torch.tensor(0.5)}
    report = weighted_total(terms, {"a": 3.0, "b": 4.0, "unused": 100.0})
    assert report.total.item() == pytest.approx(8.0)
    assert report.numbers() == {"a": 2.0, "b": 0.5, "total": 8.0}  # terms without their weights
    (gradient,) = torch.autograd.grad(report.total, terms["a"])
    assert gradient.item() == 3.0
    assert not report.terms["a"].requires_grad


def test_a_term_of_weight_zero_is_reported_but_not_added() -> None:
    terms = {"a": torch.tensor(1.0), "b": torch.tensor(float("inf"))}
    report = weighted_total(terms, {"a": 1.0, "b": 0.0})
    assert report.total.item() == 1.0
    assert report.numbers()["b"] == float("inf")


def test_a_term_without_weight_is_refused() -> None:
    with pytest.raises(ConfigError, match="percetual"):
        weighted_total({"percetual": torch.tensor(1.0)}, LossWeights().by_name())
    with pytest.raises(ConfigError, match="terms"):
        weighted_total({}, LossWeights().by_name())
