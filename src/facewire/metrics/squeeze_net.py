"""SqueezeNet 1.1 with its original ImageNet weights: the stand-in backbone of two metrics.

    RGB [0, 1] -> x 255, BGR, minus mean -> conv1 -> pool -> fire2, 3 -> pool -> fire4, 5 -> pool -> fire6 .. 9

    tap        conv1   fire3   fire5   fire6   fire7   fire8   fire9     (after ReLU)
    channels   64      128     256     384     384     512     512

Source: Iandola et al., SqueezeNet (2016); the published Caffe numbers (BSD-2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facewire.metrics.backbone_file import BackboneFile, freeze

SQUEEZE_NET = BackboneFile(
    "squeezenet1_1_caffe_fp16.safetensors",
    "the Caffe weights of https://github.com/forresti/SqueezeNet, keys as there, half precision",
    "cf835d4c01690a3d",
)

MEAN_BGR = (104.0, 117.0, 123.0)
WIDTHS = {
    2: (16, 64), 3: (16, 64), 4: (32, 128), 5: (32, 128), 6: (48, 192), 7: (48, 192), 8: (64, 256), 9: (64, 256)
}  # fmt: skip
"""Squeezed and expanded channels of each fire module; an output has twice the expanded ones."""
POOLED = (2, 4, 6)
"""Fire modules that a 3 x 3 max pool with stride 2 goes before."""
TAPPED = (3, 5, 6, 7, 8, 9)
FEATURES = 512
"""Channels of the last tap."""


class Fire(nn.Module):
    """(B, C, H, W) -> 1x1 squeeze -> 1x1 and 3x3 expansions side by side."""

    def __init__(self, channels: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze1x1 = nn.Conv2d(channels, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, 2 * expanded, H, W)."""
        small = F.relu(self.squeeze1x1(x))
        return F.relu(torch.cat((self.expand1x1(small), self.expand3x3(small)), dim=1))


class SqueezeNet(nn.Module):
    """The seven taps of SqueezeNet 1.1, frozen."""

    mean: Tensor

    def __init__(self, tensors: Mapping[str, Tensor], path: Path) -> None:
        """Take the published tensors (`conv1.weight`, `fire2/squeeze1x1.weight`, ...); conv10 is ignored.

        Raises:
            SchemaMismatch: a needed tensor is missing or has another shape.
        """
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN_BGR).view(1, 3, 1, 1), persistent=False)
        self.conv1 = nn.Conv2d(3, 64, 3, stride=2)
        channels = 64
        for number, (squeezed, expanded) in WIDTHS.items():
            self.add_module(f"fire{number}", Fire(channels, squeezed, expanded))
            channels = 2 * expanded
        named = {
            key.replace("/", "."): value for key, value in tensors.items() if not key.startswith("conv10")
        }
        freeze(self, named, path)

    @classmethod
    def load(cls, folder: Path) -> SqueezeNet:
        """Read the published file.

        Raises:
            WeightsError, HashMismatch, SchemaMismatch: it is not there, or not the published one.
        """
        return cls(SQUEEZE_NET.read(folder), folder / SQUEEZE_NET.name)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the taps (B, C_i, H_i, W_i), shallow to deep, of images (B, 3, H, W), RGB in [0, 1]."""
        x = F.relu(self.conv1(image.flip(1) * 255 - self.mean))
        taps = [x]
        for number in WIDTHS:
            if number in POOLED:
                x = F.max_pool2d(x, 3, stride=2, ceil_mode=True)
            x = self.get_submodule(f"fire{number}")(x)
            if number in TAPPED:
                taps.append(x)
        return taps


def pooled_features(taps: Sequence[Tensor]) -> Tensor:
    """Return (B, 512): the last tap averaged over space."""
    return taps[-1].mean(dim=(2, 3))
