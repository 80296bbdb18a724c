"""Every network against the original's own output on the same random weights (1e-4 of its largest value)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from facewire.networks.published.checkpoints import INSIDE
from facewire.networks.relatives.appearance import Appearance
from facewire.networks.relatives.canonical import Canonical
from facewire.networks.relatives.correction import Chain
from facewire.networks.relatives.decoders import ResidualDecoder, SpadeDecoder
from facewire.networks.relatives.extractor import Extractor
from facewire.networks.relatives.head import HeadEstimator, Mapping
from facewire.networks.relatives.model import PlanePainter
from facewire.networks.relatives.motion_field import Pair
from facewire.networks.relatives.spectral import SpectralConv2d
from facewire.networks.relatives.warping import Warping
from facewire.networks.relatives.zk import ZkAppearance, ZkCanonical, ZkDecoder, ZkHead, ZkMotionField

Golden = Callable[[str], dict[str, Tensor]]
Fill = Callable[..., nn.Module]
SMALL = {"channels": 8, "depth": 6}


def near(found: Tensor, wanted: Tensor) -> None:
    assert found.shape == wanted.shape
    assert float((found - wanted).abs().max()) < 1e-4 * float(wanted.abs().max())


def pair(golden: dict[str, Tensor]) -> Pair:
    still = torch.eye(3)[None]
    return Pair(golden["in/kp_driving"], golden["in/kp_source"], still, still)


@torch.inference_mode()
def test_appearance(network_golden: Golden, fill: Fill) -> None:
    golden = network_golden("lp_F")
    network = fill(Appearance(widths=(8, 16, 32), blocks=2, **SMALL))
    near(network(golden["in/img"]), golden["out/out"])


@torch.inference_mode()
def test_extractor(network_golden: Golden, fill: Fill) -> None:
    golden = network_golden("lp_M")
    out = fill(Extractor(keypoints=5, depths=(2, 1, 3, 1), widths=(8, 16, 24, 32)))(golden["in/img"])
    assert set(out) == {"kp", "scale", "pitch", "yaw", "roll", "t", "exp"}
    for name, value in out.items():
        assert torch.allclose(value, golden[f"out/{name}"], atol=1e-4), name


@torch.inference_mode()
def test_warping(network_golden: Golden, fill: Fill) -> None:
    golden = network_golden("lp_W")
    network = fill(Warping(plane=32, keypoints=5, compressed=2, widths=(8, 16, 16), last=4, **SMALL))
    plane, field = network(golden["in/feature_3d"], pair(golden))
    near(field.flow, golden["out/deformation"])
    near(field.occlusion, golden["out/occlusion_map"])
    near(plane, golden["out/out"])


@pytest.mark.parametrize(("name", "plane", "last", "upscale"), [("lp_G", 8, 4, 2), ("lp_G1", 4, 2, 1)])
@torch.inference_mode()
def test_spade_decoder(
    network_golden: Golden, fill: Fill, name: str, plane: int, last: int, upscale: int
) -> None:
    golden = network_golden(name)
    network = fill(SpadeDecoder(plane=plane, last=last, upscale=upscale), step=128)
    near(network(golden["in/feature"]), golden["out/out"])


@torch.inference_mode()
def test_spectral_weight_is_the_stored_estimate_not_the_largest_value() -> None:
    conv = SpectralConv2d(1, 2, 1)
    conv.weight_orig.copy_(torch.tensor((3.0, 4.0)).view(2, 1, 1, 1))
    conv.weight_u.copy_(torch.tensor((1.0, 0.0)))
    conv.weight_v.copy_(torch.tensor((1.0,)))
    assert torch.equal(conv.weight().flatten(), torch.tensor((1.0, 4 / 3)))


@pytest.mark.parametrize(
    ("name", "widths"),
    [
        ("stitching", (126, 24, 24, 12, 65)),
        ("lip", (65, 24, 24, 12, 63)),
        ("eye", (66, 24, 24, 16, 16, 12, 63)),
    ],
)
@torch.inference_mode()
def test_chains(network_golden: Golden, fill: Fill, name: str, widths: tuple[int, ...]) -> None:
    golden = network_golden(f"lp_{name}")
    near(fill(Chain(widths=widths))(golden["in/x"]), golden["out/out"])


@pytest.mark.parametrize(("name", "shrinks"), [("zlh_kp", True), ("zlh_kp_scale1", False)])
@torch.inference_mode()
def test_canonical(network_golden: Golden, fill: Fill, name: str, shrinks: bool) -> None:
    golden = network_golden(name)
    network = Canonical(keypoints=5, downs=(8, 16, 24), ups=(24, 16, 8, 4), depth=4, shrinks=shrinks)
    near(fill(network)(golden["in/img"]), golden["out/value"])


@torch.inference_mode()
def test_head_of_zlh_and_its_swapped_names(network_golden: Golden, fill: Fill) -> None:
    golden = network_golden("zlh_he")
    out = fill(HeadEstimator(keypoints=5, widths=(8, 16, 24, 32, 40)))(golden["in/img"])
    for layer, meaning in (("roll", "yaw"), ("yaw", "roll"), ("pitch", "pitch"), ("t", "t"), ("exp", "exp")):
        near(out[layer], golden[f"out/{meaning}"])


@torch.inference_mode()
def test_mapping_of_sadtalker(network_golden: Golden, fill: Fill) -> None:
    golden = network_golden("sad_mapping")
    out = fill(Mapping(coefficients=10, width=16, keypoints=5))(golden["in/coeff"])
    for name, value in out.items():
        assert torch.allclose(value, golden[f"out/{name}"], atol=1e-4), name


def original(key: str) -> str:
    """Return what ZLH's generator calls a tensor of our parts."""
    name = key.removeprefix("appearance.").removeprefix("painter.").removeprefix("warping.")
    inside = name.removeprefix("decoder.")
    return inside if inside.startswith(tuple(INSIDE)) else name


class Generator(nn.Module):
    """ZLH's generator as our parts."""

    def __init__(self, decoder: SpadeDecoder | ResidualDecoder, base: int, kernel: int, floor: float) -> None:
        super().__init__()
        self.appearance = Appearance(
            widths=(base, 2 * base, 4 * base), channels=8, depth=6, blocks=2, kernel=kernel
        )
        warping = Warping(
            **SMALL, plane=4 * base, keypoints=5, compressed=2, widths=(8, 16, 16), last=4, floor=floor
        )
        self.painter = PlanePainter(warping, decoder)

    def forward(self, golden: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        picture, field = self.painter(self.appearance(golden["in/source_image"]), pair(golden))
        return picture, field.masks


@pytest.mark.parametrize(("name", "floor"), [("zlh_gen_spade", 0.0), ("sad_gen_spade", 1e-3)])
@torch.inference_mode()
def test_spade_generator_and_the_mask_floor(
    network_golden: Golden, fill: Fill, name: str, floor: float
) -> None:
    given, golden = network_golden("zlh_gen_spade"), network_golden(name)
    decoder = SpadeDecoder(plane=8, last=4, upscale=1)
    picture, masks = fill(Generator(decoder, 2, 3, floor), step=128, original=original)(given)
    near(masks[: len(golden["out/mask"])], golden["out/mask"])
    near(picture, golden["out/prediction"])


@torch.inference_mode()
def test_mask_floor_changes_the_picture(network_golden: Golden) -> None:
    plain, cut = (network_golden(name)["out/prediction"] for name in ("zlh_gen_spade", "sad_gen_spade"))
    assert float((plain - cut).abs().max()) > 1e-3


@torch.inference_mode()
def test_residual_generator_and_its_wide_first_kernel(network_golden: Golden, fill: Fill) -> None:
    golden = network_golden("zlh_gen_original")
    network = Generator(ResidualDecoder(widths=(32, 16, 8), blocks=2), 8, 7, 0.0)
    picture, masks = fill(network, original=original)(golden)
    near(masks[: len(golden["out/mask"])], golden["out/mask"])
    near(picture, golden["out/prediction"])


@torch.inference_mode()
def test_zk_appearance(network_golden: Golden, fill: Fill) -> None:
    golden = network_golden("zk_afe")
    near(fill(ZkAppearance(widths=(8, 16, 32), blocks=2, **SMALL))(golden["in/x"]), golden["out/out"])


@torch.inference_mode()
def test_zk_canonical(network_golden: Golden, fill: Fill) -> None:
    golden = network_golden("zk_ckd")
    network = fill(ZkCanonical(keypoints=5, downs=(3, 8, 16, 24), ups=(24, 16, 12, 8), depth=4))
    near(network(golden["in/x"]), golden["out/kp"])


@torch.inference_mode()
def test_zk_head(network_golden: Golden, fill: Fill) -> None:
    from facewire.networks.relatives.families import FAMILIES
    from facewire.networks.relatives.pose import expected_angle

    golden = network_golden("zk_hpe_ede")
    network = fill(ZkHead(keypoints=5, widths=(8, 16, 24, 32, 40), repeats=(2, 2, 3, 2)))
    out = network(golden["in/x"])
    for name in ("yaw", "pitch", "roll"):
        assert torch.allclose(expected_angle(out[name], FAMILIES["zk"]), golden[f"out/{name}"], atol=1e-5)
    near(out["t"], golden["out/t"])
    near(out["exp"].view(-1, 5, 3), golden["out/delta"])


@torch.inference_mode()
def test_zk_field_turns_with_the_heads(network_golden: Golden, fill: Fill) -> None:
    golden = network_golden("zk_mfe")
    network = fill(ZkMotionField(keypoints=5, compressed=2, downs=(8, 16, 16), ups=(16, 16, 8, 4), **SMALL))
    heads = Pair(golden["in/kp_d"], golden["in/kp_s"], golden["in/Rd"], golden["in/Rs"])
    field = network(golden["in/fs"], heads)
    near(field.flow, golden["out/deformation"])
    near(field.occlusion, golden["out/occlusion"])


@torch.inference_mode()
def test_zk_decoder(network_golden: Golden, fill: Fill) -> None:
    golden = network_golden("zk_generator")
    network = fill(ZkDecoder(widths=(32, 16, 8), blocks=2, **SMALL))
    near(network(golden["in/fs"], golden["in/deformation"], golden["in/occlusion"]), golden["out/out"])
