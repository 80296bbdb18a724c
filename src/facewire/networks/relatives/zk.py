"""The five networks of ZK, whose keys are positions in sequences.

Zk...  AppearanceExtractor 7x7 first; CanonicalDetector at a quarter; HeadEstimator with 17 bottlenecks;
MotionField without inner skips, norms or ReLU after its compression; Decoder without a squashed output
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facewire.geometry.heatmap import expected_points, spatial_softmax
from facewire.geometry.warp import warp_volume
from facewire.networks.paper.blocks2d import conv2d
from facewire.networks.paper.blocks3d import conv3d
from facewire.networks.paper.motion_field import present_slots, slot_softmax
from facewire.networks.relatives.motion_field import Pair, grids, slot_inputs, summed
from facewire.networks.relatives.spectral import SpectralConv2d
from facewire.networks.types import MotionField


class Layers(nn.Module):
    """Layers one after the other."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layers(x)
        return out


class Residual(Layers):
    """Layers whose result is added."""

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


class Bottleneck(nn.Module):
    """Residual bottleneck; its skip is convolved where width or raster change."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        inner = outputs // 4
        self.layers = nn.Sequential(
            _conv2d(inputs, inner, 1),
            _conv2d(inner, inner, 3, stride),
            Layers(conv2d(inner, outputs, 1), nn.BatchNorm2d(outputs)),
        )
        self.changes = inputs != outputs or stride != 1
        if self.changes:
            self.down_sample = Layers(conv2d(inputs, outputs, 1, stride=stride), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu((self.down_sample(x) if self.changes else x) + self.layers(x))


class ZkAppearance(nn.Module):
    """Pictures (B, 3, H, W) to volumes (B, C, D, H/4, W/4)."""

    def __init__(
        self, *, widths: Sequence[int] = (64, 128, 256), channels: int = 32, depth: int = 16, blocks: int = 6
    ) -> None:
        super().__init__()
        self.in_conv = _conv2d(3, widths[0], 7)
        self.down = _halvings2d(widths)
        self.mid_conv = nn.Conv2d(widths[-1], channels * depth, 1)
        self.res = nn.Sequential(*(Residual(_pre3d(channels), _pre3d(channels)) for _ in range(blocks)))
        self.channels = channels

    def forward(self, image: Tensor) -> Tensor:
        flat = self.mid_conv(self.down(self.in_conv(image)))
        volume: Tensor = self.res(flat.unflatten(1, (self.channels, -1)))
        return volume


class ZkCanonical(nn.Module):
    """Pictures (B, 3, H, W), read at a quarter, to canonical points (B, K, 3)."""

    def __init__(
        self, *, keypoints: int = 15, downs: Sequence[int] = (3, 64, 128, 256, 512, 1024),
        ups: Sequence[int] = (1024, 512, 256, 128, 64, 32), depth: int = 16,
    ) -> None:  # fmt: skip
        super().__init__()
        self.down = _halvings2d(downs)
        self.mid_conv = nn.Conv2d(downs[-1], ups[0] * depth, 1)
        self.up = _doublings3d(ups)
        self.out_conv = conv3d(ups[-1], keypoints, 3)
        self.width = ups[0]

    def forward(self, image: Tensor) -> Tensor:
        small = F.interpolate(image, scale_factor=0.25, mode="bilinear", align_corners=False)
        flat = self.mid_conv(self.down(small))
        return expected_points(spatial_softmax(self.out_conv(self.up(flat.unflatten(1, (self.width, -1))))))


class ZkHead(nn.Module):
    """Pictures (B, 3, H, W) to yaw, pitch and roll (B, 66), t (B, 3), exp (B, 3K)."""

    def __init__(
        self, *, keypoints: int = 15, widths: Sequence[int] = (64, 256, 512, 1024, 2048),
        repeats: Sequence[int] = (4, 4, 6, 3),
    ) -> None:  # fmt: skip
        super().__init__()
        self.pre_layers = nn.Sequential(_conv2d(3, widths[0], 7, 2), nn.MaxPool2d(3, stride=2, padding=1))
        self.res_layers = nn.Sequential()
        for group, (a, b, count) in enumerate(zip(widths, widths[1:], repeats)):
            self.res_layers.append(Bottleneck(a, b, 2 if group else 1))
            self.res_layers.extend(Bottleneck(b, b, 1) for _ in range(count - 1))
        self.fc_yaw, self.fc_pitch, self.fc_roll = (nn.Linear(widths[-1], 66) for _ in range(3))
        self.fc_t, self.fc_delta = nn.Linear(widths[-1], 3), nn.Linear(widths[-1], 3 * keypoints)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        x = self.res_layers(self.pre_layers(image)).mean(dim=(2, 3))
        heads = {
            "yaw": self.fc_yaw,
            "pitch": self.fc_pitch,
            "roll": self.fc_roll,
            "t": self.fc_t,
            "exp": self.fc_delta,
        }
        return {name: head(x) for name, head in heads.items()}


class ZkMotionField(nn.Module):
    """M; the grids turn with the heads and the sampler includes both ends."""

    def __init__(
        self, *, keypoints: int = 15, channels: int = 32, depth: int = 16, compressed: int = 4,
        downs: Sequence[int] = (64, 128, 256, 512, 1024), ups: Sequence[int] = (1024, 512, 256, 128, 64, 32),
    ) -> None:  # fmt: skip
        super().__init__()
        inputs = (keypoints + 1) * (compressed + 1)
        self.compress = nn.Conv3d(channels, compressed, 1)
        self.down = _halvings3d((inputs, *downs))
        self.up = _doublings3d(ups)
        self.mask_conv = conv3d(inputs + ups[-1], keypoints + 1, 7)
        self.occlusion_conv = conv2d((inputs + ups[-1]) * depth, 1, 7)

    def forward(self, volume: Tensor, pair: Pair, kept: int | Tensor | None = None) -> MotionField:
        flows = grids(pair, volume, first_order=True)
        slots = slot_inputs(self.compress(volume), pair, flows, align_corners=True)
        present = present_slots(kept, pair.driving)
        inputs = (slots * present[:, :, None, None, None, None]).flatten(1, 2)
        seen = torch.cat((inputs, self.up(self.down(inputs))), dim=1)
        masks = slot_softmax(self.mask_conv(seen), present)
        occlusion = torch.sigmoid(self.occlusion_conv(seen.flatten(1, 2)))
        return MotionField(summed(masks, flows, 0.0), masks, occlusion)


class ZkDecoder(nn.Module):
    """Volume, flow and occlusion to pictures (B, 3, 4H, 4W), which may leave [0, 1]."""

    scale = 4

    def __init__(
        self, *, channels: int = 32, depth: int = 16, widths: Sequence[int] = (256, 128, 64), blocks: int = 6
    ) -> None:
        super().__init__()
        self.in_conv = _spectral(channels * depth, widths[0], nn.LeakyReLU(0.2))
        self.mid_conv = nn.Conv2d(widths[0], widths[0], 1)
        self.res = nn.Sequential(
            *(Residual(_spectral_pre(widths[0]), _spectral_pre(widths[0])) for _ in range(blocks))
        )
        self.up = nn.Sequential(
            *(
                Layers(nn.Upsample(scale_factor=2), _spectral(a, b, nn.ReLU()))
                for a, b in itertools.pairwise(widths)
            )
        )
        self.out_conv = conv2d(widths[-1], 3, 7)

    def forward(self, volume: Tensor, flow: Tensor, occlusion: Tensor) -> Tensor:
        moved = warp_volume(volume, flow, align_corners=True).flatten(1, 2)
        x = self.mid_conv(self.in_conv(moved)) * occlusion
        picture: Tensor = self.out_conv(self.up(self.res(x)))
        return picture


def _conv2d(inputs: int, outputs: int, kernel: int, stride: int = 1) -> Layers:
    return Layers(conv2d(inputs, outputs, kernel, stride=stride), nn.BatchNorm2d(outputs), nn.ReLU())


def _conv3d(inputs: int, outputs: int) -> Layers:
    return Layers(conv3d(inputs, outputs, 3), nn.BatchNorm3d(outputs), nn.ReLU())


def _pre3d(width: int) -> Layers:
    return Layers(nn.BatchNorm3d(width), nn.ReLU(), conv3d(width, width, 3))


def _spectral(inputs: int, outputs: int, activation: nn.Module) -> Layers:
    return Layers(SpectralConv2d(inputs, outputs, 3), nn.BatchNorm2d(outputs), activation)


def _spectral_pre(width: int) -> Layers:
    return Layers(nn.BatchNorm2d(width), nn.ReLU(), SpectralConv2d(width, width, 3))


def _halvings2d(widths: Sequence[int]) -> nn.Sequential:
    return nn.Sequential(*(Layers(_conv2d(a, b, 3), nn.AvgPool2d(2)) for a, b in itertools.pairwise(widths)))


def _halvings3d(widths: Sequence[int]) -> nn.Sequential:
    pool = (1, 2, 2)
    return nn.Sequential(*(Layers(_conv3d(a, b), nn.AvgPool3d(pool)) for a, b in itertools.pairwise(widths)))


def _doublings3d(widths: Sequence[int]) -> nn.Sequential:
    up = (1, 2, 2)
    return nn.Sequential(
        *(Layers(nn.Upsample(scale_factor=up), _conv3d(a, b)) for a, b in itertools.pairwise(widths))
    )
