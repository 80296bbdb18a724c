"""L: keypoints inside the picture, Jacobians that start as identity and can be switched off."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from facewire.geometry.heatmap import spatial_softmax
from facewire.networks.paper.canonical import CanonicalDetector
from facewire.networks.paper.config import PAPER_PRESETS

TINY = PAPER_PRESETS["tiny"]


def test_keypoints_lie_in_the_picture() -> None:
    torch.manual_seed(0)
    found = CanonicalDetector(TINY).eval()(torch.rand(3, 3, 64, 64))
    assert found.points.shape == (3, 5, 3)
    assert found.points.abs().max() <= 1


def test_jacobians_start_as_identity() -> None:
    torch.manual_seed(0)
    found = CanonicalDetector(TINY).eval()(torch.rand(2, 3, 64, 64))
    torch.testing.assert_close(found.jacobians, torch.eye(3).expand(2, 5, 3, 3))


def test_jacobians_are_the_mean_under_the_heat_map() -> None:
    torch.manual_seed(0)
    detector = CanonicalDetector(TINY).eval()
    assert detector.jacobian_head is not None
    constant = torch.arange(45.0)
    detector.jacobian_head.bias = torch.nn.Parameter(constant)  # its weights start at zero
    found = detector(torch.rand(1, 3, 64, 64))
    torch.testing.assert_close(found.jacobians, constant.view(1, 5, 3, 3), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("changes", [{}, {"window": 7}, {"composition": "direct", "warp": "2-D"}], ids=str)
def test_jacobians_are_those_of_maps_that_nobody_makes(changes: dict[str, Any]) -> None:
    torch.manual_seed(0)
    config = replace(TINY, **changes)
    detector = CanonicalDetector(config).eval()
    head = detector.jacobian_head
    assert head is not None
    head.weight = torch.nn.Parameter(torch.randn_like(head.weight))
    made: list[Tensor] = []
    detector.up.register_forward_hook(lambda _, __, features: made.append(features))
    found = detector(torch.rand(2, 3, 64, 64)).jacobians
    assert found is not None
    maps = head(made[0])
    heat = spatial_softmax(detector.heatmap_head(made[0]), config.temperature)
    axes = 2 if config.detector_depth == 1 else 3
    means = (maps.view(2, 5, axes, axes, -1) * heat.view(2, 5, 1, 1, -1)).sum(-1)
    torch.testing.assert_close(found[:, :, :axes, :axes], means, rtol=1e-4, atol=1e-4)
    assert (found - torch.eye(3)).abs().max() > 0.1
    learning = [head.weight, *detector.lift.parameters()]
    wanted = torch.autograd.grad(means.square().sum(), learning, retain_graph=True)
    for own, plain in zip(torch.autograd.grad(found.square().sum(), learning), wanted, strict=True):
        torch.testing.assert_close(own, plain, rtol=1e-3, atol=1e-3)


def test_jacobians_can_be_switched_off() -> None:
    torch.manual_seed(0)
    detector = CanonicalDetector(replace(TINY, jacobians=False)).eval()
    assert detector(torch.rand(1, 3, 64, 64)).jacobians is None
    assert not [name for name, _ in detector.named_parameters() if "jacobian" in name]
