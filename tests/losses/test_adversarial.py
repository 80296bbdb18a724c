"""Hinge losses and feature matching by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from facewire.losses.adversarial import feature_matching, hinge_discriminator, hinge_generator
from facewire.networks.paper.discriminator import Verdict


def _verdict(*scores: float, features: tuple[Tensor, ...] = ()) -> Verdict:
    return Verdict(torch.tensor(scores).view(1, 1, 1, -1), features)


def test_the_critic_by_hand() -> None:
    real, fake = _verdict(2.0, 0.5), _verdict(-3.0, 0.0)
    # real: max(0, -1) and 0.5; fake: max(0, -2) and 1
    assert hinge_discriminator([real], [fake]).item() == pytest.approx(0.25 + 0.5)


def test_a_sure_critic_has_nothing_to_learn() -> None:
    assert hinge_discriminator([_verdict(1.0, 7.0)], [_verdict(-1.0, -9.0)]).item() == 0


def test_the_generator_by_hand() -> None:
    assert hinge_generator([_verdict(2.0, -1.0)]).item() == pytest.approx(-0.5)


def test_scales_are_averaged() -> None:
    assert hinge_generator([_verdict(2.0), _verdict(4.0)]).item() == pytest.approx(-3.0)
    both = hinge_discriminator([_verdict(0.0), _verdict(1.0)], [_verdict(-1.0), _verdict(-1.0)])
    assert both.item() == pytest.approx(0.5)


def test_the_generator_wants_higher_scores() -> None:
    score = torch.zeros(1, 1, 2, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(hinge_generator([Verdict(score, ())]), score)
    assert gradient.max() < 0


def test_feature_matching_by_hand() -> None:
    real = Verdict(torch.zeros(1, 1, 1, 1), (torch.tensor([1.0, 2.0]), torch.tensor([0.0])))
    fake = Verdict(torch.zeros(1, 1, 1, 1), (torch.tensor([1.0, 0.0]), torch.tensor([5.0])))
    assert feature_matching([real], [fake]).item() == pytest.approx(1.0 + 5.0)
    assert feature_matching([real, real], [fake, real]).item() == pytest.approx(3.0)
    assert feature_matching([real], [real]).item() == 0


def test_feature_matching_leaves_the_real_side_alone() -> None:
    a, b = (torch.rand(2, 3, requires_grad=True) for _ in range(2))
    loss = feature_matching([Verdict(a, (a,))], [Verdict(b, (b,))])
    none, gradient = torch.autograd.grad(loss, (a, b), allow_unused=True)
    assert none is None
    assert torch.equal(gradient.sign(), (b - a).sign())
