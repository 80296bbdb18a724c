"""The main path with the tiny preset: wiring, determinism, independence, the geometry's promises."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor

from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints
from facewire.geometry.pose import rotation_from_degrees
from facewire.networks.paper.config import PAPER_PRESETS
from facewire.networks.paper.discriminator import Discriminator
from facewire.networks.paper.face_vid2vid import FaceVid2Vid, build
from facewire.networks.talking_head import TalkingHead
from facewire.networks.types import Identity

if TYPE_CHECKING:
    from facewire.networks.compact.model import CompactTalkingHead

    def _compact_keeps_the_promise(model: CompactTalkingHead) -> TalkingHead:
        return model


TINY = PAPER_PRESETS["tiny"]


@cache
def _model() -> FaceVid2Vid:
    torch.manual_seed(0)
    return build(TINY).eval()


def _pictures(seed: int, batch: int = 2) -> Tensor:
    return torch.rand(batch, 3, 64, 64, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def test_the_model_is_a_talking_head() -> None:
    head: TalkingHead = _model()
    assert head.resolution == 64
    assert head.keypoints == 5
    identity = head.identity(_pictures(1))
    motion = head.motion(_pictures(2))
    image = head.render(identity, motion)
    assert image.shape == (2, 3, 64, 64)
    assert image.min() >= 0
    assert image.max() <= 1


@torch.no_grad()
def test_the_three_calls_are_the_one_call() -> None:
    model, source, driving = _model(), _pictures(1), _pictures(2)
    steps = model.render(model.identity(source), model.motion(driving))
    assert torch.equal(model(source, driving).image, steps)
    assert torch.equal(
        model(source, driving, kept=3).image, model(source, driving, kept=torch.tensor([3, 3])).image
    )


@torch.no_grad()
def test_evaluation_is_deterministic() -> None:
    assert torch.equal(_model()(_pictures(1), _pictures(2)).image, _model()(_pictures(1), _pictures(2)).image)


@torch.no_grad()
def test_heads_of_a_batch_do_not_see_each_other() -> None:
    source, driving = _pictures(1, 3), _pictures(2, 3)
    together = _model()(source, driving).image
    for i in range(3):
        alone = _model()(source[i : i + 1], driving[i : i + 1]).image
        torch.testing.assert_close(alone[0], together[i], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_one_source_serves_many_frames() -> None:
    model, driving = _model(), _pictures(2, 3)
    one = model.identity(_pictures(1, 1))
    three = model.identity(_pictures(1, 1).expand(3, -1, -1, -1))
    motion = model.motion(driving)
    torch.testing.assert_close(model.render(one, motion), model.render(three, motion), atol=1e-5, rtol=1e-4)
    assert len(one.expand(3)) == 3
    assert one.expand(1) is one


@torch.no_grad()
def test_no_extra_turn_changes_nothing() -> None:
    model = _model()
    identity, motion = model.identity(_pictures(1)), model.motion(_pictures(2))
    turned = motion.turned(torch.eye(3), torch.zeros(3))
    assert torch.equal(model.render(identity, turned), model.render(identity, motion))
    other = motion.turned(rotation_from_degrees(20, 0, 0))
    assert not torch.equal(model.render(identity, other), model.render(identity, motion))


@torch.no_grad()
def test_the_source_in_its_own_motion_is_not_moved() -> None:
    model = _model()
    identity = model.identity(_pictures(1))
    field = model.synthesis(identity, identity.motion).field
    still = model.synthesis(identity, identity.motion, kept=0).field
    torch.testing.assert_close(field.flow, still.flow, atol=2e-6, rtol=0)


@torch.no_grad()
def test_canonical_jacobians_cancel_in_the_picture() -> None:
    model = _model()
    identity, motion = model.identity(_pictures(1)), model.motion(_pictures(2))
    torch.manual_seed(3)
    skewed = torch.eye(3) + 0.2 * torch.randn(2, 5, 3, 3)
    images = [
        model.render(replace(identity, canonical=CanonicalKeypoints(identity.canonical.points, own)), motion)
        for own in (None, skewed)
    ]
    torch.testing.assert_close(images[0], images[1], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_dropped_keypoints_need_not_be_sent() -> None:
    model = _model()
    identity, motion = model.identity(_pictures(1)), model.motion(_pictures(2))
    cut = motion.expression.clone()
    cut[:, 2:] = 0
    received = motion.with_expression(cut)
    assert torch.equal(model.render(identity, received, kept=2), model.render(identity, motion, kept=2))


def _wanted(name: str) -> bool:
    """A convolution's bias before a batch norm has no effect, hence a gradient of 0 up to rounding."""
    return not name.endswith("bias")


def test_every_parameter_gets_a_gradient() -> None:
    torch.manual_seed(0)
    model, critic = build(TINY).train(), Discriminator(TINY.base).train()
    for name, parameter in model.named_parameters():
        if name.endswith("weight") and not parameter.any():  # of bottlenecks, which start silent
            torch.nn.init.ones_(parameter)
    result = model(_pictures(1, 4), _pictures(2, 4))
    fake = sum((v.score.mean() for v in critic(result.image)), torch.zeros(()))
    (fake + result.keypoints.points.square().sum() + result.keypoints.jacobians.square().sum()).backward()
    for name, parameter in [*model.named_parameters(), *critic.named_parameters()]:
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().max() > 0 or not _wanted(name), name


@torch.no_grad()
def test_flow_stays_float32_under_autocast() -> None:
    model = _model()
    with torch.autocast("cpu", torch.bfloat16):
        result = model(_pictures(1), _pictures(2))
    assert result.field.flow.dtype == torch.float32
    assert result.keypoints.points.dtype == torch.float32
    assert result.motion.expression.dtype == torch.float32
    torch.testing.assert_close(
        result.image.float(), model(_pictures(1), _pictures(2)).image, atol=0.05, rtol=0
    )


@torch.no_grad()
def test_an_identity_moves_between_devices() -> None:
    identity = _model().identity(_pictures(1))
    moved: Identity = identity.to("meta")
    assert moved.features[0].device.type == "meta"
    assert moved.canonical.points.device.type == "meta"
    assert moved.motion.rotation.device.type == "meta"


@pytest.mark.parametrize("batch", [2, 3])
def test_an_identity_of_several_does_not_expand(batch: int) -> None:
    motion = HeadMotion(torch.eye(3).expand(2, 3, 3), torch.zeros(2, 3), torch.zeros(2, 5, 3))
    identity = Identity((torch.zeros(2, 1),), CanonicalKeypoints(torch.zeros(2, 5, 3)), motion)
    if batch == len(identity):
        assert identity.expand(batch) is identity
    else:
        with pytest.raises(RuntimeError):
            identity.expand(batch)
