"""L: keypoints inside the picture, Jacobians that start as identity and can be switched off."""

from __future__ import annotations

from dataclasses import replace

import torch

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


def test_jacobians_can_be_switched_off() -> None:
    torch.manual_seed(0)
    detector = CanonicalDetector(replace(TINY, jacobians=False)).eval()
    assert detector(torch.rand(1, 3, 64, 64)).jacobians is None
    assert not [name for name, _ in detector.named_parameters() if "jacobian" in name]
