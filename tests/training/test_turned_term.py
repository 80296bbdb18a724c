"""The loss on turned heads, on the face of a real person with the shipped weights."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
import torch
import torch.nn.functional as F
from skimage.data import astronaut
from torch import Tensor

import facewire.training.objectives.turned_term as subject
from facewire.geometry.head_motion import HeadMotion
from facewire.networks.compact.model import CompactSynthesis, CompactTalkingHead
from facewire.networks.types import Identity
from facewire.networks.weights import load_model
from facewire.training.objectives.turned_term import turned_term


@cache
def _model() -> CompactTalkingHead:
    model = load_model()[0]
    assert isinstance(model, CompactTalkingHead)
    return model


@cache
def _face() -> Tensor:
    picture = torch.from_numpy(astronaut()[0:256, 96:352].copy()).permute(2, 0, 1)[None]
    return F.interpolate(picture.float() / 255, (256, 256))


def _term(model: CompactTalkingHead, seed: int = 0) -> Tensor:
    identity = model.identity(_face())
    return turned_term(model, identity, torch.Generator().manual_seed(seed))


@pytest.mark.slow
def test_a_head_that_does_not_follow_costs_more(monkeypatch: pytest.MonkeyPatch) -> None:
    model = _model()
    with torch.no_grad():
        follows = [_term(model, seed).item() for seed in range(4)]

        def still(self: CompactTalkingHead, identity: Identity, motion: HeadMotion) -> CompactSynthesis:
            asked, shown = whole(self, identity, motion), whole(self, identity, identity.motion)
            return replace(shown, source=asked.source, driving=asked.driving)

        whole = CompactTalkingHead.synthesis
        monkeypatch.setattr(CompactTalkingHead, "synthesis", still)
        stays = [_term(model, seed).item() for seed in range(4)]
    assert sum(follows) < 0.5 * sum(stays)


def test_without_a_turn_only_the_reader_s_noise_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "LARGEST_TURN", (0.0, 0.0, 0.0))
    with torch.no_grad():
        assert _term(_model()).item() < 0.01  # 1.3 px of 256


@pytest.mark.slow
def test_generator_and_field_learn_from_it_and_the_reader_does_not() -> None:
    torch.manual_seed(0)
    model = CompactTalkingHead()
    _term(model).backward()
    for part in (model.field, model.generator):
        sizes = [parameter.grad.abs().sum() for parameter in part.parameters() if parameter.grad is not None]
        assert sizes
        assert all(torch.isfinite(size) for size in sizes)
        assert sum(float(size) for size in sizes) > 0
    assert all(parameter.grad is None for parameter in model.motion_reader.reader.parameters())
