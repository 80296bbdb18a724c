"""LivePortrait's motion extractor: a ConvNeXt V2 with seven linear heads; picture to all its numbers.

256 x 256 --4x4 Conv stride 4--> stages of 3, 3, 9, 3 blocks at 96, 192, 384, 768 channels, halved between
mean, norm --> kp 63, exp 63, pitch, yaw, roll 66 each, t 3, scale 1
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-6


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of (B, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        normed: Tensor = super().forward(x.permute(0, 2, 3, 1))
        return normed.permute(0, 3, 1, 2)


class ResponseNorm(nn.Module):
    """Global response normalisation of (B, H, W, C)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 1, 1, width))
        self.beta = nn.Parameter(torch.zeros(1, 1, 1, width))

    def forward(self, x: Tensor) -> Tensor:
        response = torch.linalg.vector_norm(x.float(), dim=(1, 2), keepdim=True)
        share = response / (response.mean(dim=-1, keepdim=True) + EPSILON)
        out: Tensor = self.gamma * (x * share) + self.beta + x
        return out


class Block(nn.Module):
    """One ConvNeXt V2 block."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=EPSILON)
        self.pwconv1 = nn.Linear(width, 4 * width)
        self.grn = ResponseNorm(4 * width)
        self.pwconv2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        inner = self.pwconv2(self.grn(F.gelu(self.pwconv1(inner))))
        out: Tensor = x + inner.permute(0, 3, 1, 2)
        return out


class Detector(nn.Module):
    """Backbone and heads, named as in the files."""

    def __init__(self, keypoints: int, depths: Sequence[int], widths: Sequence[int]) -> None:
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(3, widths[0], 4, stride=4), ChannelNorm(widths[0], eps=EPSILON))
        halvings = [
            nn.Sequential(ChannelNorm(a, eps=EPSILON), nn.Conv2d(a, b, 2, stride=2))
            for a, b in itertools.pairwise(widths)
        ]
        self.downsample_layers = nn.ModuleList([stem, *halvings])
        self.stages = nn.ModuleList(
            nn.Sequential(*(Block(width) for _ in range(depth))) for depth, width in zip(depths, widths)
        )
        self.norm = nn.LayerNorm(widths[-1], eps=EPSILON)
        sizes = {
            "kp": 3 * keypoints,
            "scale": 1,
            "pitch": 66,
            "yaw": 66,
            "roll": 66,
            "t": 3,
            "exp": 3 * keypoints,
        }
        self.heads = tuple(sizes)
        for name, size in sizes.items():
            self.add_module(f"fc_{name}", nn.Linear(widths[-1], size))

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        x = image
        for halving, stage in zip(self.downsample_layers, self.stages):
            x = stage(halving(x))
        x = self.norm(x.mean(dim=(2, 3)))
        return {name: getattr(self, f"fc_{name}")(x) for name in self.heads}


class Extractor(nn.Module):
    """M."""

    def __init__(
        self,
        *,
        keypoints: int = 21,
        depths: Sequence[int] = (3, 3, 9, 3),
        widths: Sequence[int] = (96, 192, 384, 768),
    ) -> None:
        super().__init__()
        self.detector = Detector(keypoints, depths, widths)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Return kp and exp (B, 3K), pitch, yaw and roll (B, 66), t (B, 3), scale (B, 1) of (B, 3, H, W)."""
        numbers: dict[str, Tensor] = self.detector(image)
        return numbers
