"""Frozen picture networks whose inner layers the perceptual loss compares.

    class           name in the log                        taps                  weights
    Vgg19           vgg19                                  relu1_1 .. relu5_1    vgg19-dcbb9e9d.pth
    VggFace         vgg-face                               relu1_1 .. relu5_1    vgg_face_dag.pth
    DistilledVgg19  vgg19-distilled-stand-in               relu1_1 .. relu5_1    safetensors, 1.9 MB
    ShallowVgg19    vgg19-shallow-stand-in                 relu1_1 .. relu3_1    safetensors, 1.1 MB
    JoinedTaps      vgg19-shallow-and-distilled-stand-in   relu1_1 .. relu5_1    both of these

The stand-ins exist for machines that cannot get the real VGG-19: 16 times smaller, and distances in their
features rank distortions nearly as VGG's do. A loss made with one carries the stand-in's name.

All of them are frozen, hold nothing that depends on train/eval mode, keep channels_last layouts and run under
bf16 autocast. Knows nothing about weights of terms or picture scales: see perceptual.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facewire.base.errors import ShapeError
from facewire.networks.tensor_files import read_checked, read_pickle, read_safetensors
from facewire.networks.weights import fill

VGG19_URL = "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"
"""Where torchvision publishes VGG-19, ImageNet1K_V1; nothing here downloads it."""
VGG19_SHA256_PREFIX = "dcbb9e9d"
"""The first digits of that file's SHA-256, as torchvision publishes them in its name."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Per-channel statistics of RGB in [0, 1] that VGG-19 was trained with."""

VGG_FACE_MEAN = (129.19, 104.76, 93.59)
"""Per-channel RGB mean on the 0..255 scale that VGG-Face was trained with (spec section 4, term 1)."""


class FeatureTaps(Protocol):
    """What the perceptual loss needs from a frozen network."""

    @property
    def name(self) -> str:
        """Which network it is, for logs and reports."""

    @property
    def divisors(self) -> tuple[float, ...]:
        """What the loss divides each tap's distance by: 1 for VGG-19, the tap's usual mean for stand-ins."""

    def __call__(self, image: Tensor) -> list[Tensor]:
        """Return features (B, C_i, H_i, W_i), shallow to deep, of RGB images (B, 3, H, W) in [0, 1]."""


def pad_with_zeros(taps: FeatureTaps) -> None:
    """Let a network's convolutions see zeros outside the picture, whatever it was trained with.

    Mirrored borders are a copy of every activation. Features change within a few cells of the border, for both
    pictures of a comparison alike.
    """
    if isinstance(taps, nn.Module):
        for module in taps.modules():
            if isinstance(module, nn.Conv2d):
                module.padding_mode = "zeros"


def _freeze(module: nn.Module) -> None:
    module.requires_grad_(False)
    module.eval()


class _VggTrunk(nn.ModuleDict):
    """Convolutions named block_index: 3x3, ReLU after each, 2x2 max pool between blocks."""

    def __init__(
        self, blocks: tuple[tuple[int, int], ...], padding_mode: Literal["zeros", "reflect"]
    ) -> None:
        """Build `blocks` of (number of convolutions, channels) on 3-channel input."""
        super().__init__()
        inputs = 3
        for block, (count, width) in enumerate(blocks, start=1):
            for index in range(1, count + 1):
                self[f"conv{block}{index}"] = nn.Conv2d(
                    inputs, width, 3, padding=1, padding_mode=padding_mode
                )
                inputs = width

    def taps(self, x: Tensor) -> list[Tensor]:
        """Return the first activation of every block."""
        found: list[Tensor] = []
        for name, conv in self.items():
            first_of_block = name.endswith("1")
            if first_of_block and found:
                x = F.max_pool2d(x, 2)
            x = F.relu(conv(x))
            if first_of_block:
                found.append(x)
        return found


class _Normalise(nn.Module):
    """(image * scale - mean) / std per channel."""

    scale: float
    mean: Tensor
    std: Tensor

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...], scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        return (image * self.scale - self.mean) / self.std


def _torchvision_names(blocks: tuple[tuple[int, int], ...]) -> dict[str, str]:
    """Return {name in torchvision's `features` list: name in _VggTrunk}."""
    names, position = {}, 0
    for block, (count, _) in enumerate(blocks, start=1):
        for index in range(1, count + 1):
            for part in ("weight", "bias"):
                names[f"features.{position}.{part}"] = f"conv{block}{index}.{part}"
            position += 2  # convolution, ReLU
        position += 1  # max pool
    return names


def _renamed(tensors: Mapping[str, Tensor], names: Mapping[str, str]) -> dict[str, Tensor]:
    """Return the tensors that `names` knows, under their new names."""
    return {new: tensors[old] for old, new in names.items() if old in tensors}


class Vgg19(nn.Module):
    """Relu1_1, 2_1, 3_1, 4_1, 5_1 of VGG-19 (spec section 4, term 1).

    tap        1       2       3       4       5
    channels   64      128     256     512     512
    raster     H       H/2     H/4     H/8     H/16
    """

    name = "vgg19"
    divisors = (1.0, 1.0, 1.0, 1.0, 1.0)
    BLOCKS = ((2, 64), (2, 128), (4, 256), (4, 512), (1, 512))

    def __init__(self, tensors: Mapping[str, Tensor], path: Path) -> None:
        """Take torchvision's tensors `features.N.weight` and `.bias`; deeper layers are ignored.

        Raises:
            SchemaMismatch: a needed tensor is missing or has another shape.
        """
        super().__init__()
        self.normalise = _Normalise(IMAGENET_MEAN, IMAGENET_STD)
        self.trunk = _VggTrunk(self.BLOCKS, "zeros")
        fill(self.trunk, _renamed(tensors, _torchvision_names(self.BLOCKS)), path)
        _freeze(self)

    @classmethod
    def load(cls, path: Path) -> Vgg19:
        """Read torchvision's pickle after checking the published hash, without running any code in it."""
        return cls(read_checked(path, VGG19_SHA256_PREFIX, VGG19_URL), path)

    def forward(self, image: Tensor) -> list[Tensor]:
        return self.trunk.taps(self.normalise(image))


class VggFace(nn.Module):
    """Relu1_1, 2_1, 3_1, 4_1, 5_1 of VGG-Face (Parkhi et al. 2015), a VGG-16 that tells 2622 people apart.

    Widths and rasters as `Vgg19`. Distances are divided by 255, the range of the pictures it was trained on.
    """

    name = "vgg-face"
    divisors = (255.0, 255.0, 255.0, 255.0, 255.0)
    BLOCKS = ((2, 64), (2, 128), (3, 256), (3, 512), (1, 512))

    def __init__(self, tensors: Mapping[str, Tensor], path: Path) -> None:
        """Take tensors `conv1_1.weight` .. `conv5_1.bias`; deeper layers are ignored.

        Raises:
            SchemaMismatch: a needed tensor is missing or has another shape.
        """
        super().__init__()
        self.normalise = _Normalise(VGG_FACE_MEAN, (1.0, 1.0, 1.0), scale=255.0)
        self.trunk = _VggTrunk(self.BLOCKS, "zeros")
        names = {_underscored(own): own for own in self.trunk.state_dict()}
        fill(self.trunk, _renamed(tensors, names), path)
        _freeze(self)

    @classmethod
    def load(cls, path: Path) -> VggFace:
        """Read a PyTorch file of named tensors, without running any code in it."""
        return cls(read_pickle(path), path)

    def forward(self, image: Tensor) -> list[Tensor]:
        return self.trunk.taps(self.normalise(image))


def _underscored(name: str) -> str:
    """Return VGG-Face's spelling of a layer name: conv11.weight is conv1_1.weight."""
    return f"conv{name[4]}_{name[5:]}"


class ShallowVgg19(nn.Module):
    """Relu1_1, 2_1, 3_1 of the genuine VGG-19: the same layers and numbers as `Vgg19`, the first three taps.

    The divisors are the taps' means on 21 portraits of 128x128.
    """

    name = "vgg19-shallow-stand-in"
    divisors = (0.343, 0.761, 1.40)
    BLOCKS = ((2, 64), (2, 128), (1, 256))

    def __init__(self, tensors: Mapping[str, Tensor], path: Path) -> None:
        """Take torchvision's tensors `features.0` .. `features.10`.

        Raises:
            SchemaMismatch: a tensor is missing or has another shape.
        """
        super().__init__()
        self.normalise = _Normalise(IMAGENET_MEAN, IMAGENET_STD)
        self.trunk = _VggTrunk(self.BLOCKS, "zeros")
        fill(self.trunk, _renamed(tensors, _torchvision_names(self.BLOCKS)), path)
        _freeze(self)

    @classmethod
    def load(cls, path: Path) -> ShallowVgg19:
        """Read the safetensors file."""
        return cls(read_safetensors(path), path)

    def forward(self, image: Tensor) -> list[Tensor]:
        return self.trunk.taps(self.normalise(image))


class DistilledVgg19(nn.Module):
    """VGG-19 compressed 16 times by distillation; its five thin taps.

    tap        1       2       3       4       5
    channels   16      32      64      128     128
    raster     H       H/2     H/4     H/8     H/16

    The file's 1x1 colour transform is folded into the first convolution: reflection padding of a pointwise
    map is the map of the padding, so the result is the same and one pass over the picture is saved. The
    divisors are the taps' means on 21 portraits of 128x128. Pictures need at least 32x32, or the last padding
    has nothing to mirror.
    """

    name = "vgg19-distilled-stand-in"
    divisors = (3.82, 8.85, 5.20, 2.10, 7.31)
    BLOCKS = ((2, 16), (2, 32), (4, 64), (4, 128), (1, 128))

    def __init__(self, tensors: Mapping[str, Tensor], path: Path) -> None:
        """Take `conv0` and `conv11` .. `conv51`; the `_aux` maps to VGG's widths are ignored.

        Raises:
            SchemaMismatch: a tensor is missing or has another shape.
        """
        super().__init__()
        self.trunk = _VggTrunk(self.BLOCKS, "reflect")
        needed = {key: value for key, value in tensors.items() if not key.partition(".")[0].endswith("_aux")}
        fill(self.trunk, _fold_colour(needed), path)
        _freeze(self)

    @classmethod
    def load(cls, path: Path) -> DistilledVgg19:
        """Read the safetensors file."""
        return cls(read_safetensors(path), path)

    def forward(self, image: Tensor) -> list[Tensor]:
        if min(image.shape[2:]) < 32:
            raise ShapeError("image", "(B, 3, H, W) with H and W of at least 32", image.shape)
        return self.trunk.taps(image)


class JoinedTaps(nn.Module):
    """Relu1_1 to 3_1 of the genuine VGG-19 and 4_1, 5_1 of the distilled one: the best stand-in for a GPU."""

    name = "vgg19-shallow-and-distilled-stand-in"

    def __init__(self, shallow: ShallowVgg19, distilled: DistilledVgg19) -> None:
        super().__init__()
        self.shallow, self.distilled = shallow, distilled
        self.divisors = (*shallow.divisors, *distilled.divisors[3:])

    def forward(self, image: Tensor) -> list[Tensor]:
        return [*self.shallow(image), *self.distilled(image)[3:]]


def _fold_colour(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors with conv0 (1x1) merged into conv11; unchanged where either is missing."""
    if not {"conv0.weight", "conv0.bias", "conv11.weight", "conv11.bias"} <= tensors.keys():
        return tensors
    folded = dict(tensors)
    colour, shift = folded.pop("conv0.weight").double()[:, :, 0, 0], folded.pop("conv0.bias").double()
    weight = folded["conv11.weight"].double()
    folded["conv11.weight"] = torch.einsum("omhw,mi->oihw", weight, colour).float()
    folded["conv11.bias"] = (
        folded["conv11.bias"].double() + torch.einsum("omhw,m->o", weight, shift)
    ).float()
    return folded
