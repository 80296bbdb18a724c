"""LPIPS: learned perceptual distance on AlexNet, version 0.1, with its published weights from a path.

    RGB [0, 1] -> [-1, 1] -> shift, scale -> AlexNet relu1 .. relu5
    unit channels -> squared difference -> learned weights (>= 0) over channels -> mean over space -> sum over taps

Range 0 (equal) to about 1; lower is better. Without both files it is not computed; the stand-in that can be is
squeeze_perceptual.py and has its own name.

Source: Zhang et al., The unreasonable effectiveness of deep features as a perceptual metric (2018), and the numbers
of its authors' package.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facewire.metrics.backbone_file import BackboneFile, freeze
from facewire.metrics.image_pair import check_pair
from facewire.metrics.metric import Metric

LPIPS = Metric(
    name="lpips",
    title="LPIPS",
    unit="",
    better="lower",
    range=(0.0, None),
    source="Zhang et al. 2018, AlexNet, version 0.1",
)

ALEX_NET = BackboneFile(
    "alexnet-owt-7be5be79.pth", "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth", "7be5be79"
)
HEADS = BackboneFile(
    "lpips_alex_v0.1.pth",
    "https://github.com/richzhang/PerceptualSimilarity/raw/master/lpips/weights/v0.1/alex.pth",
    "df73285e35b22355",
)

SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)
"""ImageNet statistics for pictures in [-1, 1], as LPIPS rounds them."""

CONVOLUTIONS = {
    0: (3, 64, 11, 4, 2),
    3: (64, 192, 5, 1, 2),
    6: (192, 384, 3, 1, 1),
    8: (384, 256, 3, 1, 1),
    10: (256, 256, 3, 1, 1),
}
"""Place in torchvision's `features` list: inputs, outputs, kernel, stride, padding."""
POOLED = (3, 6)
"""Convolutions that a 3 x 3 max pool with stride 2 goes before."""


class Lpips(nn.Module):
    """The metric with its networks, frozen."""

    shift: Tensor
    scale: Tensor

    def __init__(self, backbone: Mapping[str, Tensor], heads: Mapping[str, Tensor], path: Path) -> None:
        """Take torchvision's `features.N.*` and the package's `linN.model.1.weight`.

        Raises:
            SchemaMismatch: a needed tensor is missing or has another shape.
        """
        super().__init__()
        self.register_buffer("shift", torch.tensor(SHIFT).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor(SCALE).view(1, 3, 1, 1), persistent=False)
        self.features = nn.ModuleDict(
            {str(place): nn.Conv2d(i, o, k, s, p) for place, (i, o, k, s, p) in CONVOLUTIONS.items()}
        )
        widths = [sizes[1] for sizes in CONVOLUTIONS.values()]
        self.heads = nn.ModuleList(nn.Conv2d(width, 1, 1, bias=False) for width in widths)
        own = {key: value for key, value in backbone.items() if key.startswith("features.")}
        names = {f"lin{index}.model.1.weight": f"heads.{index}.weight" for index in range(len(widths))}
        own |= {names[key]: value for key, value in heads.items() if key in names}
        freeze(self, own, path)

    @classmethod
    def load(cls, folder: Path) -> Lpips:
        """Read both published files.

        Raises:
            WeightsError, HashMismatch, SchemaMismatch: one is not there, or not the published one.
        """
        return cls(ALEX_NET.read(folder), HEADS.read(folder), folder / ALEX_NET.name)

    @staticmethod
    def absence(folder: Path | None) -> str:
        """Return why the metric cannot be computed from a folder, or an empty text."""
        return ALEX_NET.absence(folder) or HEADS.absence(folder)

    def forward(self, result: Tensor, truth: Tensor) -> Tensor:
        """Return LPIPS (B,) of images (B, 3, H, W), RGB in [0, 1]."""
        check_pair(result, truth)
        total = result.new_zeros(len(result))
        for head, a, b in zip(self.heads, self._taps(result), self._taps(truth), strict=True):
            total = total + head((_unit(a) - _unit(b)).square()).mean(dim=(1, 2, 3))
        return total

    def _taps(self, image: Tensor) -> list[Tensor]:
        x = (image * 2 - 1 - self.shift) / self.scale
        taps = []
        for place, convolution in self.features.items():
            if int(place) in POOLED:
                x = F.max_pool2d(x, 3, 2)
            x = F.relu(convolution(x))
            taps.append(x)
        return taps


def _unit(features: Tensor) -> Tensor:
    return features / (features.square().sum(dim=1, keepdim=True).sqrt() + 1e-10)
