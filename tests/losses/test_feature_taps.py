"""Frozen networks: file layouts, hashes, taps; the stand-ins only where their files are (FACEWIRE_NETS)."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from facewire.base.errors import HashMismatch, SchemaMismatch, ShapeError, WeightsError
from facewire.losses import feature_taps
from facewire.losses.feature_taps import (
    DistilledVgg19,
    FeatureTaps,
    JoinedTaps,
    ShallowVgg19,
    Vgg19,
    VggFace,
    pad_with_zeros,
)
from facewire.networks.tensor_files import read_pickle, read_safetensors

VGG19_LAYERS = {0: (3, 64), 2: (64, 64), 5: (64, 128), 7: (128, 128), 10: (128, 256)}
VGG19_LAYERS |= {12: (256, 256), 14: (256, 256), 16: (256, 256), 19: (256, 512)}
VGG19_LAYERS |= {21: (512, 512), 23: (512, 512), 25: (512, 512), 28: (512, 512)}
"""Position in torchvision's `features` and channels, up to conv5_1, from its published layout."""

DISTILLED_LAYERS = {
    "conv0": (3, 3, 1),
    "conv11": (3, 16, 3),
    "conv12": (16, 16, 3),
    "conv11_aux": (16, 64, 1),
}
DISTILLED_LAYERS |= {"conv21": (16, 32, 3), "conv22": (32, 32, 3), "conv31": (32, 64, 3)}
DISTILLED_LAYERS |= {f"conv3{i}": (64, 64, 3) for i in (2, 3, 4)} | {"conv41": (64, 128, 3)}
DISTILLED_LAYERS |= {f"conv4{i}": (128, 128, 3) for i in (2, 3, 4)} | {"conv51": (128, 128, 3)}

Draw = Callable[[int, int, int], Tensor]


def _draw() -> Draw:
    generator = torch.Generator().manual_seed(0)

    def draw(outputs: int, inputs: int, kernel: int) -> Tensor:
        gain = math.sqrt(2 / (inputs * kernel * kernel))
        return gain * torch.randn(outputs, inputs, kernel, kernel, generator=generator)

    return draw


@cache
def _vgg19_tensors() -> dict[str, Tensor]:
    draw, tensors = _draw(), {}
    for position, (inputs, outputs) in VGG19_LAYERS.items():
        tensors[f"features.{position}.weight"] = draw(outputs, inputs, 3)
        tensors[f"features.{position}.bias"] = torch.full((outputs,), 0.01 * position)
    return tensors


@cache
def _distilled_tensors() -> dict[str, Tensor]:
    draw, tensors = _draw(), {}
    for name, (inputs, outputs, kernel) in DISTILLED_LAYERS.items():
        tensors[f"{name}.weight"] = draw(outputs, inputs, kernel)
        tensors[f"{name}.bias"] = torch.linspace(-0.1, 0.1, outputs)
    return tensors


@cache
def _vgg_face_tensors() -> dict[str, Tensor]:
    draw, tensors = _draw(), {}
    blocks = ((2, 3, 64), (2, 64, 128), (3, 128, 256), (3, 256, 512), (3, 512, 512))
    for block, (count, inputs, outputs) in enumerate(blocks, start=1):
        for index in range(1, count + 1):
            tensors[f"conv{block}_{index}.weight"] = draw(outputs, inputs if index == 1 else outputs, 3)
            tensors[f"conv{block}_{index}.bias"] = torch.zeros(outputs)
    return tensors


def _torchvision_reference(image: Tensor) -> list[Tensor]:
    """Run VGG-19 the way torchvision lays it out, and pick relu1_1 .. relu5_1."""
    tensors, x, found = _vgg19_tensors(), image, []
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = (x - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    pools = (4, 9, 18, 27)
    for position in range(29):
        if position in VGG19_LAYERS:
            weight, bias = tensors[f"features.{position}.weight"], tensors[f"features.{position}.bias"]
            x = F.relu(F.conv2d(x, weight, bias, padding=1))
            if position in (0, 5, 10, 19, 28):
                found.append(x)
        elif position in pools:
            x = F.max_pool2d(x, 2)
    return found


def _all(path: Path) -> list[FeatureTaps]:
    shallow = ShallowVgg19(_vgg19_tensors(), path)
    distilled = DistilledVgg19(_distilled_tensors(), path)
    return [
        Vgg19(_vgg19_tensors(), path),
        VggFace(_vgg_face_tensors(), path),
        shallow,
        distilled,
        JoinedTaps(shallow, distilled),
    ]


@torch.no_grad()
def test_vgg19_is_torchvision_s() -> None:
    image = torch.rand(2, 3, 32, 48, generator=torch.Generator().manual_seed(1))
    found = Vgg19(_vgg19_tensors(), Path("w"))(image)
    for a, b in zip(found, _torchvision_reference(image), strict=True):
        torch.testing.assert_close(a, b)
    assert [tap.shape[1:] for tap in found] == [
        (64, 32, 48),
        (128, 16, 24),
        (256, 8, 12),
        (512, 4, 6),
        (512, 2, 3),
    ]


@torch.no_grad()
def test_the_shallow_stand_in_is_the_first_part_of_it() -> None:
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    whole, part = Vgg19(_vgg19_tensors(), Path("w"))(image), ShallowVgg19(_vgg19_tensors(), Path("w"))(image)
    assert len(part) == 3
    assert all(torch.equal(a, b) for a, b in zip(whole, part, strict=False))


@torch.no_grad()
def test_folding_the_colour_transform_changes_nothing() -> None:
    tensors = _distilled_tensors()
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    x = F.conv2d(image, tensors["conv0.weight"], tensors["conv0.bias"])
    x = F.pad(x, (1, 1, 1, 1), mode="reflect")
    x = F.relu(F.conv2d(x, tensors["conv11.weight"], tensors["conv11.bias"]))
    torch.testing.assert_close(DistilledVgg19(tensors, Path("w"))(image)[0], x, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_zeros_instead_of_mirrored_borders_change_the_border_alone() -> None:
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    taps = DistilledVgg19(_distilled_tensors(), Path("w"))
    mirrored = taps(image)
    pad_with_zeros(taps)
    found = taps(image)
    assert torch.equal(found[0][..., 1:-1, 1:-1], mirrored[0][..., 1:-1, 1:-1])  # one convolution away
    assert not torch.equal(found[0][..., 0, :], mirrored[0][..., 0, :])
    own = taps.trunk.state_dict()
    first = F.conv2d(image, own["conv11.weight"], own["conv11.bias"], padding=1)
    torch.testing.assert_close(found[0], F.relu(first))
    assert torch.equal(found[1][..., 2:-2, 2:-2], mirrored[1][..., 2:-2, 2:-2])


@torch.no_grad()
def test_vgg19_has_zeros_anyway() -> None:
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    taps = Vgg19(_vgg19_tensors(), Path("w"))
    before = taps(image)
    pad_with_zeros(taps)
    assert all(torch.equal(a, b) for a, b in zip(before, taps(image), strict=True))


@torch.no_grad()
def test_the_face_network_sees_its_own_range() -> None:
    taps = VggFace(_vgg_face_tensors(), Path("w"))
    mean = torch.tensor([129.19, 104.76, 93.59]).view(1, 3, 1, 1) / 255
    assert taps(mean.expand(1, 3, 32, 32))[0].abs().max() < 1e-3  # the mean picture becomes 0, biases are 0
    assert [tap.shape[1] for tap in taps(torch.rand(1, 3, 32, 32))] == [64, 128, 256, 512, 512]


def test_all_are_frozen_and_named() -> None:
    names = set()
    for taps in _all(Path("w")):
        assert isinstance(taps, nn.Module)
        assert not [name for name, p in taps.named_parameters() if p.requires_grad]
        names.add(taps.name)
    assert len(names) == 5
    assert len([name for name in names if name.endswith("stand-in")]) == 3


def test_a_missing_or_misshapen_tensor_is_refused() -> None:
    tensors = dict(_vgg19_tensors())
    del tensors["features.28.bias"]
    with pytest.raises(SchemaMismatch, match="1 missing"):
        Vgg19(tensors, Path("w"))
    tensors = dict(_distilled_tensors()) | {"conv51.bias": torch.zeros(3)}
    with pytest.raises(SchemaMismatch, match="1 of another shape"):
        DistilledVgg19(tensors, Path("w"))
    tensors = {name: t for name, t in _distilled_tensors().items() if not name.startswith("conv0")}
    DistilledVgg19(tensors, Path("w"))  # folded before


def test_pictures_too_small_for_the_distilled_net_are_refused() -> None:
    with pytest.raises(ShapeError, match="32"):
        DistilledVgg19(_distilled_tensors(), Path("w"))(torch.rand(1, 3, 16, 64))


@pytest.mark.slow
def test_files_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pickle, face, safe = tmp_path / "vgg19.pth", tmp_path / "face.pth", tmp_path / "d.safetensors"
    torch.save(_vgg19_tensors(), pickle)
    torch.save(_vgg_face_tensors(), face)
    save_file({name: tensor.half() for name, tensor in _distilled_tensors().items()}, safe)
    digest = hashlib.sha256(pickle.read_bytes()).hexdigest()
    monkeypatch.setattr(feature_taps, "VGG19_SHA256_PREFIX", digest[:8])
    image = torch.rand(1, 3, 32, 32)
    assert torch.equal(Vgg19.load(pickle)(image)[4], Vgg19(_vgg19_tensors(), pickle)(image)[4])
    assert VggFace.load(face).name == "vgg-face"
    assert DistilledVgg19.load(safe)(image)[0].dtype == torch.float32


def test_wrong_files_are_named(tmp_path: Path) -> None:
    pickle = tmp_path / "vgg19-dcbb9e9d.pth"
    with pytest.raises(WeightsError, match=r"download\.pytorch\.org"):
        Vgg19.load(pickle)
    torch.save(_vgg19_tensors(), pickle)
    with pytest.raises(HashMismatch, match="dcbb9e9d"):
        Vgg19.load(pickle)
    pickle.write_bytes(b"not a file of tensors")
    with pytest.raises(WeightsError, match="not a file of tensors"):
        read_pickle(pickle)
    torch.save([1, 2], pickle)
    with pytest.raises(WeightsError, match="named tensors"):
        read_pickle(pickle)
    with pytest.raises(WeightsError, match="safetensors"):
        read_safetensors(pickle)


def test_a_file_cannot_run_code(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    torch.save({"features.0.weight": Trap()}, tmp_path / "trap.pth")
    with pytest.raises(WeightsError):
        read_pickle(tmp_path / "trap.pth")
    assert not (tmp_path / "sprung").exists()


def _nets() -> Path:
    folder = os.environ.get("FACEWIRE_NETS")
    if not folder:
        pytest.skip("set FACEWIRE_NETS to the folder of the stand-in networks")
    return Path(folder)


@torch.no_grad()
def test_the_real_stand_ins_see_alike() -> None:
    """Blur hurts more and more, in both nets; their taps have about the stored means on a smooth picture."""
    shallow = ShallowVgg19.load(_nets() / "vgg19_tv_conv1_1-conv3_1_fp16.safetensors")
    distilled = DistilledVgg19.load(_nets() / "vgg19_se16x_wct_fp16.safetensors")
    noise = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    picture = F.interpolate(noise[..., :16, :16], (128, 128), mode="bicubic").clamp(0, 1)
    taps = JoinedTaps(shallow, distilled)
    sharp, distances = taps(picture), []
    for size in (3, 7, 15):
        blurred = taps(F.avg_pool2d(picture, size, stride=1, padding=size // 2))
        distances.append([(a - b).abs().mean().item() for a, b in zip(sharp, blurred, strict=True)])
    for tap in zip(*distances, strict=True):
        assert list(tap) == sorted(tap)
    for tap, usual in zip(sharp, taps.divisors, strict=True):
        assert usual / 3 < tap.mean().item() < usual * 3
