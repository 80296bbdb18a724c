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
from facewire.networks.compact.config import CompactConfig
from facewire.networks.compact.guides import GUIDES
from facewire.networks.compact.model import CompactTalkingHead
from facewire.networks.compact.openings import OPEN_MOUTH
from facewire.networks.paper.config import PAPER_PRESETS
from facewire.networks.paper.discriminator import Discriminator
from facewire.networks.paper.face_vid2vid import FaceVid2Vid, build
from facewire.training.objectives.compact import (
    CRITIC_BASE,
    DETAIL_MARGIN,
    DETAIL_SIDE,
    JUDGED_CHANNELS,
    MOUTH_SIDE,
    CompactObjective,
    CompactWeights,
    face_square,
    guide_weights,
    judged,
    mouth_square,
)
from facewire.training.objectives.critic import Critic
from facewire.training.objectives.objective import Made, random_kept
from facewire.training.objectives.paper import PaperObjective

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
    return build(config), PaperObjective(_perceptual(), LossWeights(), Critic(Discriminator(config.base)))


@cache
def _compact() -> tuple[CompactTalkingHead, CompactObjective]:
    torch.manual_seed(0)
    return CompactTalkingHead(CompactConfig(layers=True)), _compact_objective()


def _compact_objective(device: torch.device = CPU) -> CompactObjective:
    critic = Critic(Discriminator(CRITIC_BASE, channels=JUDGED_CHANNELS).to(device))
    return CompactObjective(_perceptual(), CompactWeights(), critic=critic)


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
    face = PaperObjective(_perceptual(), LossWeights(), Critic(Discriminator(TINY.base)), face=_perceptual())
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
    assert made.judged is not None
    assert made.judged[0] is made.image
    loss = objective.critic.own_loss(*made.judged)
    loss.backward()
    assert all(parameter.grad is not None for parameter in objective.critic.network.parameters())
    assert all(parameter.grad is None for parameter in model.parameters())
    objective.critic.network.zero_grad(set_to_none=True)


@pytest.mark.slow
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


def test_a_model_without_layers_has_no_matte_to_compare() -> None:
    _, objective = _compact()
    with torch.no_grad():
        report, _ = objective(CompactTalkingHead(), _pair(256), _generator())
    assert "matte" not in report.terms


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


def test_the_mouth_square_looks_at_lips_only() -> None:
    pair = _pair(256)
    first = mouth_square(pair.driving.image, pair.driving.landmarks)
    assert first.shape == (2, 3, MOUTH_SIDE, MOUTH_SIDE)
    moved = pair.driving.landmarks.clone()
    moved[:, :48] += 0.1
    assert torch.equal(mouth_square(pair.driving.image, moved), first)


def test_the_critic_sees_the_real_face_with_what_opens_made() -> None:
    model, _ = _compact()
    pair = _pair(256)
    with torch.no_grad():
        made = model.synthesis(model.identity(pair.source.image), model.motion(pair.driving.image))
    openings = torch.zeros(2, 6, 128, 128)
    openings[:, OPEN_MOUTH, 60:68, 60:68] = 1  # the middle of the picture is open
    white = replace(made, image=torch.ones(2, 3, 256, 256), openings=openings)
    landmarks = pair.driving.landmarks.clone()
    landmarks[:, 36], landmarks[:, 54] = torch.tensor([-0.4, -0.4]), torch.tensor([0.4, 0.4])
    first, second = judged(white, replace(pair.driving, landmarks=landmarks))
    assert first.shape == second.shape == (2, JUDGED_CHANNELS, DETAIL_SIDE, DETAIL_SIDE)
    torch.testing.assert_close(second[:, :3], face_square(pair.driving.image, landmarks))
    assert torch.equal(first[:, 3:], second[:, 3:])
    middle = slice(DETAIL_SIDE // 2 - 2, DETAIL_SIDE // 2 + 2)
    torch.testing.assert_close(first[:, :3, middle, middle], torch.ones(2, 3, 4, 4))
    torch.testing.assert_close(first[:, :3, : DETAIL_SIDE // 4], second[:, :3, : DETAIL_SIDE // 4])


def test_lips_lids_and_irises_count_more() -> None:
    weights = guide_weights()
    assert weights.mean().item() == pytest.approx(1)
    by_name = dict(zip([guide.name for guide in GUIDES], weights.tolist(), strict=True))
    assert by_name["lower lip"] == by_name["iris, image left"] == pytest.approx(3 * by_name["nose tip"])


@pytest.mark.slow
@pytest.mark.parametrize("which", ["paper", "compact"])
def test_the_generator_alone_decides(which: str) -> None:
    model: Any
    objective: Any
    model, objective = _paper() if which == "paper" else _compact()
    model.eval()
    objective.critic.network.eval()  # in training its spectral norms move with every look
    pair = _pair(64 if which == "paper" else 256)
    with torch.no_grad():
        totals = [
            objective(model, pair, torch.Generator().manual_seed(seed))[0].total.item() for seed in (1, 1, 2)
        ]
    model.train()
    objective.critic.network.train()
    if which == "compact":  # without normalisation a pass leaves no traces
        assert totals[0] == totals[1]
    assert totals[0] != totals[2]


@pytest.mark.slow
@pytest.mark.parametrize("which", ["paper", "compact"])
def test_nothing_stays_behind_on_another_device(which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The meta device stands for a GPU: it refuses to meet tensors of the CPU as a GPU does."""
    meta = torch.device("meta")
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())  # it does not know meta
    model: Any
    objective: Any
    if which == "paper":
        model = build(TINY).to(meta)
        objective = PaperObjective(_perceptual(), LossWeights(), Critic(Discriminator(TINY.base).to(meta)))
    else:
        model, objective = CompactTalkingHead().to(meta), _compact_objective(meta)
    pair = augment(_pair(64 if which == "paper" else 256, meta), _generator(), AugmentConfig())
    report, made = objective(model, pair, _generator())
    assert report.total.device == made.image.device == meta
    report.total.backward()
    assert made.judged is not None
    assert objective.critic.own_loss(*made.detach().judged).device == meta


def test_tails_of_every_length_are_dropped() -> None:
    kept = random_kept(20, 4000, _generator(), 0.5, CPU)
    assert set(kept.tolist()) == set(range(5, 21))
    assert (kept == 20).float().mean().item() == pytest.approx(0.5, abs=0.03)
    assert (random_kept(20, 50, _generator(), 0.0, CPU) == 20).all()
    assert random_kept(1, 50, _generator(), 1.0, CPU).min() == 0


def test_pictures_of_a_step_may_lack_a_warped_source() -> None:
    assert Made(torch.zeros(1, 3, 4, 4)).warped is None
