"""Networks at their published sizes against samples of the originals' outputs, all with the formula's weights."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from facewire.networks.published.checkpoints import INSIDE
from facewire.networks.relatives.appearance import Appearance
from facewire.networks.relatives.canonical import Canonical
from facewire.networks.relatives.decoders import ResidualDecoder, SpadeDecoder
from facewire.networks.relatives.extractor import Extractor
from facewire.networks.relatives.families import FAMILIES
from facewire.networks.relatives.head import HeadEstimator, Mapping
from facewire.networks.relatives.motion_field import Pair
from facewire.networks.relatives.pose import expected_angle
from facewire.networks.relatives.warping import Warping
from facewire.networks.relatives.zk import ZkAppearance, ZkCanonical, ZkDecoder, ZkHead, ZkMotionField

Golden = Callable[[str], dict[str, Tensor]]
Fill = Callable[..., nn.Module]
PICTURE = 2e-3
"""Random decoders amplify rounding."""
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def picture(golden_file: Golden) -> Tensor:
    return golden_file("full.npz")["picture"].permute(2, 0, 1)[None].float() / 255


def sampled(found: Tensor, golden: dict[str, Tensor], name: str, most: float | None = None) -> None:
    """Require the sampled values, and the mean and spread of all."""
    flat, wanted = found.flatten(), golden[f"{name}_val"]
    size, mean, spread, _ = golden[f"{name}_stats"].tolist()
    assert flat.numel() == size
    limit = most or max(1e-4 * float(wanted.abs().max()), 5e-5)
    assert float((flat[golden[f"{name}_idx"].long()] - wanted).abs().max()) < limit
    assert float(flat.double().mean()) == pytest.approx(mean, abs=limit)
    assert float(flat.double().std(unbiased=False)) == pytest.approx(spread, abs=limit)


def pair(golden: dict[str, Tensor], driving: str, source: str) -> Pair:
    still = torch.eye(3)[None]
    return Pair(golden[driving], golden[source], still, still)


@torch.inference_mode()
def test_liveportrait(full_golden: Golden, fill_full: Fill, picture: Tensor) -> None:
    golden = full_golden("lp")
    volume = fill_full(Appearance())(picture)
    sampled(volume, golden, "F")
    for name, value in fill_full(Extractor())(picture).items():
        assert torch.allclose(value, golden[f"Ma_{name}"], atol=5e-5), name
    plane, field = fill_full(Warping())(volume, pair(golden, "kp_driving", "kp_source"))
    sampled(field.masks, golden, "W_mask")
    sampled(field.flow, golden, "W_deformation")
    sampled(field.occlusion, golden, "W_occlusion_map")
    sampled(plane, golden, "W_out")
    sampled(fill_full(SpadeDecoder())(plane), golden, "G", PICTURE)


def original(key: str) -> str:
    """Return what ZLH's generator calls a tensor of our parts."""
    name = key.removeprefix("appearance.").removeprefix("warping.")
    inside = name.removeprefix("decoder.")
    return inside if inside.startswith(tuple(INSIDE)) else name


@pytest.mark.parametrize("kind", ["spade", "original"])
@torch.inference_mode()
def test_generators_of_zlh(full_golden: Golden, fill_full: Fill, picture: Tensor, kind: str) -> None:
    """The SPADE decoder itself is LivePortrait's but for its last layer: it paints above, and both in small."""
    golden = full_golden("zlh")
    generator = nn.Module()
    generator.appearance = Appearance(kernel=3 if kind == "spade" else 7)
    generator.warping = Warping(keypoints=15)
    decoder = ResidualDecoder() if kind == "original" else None
    if decoder is not None:
        generator.decoder = decoder
    fill_full(generator, original)
    volume = generator.appearance(picture)
    sampled(volume, golden, f"{kind}_feature_3d")
    plane, field = generator.warping(volume, pair(golden, "kp_driving", "kp_source"))
    sampled(field.masks, golden, f"{kind}_mask")
    sampled(field.occlusion, golden, f"{kind}_occlusion_map")
    if decoder is not None:
        sampled(decoder(plane), golden, f"{kind}_prediction", PICTURE)


@torch.inference_mode()
def test_readers_of_zlh(full_golden: Golden, fill_full: Fill, picture: Tensor) -> None:
    golden = full_golden("zlh")
    assert torch.allclose(fill_full(Canonical())(picture), golden["kp_value"], atol=5e-5)
    out = fill_full(HeadEstimator())(picture)
    for layer, meaning in (("roll", "yaw"), ("yaw", "roll"), ("pitch", "pitch"), ("t", "t"), ("exp", "exp")):
        assert torch.allclose(out[layer], golden[f"he_{meaning}"], atol=5e-5), layer


@pytest.mark.parametrize("coefficients", [70, 73])
@torch.inference_mode()
def test_mappings_of_sadtalker(full_golden: Golden, fill_full: Fill, coefficients: int) -> None:
    golden = full_golden("zlh")
    out = fill_full(Mapping(coefficients=coefficients))(golden[f"mapping{coefficients}_in"])
    for name, value in out.items():
        assert torch.allclose(value, golden[f"mapping{coefficients}_{name}"], atol=5e-5), name


@torch.inference_mode()
def test_zk(full_golden: Golden, fill_full: Fill, picture: Tensor) -> None:
    golden = full_golden("zk")
    volume = fill_full(ZkAppearance())(picture)
    sampled(volume, golden, "fs")
    assert torch.allclose(fill_full(ZkCanonical())(picture), golden["kp"], atol=5e-5)
    out = fill_full(ZkHead())(picture)
    for name in ("yaw", "pitch", "roll"):
        assert torch.allclose(expected_angle(out[name], FAMILIES["zk"]), golden[f"A_{name}"], atol=5e-5)
    assert torch.allclose(out["exp"].view(1, 15, 3), golden["A_delta"], atol=5e-5)
    heads = Pair(golden["kp_d"], golden["kp_s"], golden["Rd"], golden["Rs"])
    field = fill_full(ZkMotionField())(volume, heads)
    sampled(field.flow, golden, "def")
    decoder = fill_full(ZkDecoder())
    sampled(decoder(volume, field.flow, field.occlusion), golden, "gen", PICTURE)
