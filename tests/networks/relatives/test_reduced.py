"""Half precision, batches and compilation: the same pictures as in float32, one by one."""

from __future__ import annotations

import pytest
import torch
from tests.small_families import SIZES, model_of
from torch import Tensor

from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.pose import rotation_from_degrees
from facewire.networks.relatives.model import RelativeTalkingHead
from facewire.networks.types import Identity

SIDE = 128
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=list(SIZES))
def model(request: pytest.FixtureRequest) -> RelativeTalkingHead:
    made = model_of(request.param)
    made.side = SIDE
    return made


@pytest.fixture(scope="module")
def picture() -> Tensor:
    return torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


@torch.inference_mode()
def turned(identity: Identity) -> HeadMotion:
    own = identity.motion
    turns = torch.stack([rotation_from_degrees(yaw, 0.0, 0.0) for yaw in (-10.0, 5.0, 10.0)])
    return own.expand(3).turned(turns)


@torch.inference_mode()
def test_batches_are_frames_one_by_one(model: RelativeTalkingHead, picture: Tensor) -> None:
    identity = model.identity(picture)
    motion = turned(identity)
    together = model.render(identity, motion)
    alone = torch.cat([model.render(identity, motion[row : row + 1]) for row in range(3)])
    assert torch.allclose(together, alone, atol=1e-4)


@torch.inference_mode()
def test_bfloat16_keeps_coordinates_and_nearly_the_picture(
    model: RelativeTalkingHead, picture: Tensor
) -> None:
    identity = model.identity(picture)
    wanted = model.render(identity, turned(identity))
    try:
        model.reduced = torch.bfloat16
        half = model.identity(picture)
        found = model.render(half, turned(half))
    finally:
        model.reduced = None
    assert half.features[0].dtype == torch.bfloat16
    for part in (half.canonical.points, half.motion.rotation, half.motion.expression, found):
        assert part.dtype == torch.float32
    assert float((half.motion.rotation - identity.motion.rotation).abs().max()) < 0.05
    assert float((found - wanted).abs().mean()) < 0.05


@torch.inference_mode()
def test_it_can_be_compiled(model: RelativeTalkingHead, picture: Tensor) -> None:
    identity = model.identity(picture)
    motion = turned(identity)
    compiled = torch.compile(model.render, backend="eager")
    assert torch.allclose(compiled(identity, motion), model.render(identity, motion), atol=1e-5)
    torch.compiler.reset()
