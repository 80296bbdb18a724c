"""D: independence of the batch, scales, spectral norm everywhere."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn
from torch.nn.utils import parametrize

from facewire.networks.paper.config import PAPER_PRESETS
from facewire.networks.paper.discriminator import Discriminator
from facewire.networks.paper.face_vid2vid import build

TINY = PAPER_PRESETS["tiny"]


def test_a_verdict_does_not_depend_on_the_batch() -> None:
    torch.manual_seed(0)
    critic = Discriminator(TINY.base, 2).eval()
    pictures = torch.rand(3, 3, 64, 64)
    with torch.no_grad():
        together, alone = critic(pictures), critic(pictures[1:2])
    for a, b in zip(together, alone, strict=True):
        torch.testing.assert_close(a.score[1:2], b.score, atol=1e-5, rtol=1e-4)


def test_the_second_scale_sees_half_the_size() -> None:
    torch.manual_seed(0)
    critic = Discriminator(TINY.base, 2).eval()
    picture = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        verdicts = critic(picture)
        second = critic.critics[1](torch.nn.functional.avg_pool2d(picture, 2))
    assert torch.equal(verdicts[1].score, second.score)


def _convolutions(module: nn.Module) -> list[nn.Module]:
    return [m for m in module.modules() if isinstance(m, (nn.Conv2d, nn.Conv3d))]


def test_spectral_norm_is_where_the_paper_has_it() -> None:
    with torch.device("meta"):
        model, critic = build(PAPER_PRESETS["paper-256"]), Discriminator(PAPER_PRESETS["paper-256"].base)
    assert all(parametrize.is_parametrized(conv) for conv in _convolutions(critic))
    assert all(parametrize.is_parametrized(conv) for conv in _convolutions(model.generator))
    for part in (model.appearance, model.canonical, model.head, model.motion_field):
        assert not any(parametrize.is_parametrized(conv) for conv in _convolutions(part))


def test_spectral_norm_of_the_generator_can_be_switched_off() -> None:
    with torch.device("meta"):
        model = build(replace(TINY, generator_spectral_norm=False))
    assert not any(parametrize.is_parametrized(conv) for conv in _convolutions(model))
