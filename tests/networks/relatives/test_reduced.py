"""Half precision, batches, compilation and other devices: the same pictures as in float32 on a CPU, one by one.

Where there is a GPU all of it runs there too. Where there is none, the meta device, which has shapes and no numbers,
shows that nothing stays behind on the CPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tests.small_families import SIZES, model_of, zk_file
from torch import Tensor, nn

from facewire.animation.strength import scaled
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.pose import rotation_from_degrees
from facewire.networks.carry import carry_of
from facewire.networks.published.files import bring_in
from facewire.networks.relatives import decoders
from facewire.networks.relatives.liveportrait.portrait import opened
from facewire.networks.relatives.liveportrait.rest import resting
from facewire.networks.relatives.liveportrait.sliders import slid
from facewire.networks.relatives.liveportrait.transfer import absolute, on_clip, relative
from facewire.networks.relatives.model import RelativeTalkingHead
from facewire.networks.types import Identity
from facewire.networks.weights import load_for

SIDE = 128
pytestmark = pytest.mark.slow


CUDA = pytest.param(
    "cuda",
    marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")],
)


@pytest.fixture(scope="module", autouse=True)
def one_block_in_the_middle() -> Iterator[None]:
    """SPADE decoders have six alike, which only take time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoders, "MIDDLE", 1)
        yield


@pytest.fixture(scope="module", params=["cpu", CUDA])
def device(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(
    scope="module", params=[name for name in SIZES if name != "zlh"]
)  # as SadTalker, which cuts masks too
def model(request: pytest.FixtureRequest, device: str) -> RelativeTalkingHead:
    return small(request.param, device)


def small(family: str, device: str) -> RelativeTalkingHead:
    made = model_of(family).to(device)
    made.side = SIDE
    return made


@pytest.fixture(scope="module")
def picture(device: str) -> Tensor:
    return torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)).to(device)


@torch.inference_mode()
def turned(identity: Identity) -> HeadMotion:
    own = identity.motion
    turns = torch.stack([rotation_from_degrees(yaw, 0.0, 0.0) for yaw in (-10.0, 5.0, 10.0)])
    turns = turns.to(own.rotation)
    return own.expand(3).turned(turns)


@torch.inference_mode()
def test_batches_are_frames_one_by_one(model: RelativeTalkingHead, picture: Tensor) -> None:
    identity = model.identity(picture)
    motion = turned(identity)
    together = model.render(identity, motion)
    alone = torch.cat([model.render(identity, motion[row : row + 1]) for row in range(3)])
    assert torch.allclose(together, alone, atol=1e-4)


@torch.inference_mode()
def test_half_precision_keeps_coordinates_and_nearly_the_picture(
    model: RelativeTalkingHead, picture: Tensor, device: str
) -> None:
    dtype = torch.float16 if device == "cuda" else torch.bfloat16
    identity = model.identity(picture)
    wanted = model.render(identity, turned(identity))
    try:
        model.reduced = dtype
        half = model.identity(picture)
        found = model.render(half, turned(half))
    finally:
        model.reduced = None
    assert half.features[0].dtype == dtype
    for part in (half.canonical.points, half.motion.rotation, half.motion.expression, found):
        assert part.dtype == torch.float32
    assert float((half.motion.rotation - identity.motion.rotation).abs().max()) < 0.05
    assert float((found - wanted).abs().mean()) < 0.05


@torch.inference_mode()
def test_it_can_be_compiled(model: RelativeTalkingHead, picture: Tensor) -> None:
    identity = model.identity(picture)
    motion = turned(identity)
    compiled = torch.compile(model.render, backend="inductor" if picture.is_cuda else "eager")
    assert torch.allclose(compiled(identity, motion), model.render(identity, motion), atol=1e-4)
    torch.compiler.reset()


@pytest.mark.parametrize("family", SIZES)
@torch.inference_mode()
def test_nothing_stays_on_another_device(family: str) -> None:
    model = small(family, "meta")
    pictures = torch.empty(2, 3, SIDE, SIDE, device="meta")
    identity, drivers = model.identity(pictures[:1]), model.motion(pictures)
    moved = scaled(carry_of(model)(drivers, drivers[:1], identity.motion), identity.motion, 1.2, 1.2)
    turned = moved.turned_at_neck(torch.empty(3, 3, device="meta"))
    assert model.render(identity, turned).device.type == "meta"


@torch.inference_mode()
def test_nothing_of_what_liveportrait_does_besides_stays_on_another_device() -> None:
    model, some = small("liveportrait", "meta"), frozenset({"lips", "pose"})
    pictures = torch.empty(2, 3, SIDE, SIDE, device="meta")
    identity, drivers = model.identity(pictures[:1]), model.motion(pictures)
    own, first = identity.motion, drivers[:1]
    eyes, lips = (torch.empty(2, count, device="meta") for count in (3, 2))
    for moved in (
        relative(drivers, first, own, some),
        relative(drivers, resting(first, some), own, some),
        absolute(drivers, own, some),
        on_clip(drivers, first, drivers, some),
        opened(model, identity, drivers, eyes=eyes, lips=lips),
        drivers.with_expression(slid(drivers.expression, {"smile": 1.0})),
    ):
        assert {part.device.type for part in (moved.rotation, moved.translation, moved.expression)} == {
            "meta"
        }


@pytest.mark.parametrize(
    ("device", "wanted"), [("cpu", None), ("cuda", torch.float16), ("cuda:1", torch.float16)]
)
def test_a_gpu_computes_in_float16_as_the_origin_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str, wanted: torch.dtype | None
) -> None:
    done = bring_in("zk", [zk_file(model_of("zk"), tmp_path / "zk.pth.tar")], "zk", folder=tmp_path)
    monkeypatch.setattr(nn.Module, "to", lambda self, *_, **__: self)
    model = load_for(done.path, device)
    assert isinstance(model, RelativeTalkingHead)
    assert model.reduced == wanted
