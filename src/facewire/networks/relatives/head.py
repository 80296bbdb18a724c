"""Head pose and expression of ZLH (from pictures) and SadTalker (from coefficients of a face model)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from facewire.networks.paper.blocks2d import conv2d

HEADS = ("roll", "pitch", "yaw")


class Bottleneck(nn.Module):
    """Residual bottleneck of constant width; stride 2 has its own skip."""

    def __init__(self, width: int, stride: int = 1) -> None:
        super().__init__()
        inner = width // 4
        self.conv1, self.norm1 = conv2d(width, inner, 1), nn.BatchNorm2d(inner)
        self.conv2, self.norm2 = conv2d(inner, inner, 3, stride=stride), nn.BatchNorm2d(inner)
        self.conv3, self.norm3 = conv2d(inner, width, 1), nn.BatchNorm2d(width)
        self.stride = stride
        if stride != 1:
            self.skip, self.norm4 = conv2d(width, width, 1, stride=stride), nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        inner = F.relu(self.norm1(self.conv1(x)))
        inner = F.relu(self.norm2(self.conv2(inner)))
        inner = self.norm3(self.conv3(inner))
        return F.relu(inner + (x if self.stride == 1 else self.norm4(self.skip(x))))


class HeadEstimator(nn.Module):
    """H and Delta of ZLH.

    Its outputs carry the names of its layers; that two of them mean each other is the family's business
    (`Family.swapped`).
    """

    def __init__(
        self,
        *,
        keypoints: int = 15,
        widths: Sequence[int] = (64, 256, 512, 1024, 2048),
        repeats: Sequence[int] = (3, 3, 5, 2),
    ) -> None:
        super().__init__()
        self.conv1, self.norm1 = conv2d(3, widths[0], 7, stride=2), nn.BatchNorm2d(widths[0])
        for step, (a, b) in enumerate(itertools.pairwise(widths)):
            self.add_module(f"conv{step + 2}", conv2d(a, b, 1))
            self.add_module(f"norm{step + 2}", nn.BatchNorm2d(b))
            if step:
                self.add_module(f"block{2 * step}", Bottleneck(b, stride=2))
            self.add_module(f"block{2 * step + 1}", _row(b, 2 * step + 1, repeats[step]))
        for name in HEADS:
            self.add_module(f"fc_{name}", nn.Linear(widths[-1], 66))
        self.fc_t, self.fc_exp = nn.Linear(widths[-1], 3), nn.Linear(widths[-1], 3 * keypoints)
        self.steps = len(repeats)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Return roll, pitch and yaw (B, 66), t (B, 3), exp (B, 3K) of pictures (B, 3, H, W)."""
        x = F.max_pool2d(F.relu(self.norm1(self.conv1(image))), 3, stride=2, padding=1)
        for step in range(self.steps):
            x = F.relu(self._part(f"norm{step + 2}", self._part(f"conv{step + 2}", x)))
            if step:
                x = self._part(f"block{2 * step}", x)
            x = self._part(f"block{2 * step + 1}", x)
        return _read(self, x.mean(dim=(2, 3)))

    def _part(self, name: str, x: Tensor) -> Tensor:
        out: Tensor = getattr(self, name)(x)
        return out


class Mapping(nn.Module):
    """SadTalker's way from face model coefficients (27 frames) to head pose and expression; names are right here."""

    def __init__(
        self, *, coefficients: int = 70, width: int = 1024, layers: int = 3, keypoints: int = 15
    ) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv1d(coefficients, width, 7))
        for number in range(layers):
            step = nn.Sequential(nn.LeakyReLU(0.1), nn.Conv1d(width, width, 3, dilation=3))
            self.add_module(f"encoder{number}", step)
        for name in HEADS:
            self.add_module(f"fc_{name}", nn.Linear(width, 66))
        self.fc_t, self.fc_exp = nn.Linear(width, 3), nn.Linear(width, 3 * keypoints)
        self.layers = layers

    def forward(self, coefficients: Tensor) -> dict[str, Tensor]:
        """Return roll, pitch and yaw (B, 66), t (B, 3), exp (B, 3K) of windows (B, C, 27)."""
        x = self.first(coefficients)
        for number in range(self.layers):
            x = getattr(self, f"encoder{number}")(x) + x[:, :, 3:-3]
        return _read(self, x.mean(dim=2))


def _row(width: int, block: int, count: int) -> nn.Sequential:
    row = nn.Sequential()
    for number in range(count):
        row.add_module(f"b{block}_{number}", Bottleneck(width))
    return row


def _read(heads: nn.Module, x: Tensor) -> dict[str, Tensor]:
    return {name: getattr(heads, f"fc_{name}")(x) for name in (*HEADS, "t", "exp")}
