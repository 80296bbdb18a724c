"""What is minimised: which terms there are, where gradients go, on any device."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

from facewire.data.augment import AugmentConfig, augment
from facewire.data.pairs import FrameBatch, PairBatch
from facewire.geometry.grid import image_grid
from facewire.geometry.pose import rotation_from_degrees
from facewire.losses.perceptual import PerceptualLoss
from facewire.losses.total import LossWeights
from facewire.networks.compact import CompactTalkingHead
from facewire.networks.compact_motion import GUIDES
from facewire.networks.config import PAPER_PRESETS
from facewire.networks.discriminator import Discriminator
from facewire.networks.face_vid2vid import FaceVid2Vid, build
from facewire.training.compact_objective import (
    DETAIL_MARGIN,
    DETAIL_SIDE,
    CompactObjective,
    CompactWeights,
    face_square,
    guide_weights,
)
from facewire.training.critic import Critic
from facewire.training.objective import Made, random_kept
from facewire.training.paper_objective import PaperObjective

CPU = torch.device("cpu")
TINY = PAPER_PRESETS["tiny"]


class PlainTaps:
    """A network that sees the picture itself."""

    name = "plain"
    divisors = (1.0,)

    def __call__(self, image: Tensor) -> list[Tensor]:
        return [image]


def _perceptual() -> PerceptualLoss:
    return PerceptualLoss(PlainTaps(), weights=(1.0,), scales=1)


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _frames(seed: int, side: int, batch: int = 2, device: torch.device = CPU) -> FrameBatch:
    generator = torch.Generator().manual_seed(seed)
    rotation = torch.stack([rotation_from_degrees(5.0 * seed, 3.0, 1.0)] * batch)
    return FrameBatch(
        torch.rand(batch, 3, side, side, generator=generator),
        0.6 * torch.rand(batch, 78, 2, generator=generator) - 0.3,
        rotation,
        0.1 * torch.rand(batch, 3, generator=generator),
    ).to(device)


def _pair(side: int, device: torch.device = CPU) -> PairBatch:
    return PairBatch(_frames(1, side, device=device), _frames(2, side, device=device))


@cache
def _paper(jacobians: bool = True) -> tuple[FaceVid2Vid, PaperObjective]:
    torch.manual_seed(0)
    config = replace(TINY, jacobians=jacobians)
    return build(config), PaperObjective(_perceptual(), LossWeights(), Critic(Discriminator(config)))


@cache
def _compact() -> tuple[CompactTalkingHead, CompactObjective]:
    torch.manual_seed(0)
    return CompactTalkingHead(), CompactObjective(_perceptual(), CompactWeights())


@pytest.mark.parametrize("jacobians", [True, False])
def test_the_paper_s_terms(jacobians: bool) -> None:
    model, objective = _paper(jacobians)
    report, made = objective(model, _pair(64), _generator())
    expected = set(LossWeights().by_name()) - (set() if jacobians else {"equivariance_jacobian"})
    assert set(report.terms) == expected
    assert made.image.shape == (2, 3, 64, 64)
    assert made.warped is None
    weighted = sum(LossWeights().by_name()[name] * term for name, term in report.terms.items())
    torch.testing.assert_close(report.total.detach(), torch.as_tensor(weighted))


def test_the_face_network_adds_to_the_perceptual_term() -> None:
    model, objective = _paper()
    torch.manual_seed(0)
    face = PaperObjective(_perceptual(), LossWeights(), Critic(Discriminator(TINY)), face=_perceptual())
    with torch.no_grad():
        model.eval()
        alone, _ = objective(model, _pair(64), _generator())
        both, _ = face(model, _pair(64), _generator())
        model.train()
    torch.testing.assert_close(both.terms["perceptual"], 2 * alone.terms["perceptual"])


def test_the_model_s_loss_leaves_the_critic_alone() -> None:
    model, objective = _paper()
    assert objective.critic is not None
    report, made = objective(model, _pair(64), _generator())
    report.total.backward()
    assert all(parameter.grad is None for parameter in objective.critic.network.parameters())
    assert all(parameter.requires_grad for parameter in objective.critic.network.parameters())
    assert all(parameter.grad is not None for parameter in model.parameters())
    model.zero_grad(set_to_none=True)
    loss = objective.critic.own_loss(made.image, _pair(64).driving.image)
    loss.backward()
    assert all(parameter.grad is not None for parameter in objective.critic.network.parameters())
    assert all(parameter.grad is None for parameter in model.parameters())
    objective.critic.network.zero_grad(set_to_none=True)


def test_the_compact_model_s_terms() -> None:
    model, objective = _compact()
    report, made = objective(model, _pair(256), _generator())
    assert set(report.terms) == set(CompactWeights.__dataclass_fields__)
    assert made.warped is not None
    assert made.image.shape == made.warped.shape == (2, 3, 256, 256)
    report.total.backward()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name
    model.zero_grad(set_to_none=True)


def test_the_face_square_holds_eyes_and_mouth_at_full_size() -> None:
    pair = _pair(256)
    square = face_square(pair.driving.image, pair.driving.landmarks)
    assert square.shape == (2, 3, DETAIL_SIDE, DETAIL_SIDE)
    landmarks = torch.zeros(1, 78, 2)
    landmarks[:, 36], landmarks[:, 54] = torch.tensor([-0.2, -0.1]), torch.tensor([0.4, 0.3])
    ramp = image_grid(256, 256).permute(2, 0, 1)[None]
    found = face_square(ramp, landmarks)[0]
    side = DETAIL_MARGIN * 0.6
    expected = torch.linspace(-side / 2, side / 2, DETAIL_SIDE)
    torch.testing.assert_close(found[0], (0.1 + expected).expand(DETAIL_SIDE, -1))
    torch.testing.assert_close(found[1], (0.1 + expected)[:, None].expand(-1, DETAIL_SIDE))


def test_lips_lids_and_irises_count_more() -> None:
    weights = guide_weights()
    assert weights.mean().item() == pytest.approx(1)
    by_name = dict(zip([guide.name for guide in GUIDES], weights.tolist(), strict=True))
    assert by_name["lower lip"] == by_name["iris, image left"] == pytest.approx(3 * by_name["nose tip"])


@pytest.mark.parametrize("which", ["paper", "compact"])
def test_the_generator_alone_decides(which: str) -> None:
    model: Any
    objective: Any
    model, objective = _paper() if which == "paper" else _compact()
    model.eval()
    pair = _pair(64 if which == "paper" else 256)
    with torch.no_grad():
        totals = [
            objective(model, pair, torch.Generator().manual_seed(seed))[0].total.item() for seed in (1, 1, 2)
        ]
    model.train()
    if which == "compact":  # without normalisation a pass leaves no traces
        assert totals[0] == totals[1]
    assert totals[0] != totals[2]


@pytest.mark.parametrize("which", ["paper", "compact"])
def test_nothing_stays_behind_on_another_device(which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The meta device stands for a GPU: it refuses to meet tensors of the CPU as a GPU does."""
    meta = torch.device("meta")
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())  # it does not know meta
    model: Any
    objective: Any
    if which == "paper":
        model = build(TINY).to(meta)
        objective = PaperObjective(_perceptual(), LossWeights(), Critic(Discriminator(TINY).to(meta)))
    else:
        model, objective = CompactTalkingHead().to(meta), CompactObjective(_perceptual(), CompactWeights())
    pair = augment(_pair(64 if which == "paper" else 256, meta), _generator(), AugmentConfig())
    report, made = objective(model, pair, _generator())
    assert report.total.device == made.image.device == meta
    report.total.backward()
    if objective.critic is not None:
        assert objective.critic.own_loss(made.image, pair.driving.image).device == meta


def test_tails_of_every_length_are_dropped() -> None:
    kept = random_kept(20, 4000, _generator(), 0.5, CPU)
    assert set(kept.tolist()) == set(range(5, 21))
    assert (kept == 20).float().mean().item() == pytest.approx(0.5, abs=0.03)
    assert (random_kept(20, 50, _generator(), 0.0, CPU) == 20).all()
    assert random_kept(1, 50, _generator(), 1.0, CPU).min() == 0


def test_pictures_of_a_step_may_lack_a_warped_source() -> None:
    assert Made(torch.zeros(1, 3, 4, 4)).warped is None
