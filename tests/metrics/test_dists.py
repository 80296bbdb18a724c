"""DISTS: hand values of both terms, torchmetrics' formula on the same random network, refusals."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torchmetrics.functional.image.dists import DISTSNetwork, L2pooling

from facewire.base.errors import SchemaMismatch
from facewire.metrics import dists as module
from facewire.metrics.dists import CHANNELS, DISTS_WEIGHTS, STAGES, VGG_16, Dists

HERE = Path("test")


def tensors() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    torch.manual_seed(2)
    backbone = {"classifier.0.weight": torch.zeros(1)}
    for stage in STAGES:
        for at, (inputs, outputs) in stage.items():
            backbone[f"features.{at}.weight"] = torch.randn(outputs, inputs, 3, 3) * (2 / 9 / inputs) ** 0.5
            backbone[f"features.{at}.bias"] = torch.randn(outputs) * 0.1
    size = (1, sum(CHANNELS), 1, 1)
    return backbone, {"alpha": torch.rand(size), "beta": torch.rand(size)}


@pytest.fixture(scope="module")
def metric() -> Dists:
    return Dists(*tensors(), HERE)


def torchmetrics_network(metric: Dists) -> DISTSNetwork:
    """Return torchmetrics' network around our layers: its constructor wants torchvision."""
    network = DISTSNetwork.__new__(DISTSNetwork)
    nn.Module.__init__(network)
    for number, stage in enumerate(STAGES):
        layers: list[nn.Module] = [L2pooling(channels=CHANNELS[number])] if number else []
        for at in stage:
            layers += [metric.features[str(at)], nn.ReLU()]
        network.add_module(f"stage{number + 1}", nn.Sequential(*layers))
    network.chns = list(CHANNELS)
    network.alpha, network.beta = metric.alpha, metric.beta
    network.register_buffer("mean", metric.mean)
    network.register_buffer("std", metric.deviation)
    return network


def test_the_formula_is_torchmetrics(metric: Dists) -> None:
    a, b = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        theirs = torchmetrics_network(metric)(a, b)
        assert metric(a, b) == pytest.approx(theirs, abs=1e-5)


def test_equal_pictures_are_0_apart_and_more_noise_is_farther(metric: Dists) -> None:
    a = torch.rand(1, 3, 64, 64)
    near, far = (a + 0.02 * torch.randn_like(a)).clamp(0, 1), torch.rand(1, 3, 64, 64)
    assert metric(a, a).item() == pytest.approx(0, abs=1e-6)
    assert metric(a, far).item() == pytest.approx(metric(far, a).item(), abs=1e-6)
    assert 0 < metric(a, near).item() < metric(a, far).item()


def test_terms_by_hand() -> None:
    a = torch.tensor([[[[1.0, 3.0], [1.0, 3.0]]]])
    b = torch.tensor([[[[2.0, 6.0], [2.0, 6.0]]]])
    # means 2 and 4: 16 / 20; variances 1 and 4, covariance 2: 4 / 5
    assert module._texture(a, b).item() == pytest.approx(0.8, abs=1e-6)
    assert module._structure(a, b).item() == pytest.approx(0.8, abs=1e-6)
    assert module._structure(a, 4 - a).item() == pytest.approx(-1, abs=1e-5)


def test_other_networks_are_refused(tmp_path: Path) -> None:
    backbone, weights = tensors()
    del weights["beta"]
    with pytest.raises(SchemaMismatch):
        Dists(backbone, weights, HERE)
    assert VGG_16.name in Dists.absence(tmp_path)
    (tmp_path / VGG_16.name).write_bytes(b"")
    assert DISTS_WEIGHTS.name in Dists.absence(tmp_path)
