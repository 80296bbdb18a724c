"""Regions, stitching, eyes and lips of LivePortrait against the original's loop."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from facewire.base.errors import ConfigError
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints
from facewire.networks.relatives.correction import Chain, retargeted, stitched
from facewire.networks.relatives.families import FAMILIES
from facewire.networks.relatives.model import RelativeTalkingHead
from facewire.networks.relatives.portrait import REGIONS, Portrait, in_region, portrait_points
from facewire.networks.relatives.pose import carried_over, expected_angle, placed, rotation
from facewire.networks.types import Identity

Golden = Callable[[str], dict[str, Tensor]]
FAMILY = FAMILIES["liveportrait"]
DRIVERS = (30, 31, 32, 33, 34)
WIDTHS = {
    "stitching": (126, 24, 24, 12, 65),
    "lip": (65, 24, 24, 12, 63),
    "eye": (66, 24, 24, 16, 16, 12, 63),
}


@pytest.fixture(scope="module")
def golden(motion_golden: Golden) -> dict[str, Tensor]:
    return motion_golden("lp_motion")


def read(golden: dict[str, Tensor], frame: int) -> HeadMotion:
    raw = {name: golden[f"raw/{frame}/{name}"] for name in ("pitch", "yaw", "roll", "exp", "t", "scale")}
    angles = {name: expected_angle(raw[name], FAMILY) for name in ("pitch", "yaw", "roll")}
    translation = torch.cat((raw["t"][:, :2], -raw["scale"].log()), dim=1)
    return HeadMotion(rotation(FAMILY.turns, angles), translation, raw["exp"].view(1, 21, 3))


def network(golden: dict[str, Tensor], name: str) -> nn.Module:
    chain = Chain(widths=WIDTHS[name])
    prefix = f"w/{name}."
    chain.load_state_dict({key.removeprefix(prefix): golden[key] for key in golden if key.startswith(prefix)})
    return chain.eval()


def identity(golden: dict[str, Tensor]) -> Identity:
    points = CanonicalKeypoints(golden["raw/10/kp"].view(1, 21, 3))
    return Identity((torch.zeros(1, 1),), points, read(golden, 10))


def moved(golden: dict[str, Tensor]) -> HeadMotion:
    drivers = HeadMotion.cat([read(golden, frame) for frame in DRIVERS])
    return carried_over(drivers, drivers[:1], read(golden, 10), FAMILY)


def model(golden: dict[str, Tensor]) -> RelativeTalkingHead:
    nothing = nn.Identity()
    return RelativeTalkingHead(
        FAMILY,
        appearance=nothing,
        head=nothing,
        painter=nothing,  # type: ignore[arg-type]
        corrections={name: network(golden, name) for name in WIDTHS},
    )


@pytest.mark.parametrize("region", REGIONS)
def test_regions(golden: dict[str, Tensor], region: str) -> None:
    motion = in_region(moved(golden), read(golden, 10), region)
    found = placed(golden["raw/10/kp"].view(1, 21, 3).expand(5, 21, 3), motion, FAMILY)
    assert torch.allclose(found, golden[f"case/rel_{region}/x_d"], atol=5e-6)


def test_unknown_regions_are_refused(golden: dict[str, Tensor]) -> None:
    with pytest.raises(ConfigError, match="lip"):
        in_region(moved(golden), read(golden, 10), "nose")


@torch.inference_mode()
def test_stitching(golden: dict[str, Tensor]) -> None:
    source, driving = golden["pieces/stitch_x_s"], golden["pieces/stitch_x_d"]
    found = stitched(network(golden, "stitching"), source, driving)
    assert torch.allclose(found, golden["pieces/stitch_result"], atol=1e-6)


@pytest.mark.parametrize("name", ["eye", "lip"])
@torch.inference_mode()
def test_eyes_and_lips(golden: dict[str, Tensor], name: str) -> None:
    ratios = golden[f"pieces/{name}_ratio_src"]
    found = retargeted(network(golden, name), golden["pieces/stitch_x_s"], ratios)
    assert torch.allclose(found, golden[f"pieces/{name}_delta"], atol=1e-6)


@torch.inference_mode()
def test_the_stitched_loop(golden: dict[str, Tensor]) -> None:
    found = portrait_points(model(golden), identity(golden), moved(golden), Portrait())
    assert torch.allclose(found, golden["case/rel_all_stitch/x_d"], atol=1e-5)


@torch.inference_mode()
def test_retargeting_keeps_all_other_motion(golden: dict[str, Tensor]) -> None:
    """The original drops the driven motion here; ours adds to it."""
    head, own, motion = model(golden), identity(golden), moved(golden)
    plain = portrait_points(head, own, motion, Portrait(stitch=False))
    ratios = golden["pieces/lip_ratio_src"].expand(5, 2)
    opened = portrait_points(head, own, motion, Portrait(stitch=False, lips=ratios))
    source = head.points(own, own.motion)
    assert torch.allclose(opened - plain, retargeted(head.corrections["lip"], source, ratios[:1]), atol=1e-6)
    assert float((plain - plain[:1]).abs().max()) > 1e-3


@torch.inference_mode()
def test_strength_is_a_share_of_the_motion(golden: dict[str, Tensor]) -> None:
    head, own, motion = model(golden), identity(golden), moved(golden)
    still = portrait_points(head, own, motion, Portrait(stitch=False, strength=0.0))
    assert torch.allclose(still, head.points(own, own.motion).expand_as(still))


def test_what_was_not_imported_is_named(golden: dict[str, Tensor]) -> None:
    head = model(golden)
    del head.corrections["stitching"]
    with pytest.raises(ConfigError, match="stitching_retargeting_module"):
        portrait_points(head, identity(golden), moved(golden), Portrait())
