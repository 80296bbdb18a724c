"""LivePortrait from picture to picture with small networks, against the original's whole run."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.small_families import liveportrait_files
from torch import Tensor, nn

from facewire.geometry.head_motion import HeadMotion
from facewire.networks.published.checkpoints import recognise
from facewire.networks.published.files import read
from facewire.networks.published.shapes import sizes
from facewire.networks.relatives.appearance import Appearance
from facewire.networks.relatives.correction import Chain
from facewire.networks.relatives.liveportrait.transfer import absolute, relative
from facewire.networks.relatives.model import PlanePainter, RelativeTalkingHead, build
from facewire.networks.types import Identity

from .conftest import FOLDER, Recipe, filled

ALL = frozenset({"all"})
VOLUME = {"channels": 8, "depth": 6}
SIZES: dict[str, dict[str, Any]] = {
    "appearance": {"widths": [2, 4, 8], "blocks": 2, **VOLUME},
    "head": {"keypoints": 21, "depths": [1, 1, 2, 1], "widths": [8, 16, 24, 32]},
    "warping": {"plane": 8, "keypoints": 21, "compressed": 2, "widths": [8, 16, 16, 16, 16], "last": 4, **VOLUME},
    "decoder": {"plane": 8, "last": 4, "upscale": 2},
    "stitching": {"widths": [126, 24, 24, 12, 65]},
    "lip": {"widths": [65, 24, 24, 12, 63]},
    "eye": {"widths": [66, 24, 24, 16, 16, 12, 63]},
}  # fmt: skip
LAST = {"stitching": 6, "lip": 6, "eye": 10}
"""Place of the last layer of each chain, whose numbers are small."""


@pytest.fixture(scope="module")
def numbers() -> dict[str, Any]:
    with np.load(FOLDER / "pipeline.npz") as held:
        return {key: np.array(held[key]) for key in held.files}


@pytest.fixture
def stand_in() -> RelativeTalkingHead:
    """Return networks with the numbers of golden/networks.npz where that has any."""
    made = build({"family": "liveportrait", "sizes": SIZES})
    made.appearance = filled(Appearance(widths=(8, 16, 32), blocks=2, channels=8, depth=6))
    for network in made.corrections.values():
        filled(network)
    return made


@pytest.fixture(scope="module")
def model(numbers: dict[str, Any]) -> RelativeTalkingHead:
    meta = json.loads(str(numbers["meta"]))
    made = build({"family": "liveportrait", "sizes": SIZES})
    painter = made.painter
    assert isinstance(painter, PlanePainter)
    networks = dict[str, nn.Module](F=made.appearance, M=made.head, W=painter.warping, G=painter.decoder)
    networks.update(made.corrections)
    for name, network in networks.items():
        factors = dict(meta["extra_factor_M"]) if name == "M" else {}
        if name in LAST:
            last, small = f"mlp.{LAST[name]}", meta["extra_factor_mlps_last_weight_and_bias"]
            factors = dict.fromkeys((f"{last}.weight", f"{last}.bias"), small)
        filled(network, recipe=Recipe(seed=21, step=None, powers=3, factors=factors))
    with torch.no_grad():
        made.head.get_parameter("detector.fc_scale.bias").fill_(meta["set_value"]["detector.fc_scale.bias"])
    return made.eval()


def picture(pixels: Any) -> Tensor:
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255


def near(found: Tensor, wanted: Any, most: float) -> None:
    assert float((found - torch.from_numpy(wanted)).abs().max()) < most


@pytest.fixture(scope="module")
@torch.inference_mode()
def source(model: RelativeTalkingHead, numbers: dict[str, Any]) -> Identity:
    return model.identity(picture(numbers["crop"]))


@pytest.fixture(scope="module")
@torch.inference_mode()
def drivers(model: RelativeTalkingHead, numbers: dict[str, Any]) -> HeadMotion:
    return HeadMotion.cat([model.motion(picture(frame)) for frame in numbers["drivers"]])


def test_what_is_read(
    source: Identity, drivers: HeadMotion, model: RelativeTalkingHead, numbers: dict[str, Any]
) -> None:
    near(source.canonical.points.flatten(1), numbers["default/M_source_kp"], 1e-5)
    near(source.motion.expression.flatten(1), numbers["default/M_source_exp"], 1e-5)
    near(drivers.rotation.transpose(-1, -2), numbers["default/M_drv_R"], 1e-5)
    near(drivers.expression, numbers["default/M_drv_exp"], 1e-5)
    near((-drivers.translation[:, 2:]).exp(), numbers["default/M_drv_scale"], 1e-5)
    near(model.points(source, source.motion), numbers["default/x_s"], 1e-5)


def lips_closed(model: RelativeTalkingHead, source: Identity, landmarks: Any) -> Tensor:
    """Return what the original adds after stitching where a photo's lips are open."""
    apart = np.linalg.norm(landmarks[90] - landmarks[102]) / np.linalg.norm(landmarks[48] - landmarks[66])
    assert apart > 0.03
    ratios = torch.tensor([[apart, 0.0]], dtype=torch.float32)
    added: Tensor = model.corrections["lip"](model.points(source, source.motion), ratios)
    return added.view(1, 21, 3)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["default", "absolute_nolip"])
@torch.inference_mode()
def test_pictures(
    model: RelativeTalkingHead, source: Identity, drivers: HeadMotion, numbers: dict[str, Any], case: str
) -> None:
    if case == "default":
        moved = relative(drivers, drivers[:1], source.motion, ALL)
    else:
        moved = absolute(drivers, source.motion, ALL)
    points = model.driven(source, moved)
    if case == "default":
        points = points + lips_closed(model, source, numbers["landmarks"])
    near(points, numbers[f"{case}/x_d"], 2e-5)
    found = model.render_points(source.expand(3), points, moved.rotation)
    assert found.shape == (3, 3, 512, 512)
    near(found[:, :, ::8, ::8], numbers[f"{case}/out_f32_stride8"], 1e-3)


TRUE = os.environ.get("FACEWIRE_LIVEPORTRAIT")
needs_weights = pytest.mark.skipif(
    TRUE is None, reason="LivePortrait's weights are not carried: set FACEWIRE_LIVEPORTRAIT to their folder"
)
Golden = Callable[[str], dict[str, Tensor]]


def parts_in(folder: Path) -> dict[str, dict[str, Tensor]]:
    """Return the networks of published files."""
    found: dict[str, dict[str, Tensor]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".pth", ".safetensors"):
            found |= recognise(read(path), path.name).parts
    return found


def appearance_in(folder: Path) -> nn.Module:
    tensors = parts_in(folder)["appearance"]
    network = Appearance(**sizes({"appearance": tensors}, "liveportrait")["appearance"])
    network.load_state_dict(tensors)
    return network.eval()


def chain_in(folder: Path, name: str) -> nn.Module:
    tensors = parts_in(folder)[name]
    network = Chain(**sizes({name: tensors}, "liveportrait")[name])
    network.load_state_dict(tensors)
    return network.eval()


@needs_weights
@torch.inference_mode()
def test_true_appearance(golden_file: Golden) -> None:
    golden = golden_file("true.npz")
    picture = golden_file("full.npz")["picture"].permute(2, 0, 1)[None].float() / 255
    volume = appearance_in(Path(str(TRUE)))(picture)
    wanted = golden["F/val"]
    most = 1e-4 * float(wanted.abs().max())
    assert float((volume.flatten()[golden["F/idx"].long()] - wanted).abs().max()) < most
    assert float((volume[0].mean(dim=(1, 2, 3)) - golden["F/ch_mean"]).abs().max()) < most
    assert float((volume[0].mean(dim=(0, 2, 3)) - golden["F/depth_mean"]).abs().max()) < most


@needs_weights
@pytest.mark.parametrize("name", ["stitching", "lip", "eye"])
@torch.inference_mode()
def test_true_chains(golden_file: Golden, name: str) -> None:
    golden = golden_file("true.npz")
    found = chain_in(Path(str(TRUE)), name)(golden[f"{name}/x"])
    assert torch.allclose(found, golden[f"{name}/y"], atol=1e-6)


@pytest.mark.parametrize("packing", ["official", "safetensors"])
@torch.inference_mode()
def test_files_of_the_published_packings_go_the_way_of_the_true_ones(
    network_golden: Golden, stand_in: RelativeTalkingHead, tmp_path: Path, packing: str
) -> None:
    """The same steps on stand-ins: the original's numbers come out of files, too."""
    folder = liveportrait_files(stand_in, tmp_path / "lp", packing)
    golden = network_golden("lp_F")
    assert torch.allclose(appearance_in(folder)(golden["in/img"]), golden["out/out"], atol=1e-4)
    for name in ("stitching", "lip", "eye"):
        golden = network_golden(f"lp_{name}")
        assert torch.allclose(chain_in(folder, name)(golden["in/x"]), golden["out/out"], atol=1e-5)
