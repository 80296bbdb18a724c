"""DISTS: structure and texture similarity on VGG-16, with its published weights from a path.

    RGB [0, 1] -> ImageNet statistics -> VGG-16 relu1_2 .. relu5_3, pooled by the root of Hann-weighted squares
    the picture itself and the five taps: per channel, over space
      texture    (2 m n + c) / (m^2 + n^2 + c)       of the means m, n
      structure  (2 cov + c) / (var + var + c)
    1 - the learned weighted mean of both over all channels

Range 0 (equal) to about 1; lower is better. Without both files it is not computed.

Source: Ding et al., Image quality assessment: unifying structure and texture similarity (2020), and the numbers of
its authors' package.
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

DISTS = Metric(
    name="dists",
    title="DISTS",
    unit="",
    better="lower",
    range=(0.0, None),
    source="Ding et al. 2020, VGG-16",
)

VGG_16 = BackboneFile(
    "vgg16-397923af.pth", "https://download.pytorch.org/models/vgg16-397923af.pth", "397923af"
)
DISTS_WEIGHTS = BackboneFile(
    "dists_weights.pt",
    "https://github.com/Lightning-AI/torchmetrics/raw/v1.9.0/src/torchmetrics/functional/image/dists_models/weights.pt",
    "f5e65c96230b7f6c",
)
"""The authors' weights as torchmetrics passes them on."""

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)

STAGES = (
    {0: (3, 64), 2: (64, 64)},
    {5: (64, 128), 7: (128, 128)},
    {10: (128, 256), 12: (256, 256), 14: (256, 256)},
    {17: (256, 512), 19: (512, 512), 21: (512, 512)},
    {24: (512, 512), 26: (512, 512), 28: (512, 512)},
)
"""Place in torchvision's `features` list: inputs and outputs of a 3 x 3 convolution. Between stages is a pool."""
CHANNELS = (3, 64, 128, 256, 512, 512)
"""Of the picture and the taps, in the order of the weights."""
FLOOR = 1e-6
"""c of both terms."""


class Dists(nn.Module):
    """The metric with its network, frozen."""

    mean: Tensor
    deviation: Tensor
    window: Tensor

    def __init__(self, backbone: Mapping[str, Tensor], weights: Mapping[str, Tensor], path: Path) -> None:
        """Take torchvision's `features.N.*` and the package's `alpha` and `beta`.

        Raises:
            SchemaMismatch: a needed tensor is missing or has another shape.
        """
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1), persistent=False)
        line = torch.tensor([0.25, 0.5, 0.25])
        self.register_buffer("window", torch.outer(line, line).view(1, 1, 3, 3), persistent=False)
        self.features = nn.ModuleDict(
            {str(at): nn.Conv2d(i, o, 3, padding=1) for stage in STAGES for at, (i, o) in stage.items()}
        )
        self.alpha = nn.Parameter(torch.empty(1, sum(CHANNELS), 1, 1))
        self.beta = nn.Parameter(torch.empty(1, sum(CHANNELS), 1, 1))
        own = {key: value for key, value in backbone.items() if key.startswith("features.")}
        freeze(self, own | {name: weights[name] for name in ("alpha", "beta") if name in weights}, path)

    @classmethod
    def load(cls, folder: Path) -> Dists:
        """Read both published files.

        Raises:
            WeightsError, HashMismatch, SchemaMismatch: one is not there, or not the published one.
        """
        return cls(VGG_16.read(folder), DISTS_WEIGHTS.read(folder), folder / VGG_16.name)

    @staticmethod
    def absence(folder: Path | None) -> str:
        """Return why the metric cannot be computed from a folder, or an empty text."""
        return VGG_16.absence(folder) or DISTS_WEIGHTS.absence(folder)

    def forward(self, result: Tensor, truth: Tensor) -> Tensor:
        """Return DISTS (B,) of images (B, 3, H, W), RGB in [0, 1]."""
        check_pair(result, truth)
        whole = self.alpha.sum() + self.beta.sum()
        shares = [(weights / whole).flatten().split(CHANNELS) for weights in (self.alpha, self.beta)]
        alike = result.new_zeros(len(result))
        for texture, structure, a, b in zip(*shares, self._taps(result), self._taps(truth), strict=True):
            alike = alike + (texture * _texture(a, b) + structure * _structure(a, b)).sum(dim=1)
        return 1 - alike

    def _taps(self, image: Tensor) -> list[Tensor]:
        x, taps = (image - self.mean) / self.deviation, [image]
        for number, stage in enumerate(STAGES):
            x = self._pool(x) if number else x
            for at in stage:
                x = F.relu(self.features[str(at)](x))
            taps.append(x)
        return taps

    def _pool(self, x: Tensor) -> Tensor:
        """Return the root of the weighted mean of squares, at half the size."""
        channels = x.shape[1]
        window = self.window.expand(channels, 1, 3, 3)
        return (F.conv2d(x.square(), window, stride=2, padding=1, groups=channels) + 1e-12).sqrt()


def _texture(a: Tensor, b: Tensor) -> Tensor:
    """Return how alike the means of the channels are, (B, C)."""
    m, n = a.mean(dim=(2, 3)), b.mean(dim=(2, 3))
    return (2 * m * n + FLOOR) / (m.square() + n.square() + FLOOR)


def _structure(a: Tensor, b: Tensor) -> Tensor:
    """Return how the channels vary together, (B, C)."""
    a, b = a - a.mean(dim=(2, 3), keepdim=True), b - b.mean(dim=(2, 3), keepdim=True)
    shared = (a * b).mean(dim=(2, 3))
    return (2 * shared + FLOOR) / (a.square().mean(dim=(2, 3)) + b.square().mean(dim=(2, 3)) + FLOOR)
