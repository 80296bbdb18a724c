"""Deformation prior by hand."""

from __future__ import annotations

import pytest
import torch

from facewire.losses.deformation_prior import deformation_prior


def test_mean_size_by_hand() -> None:
    expression = torch.tensor([[[0.3, -0.3, 0.0], [0.0, 0.0, 0.6]]])
    assert deformation_prior(expression).item() == pytest.approx(0.2)
    assert deformation_prior(torch.zeros(2, 5, 3)).item() == 0


def test_the_gradient_shrinks_expressions() -> None:
    expression = torch.tensor([[[0.3, -0.3, 0.1]]], requires_grad=True)
    (gradient,) = torch.autograd.grad(deformation_prior(expression), expression)
    assert gradient.sign().tolist() == [[[1, -1, 1]]]
