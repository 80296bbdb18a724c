"""H and Delta: how a head is held and what its face does (spec 2.4). Runs on source and driving pictures.

    step                                               at 256x256
    7x7-Conv-64 stride 2, norm, ReLU                   64 x 128 x 128
    3x3 max pool stride 2                              64 x 64 x 64
    1x1-Conv-256, norm, ReLU, 3 x ResBottleneck        256 x 64 x 64
    1x1-Conv-512, norm, ReLU, stride 2, 3 more         512 x 32 x 32
    1x1-Conv-1024, norm, ReLU, stride 2, 5 more        1024 x 16 x 16
    1x1-Conv-2048, norm, ReLU, stride 2, 2 more        2048 x 8 x 8
    mean over space                                    2048
    fc-66 yaw, fc-66 pitch, fc-66 roll                 H: R from 66 classes of 3 degrees
    fc-3                                               H: t
    fc-3K                                              Delta: delta (K, 3)

The layer list keeps each widening 1x1-Conv apart from the bottleneck that follows, 30.3 M parameters. Codes
that fold it into that bottleneck, as in ResNet-50, have 24.1 M.

Larger pictures are reduced to 256x256 first: the pooling window and what the trunk learned at 256 stay as
they are, and a 512x512 sender pays no more than a 256x256 one.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.pose import BINS, angles_from_bins, rotation_from_angles
from facewire.networks.paper.blocks2d import ResBottleneck, conv2d, resize_image
from facewire.networks.paper.config import PaperConfig

STAGES = ((4, 3), (8, 3), (16, 5), (32, 2))
"""Each stage's width in units of the base, and its bottlenecks of stride 1."""
INITIAL_STD = 1e-3
"""Of the weights that make t and delta (ours; the paper is silent)."""
READ = 20.0
"""t and delta are read from READ / width times the pooled numbers (ours). These are positive and many: read as they
are, one step of Adam moves all keypoints by the rate times their sum, a good part of the picture, and delta takes
over what canonical keypoints are for (docs/paper.md). Read from a fifth of this, t hardly follows a head
(docs/lab)."""
READ_ANGLES = 50.0
"""The same for the angles: read as they are, a step at a rate of 1e-3 turns every head by 10 degrees, and they are
not learned (docs/lab)."""


class HeadMotionEstimator(nn.Module):
    """Picture to head motion: rotation R, translation t, expression delta."""

    def __init__(self, config: PaperConfig) -> None:
        super().__init__()
        self.resolution, self.keypoints = config.head_resolution, config.keypoints
        base = config.base
        self.first = conv2d(3, base, 7, stride=2)
        self.first_norm = nn.BatchNorm2d(base)
        widths = [base, *(base * factor for factor, _ in STAGES)]
        self.stages = nn.Sequential(
            *(
                _stage(inputs, width, count, halve=index > 0)
                for index, (inputs, width, (_, count)) in enumerate(zip(widths, widths[1:], STAGES))
            )
        )
        self.yaw = nn.Linear(widths[-1], BINS)
        self.pitch = nn.Linear(widths[-1], BINS)
        self.roll = nn.Linear(widths[-1], BINS)
        self.translation = _near_zero(nn.Linear(widths[-1], 3))
        self.expression = _near_zero(nn.Linear(widths[-1], 3 * config.keypoints))

    def forward(self, image: Tensor) -> HeadMotion:
        """Return the motion of RGB pictures (B, 3, H, W) in [0, 1]."""
        if image.shape[-1] > self.resolution:
            image = resize_image(image, self.resolution)
        x = F.relu(self.first_norm(self.first(image)))
        x = self.stages(F.max_pool2d(x, 3, stride=2, padding=1)).mean(dim=(2, 3))
        turn = x * (READ_ANGLES / x.shape[1])
        rotation = rotation_from_angles(
            *(angles_from_bins(angle(turn)) for angle in (self.yaw, self.pitch, self.roll))
        )
        read = x * (READ / x.shape[1])
        expression = self.expression(read).float().view(-1, self.keypoints, 3)
        return HeadMotion(rotation, self.translation(read).float(), expression)


def _near_zero(layer: nn.Linear) -> nn.Linear:
    """Start with small outputs: of usual size, t and delta would put keypoints outside the picture."""
    nn.init.normal_(layer.weight, std=INITIAL_STD)
    nn.init.zeros_(layer.bias)
    return layer


def _stage(inputs: int, width: int, count: int, *, halve: bool) -> nn.Module:
    """Return 1x1 conv, norm, ReLU, one bottleneck of stride 2 where `halve`, and `count` of stride 1."""
    strided = [ResBottleneck(width, width, stride=2)] if halve else []
    return nn.Sequential(
        conv2d(inputs, width, 1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        *strided,
        *(ResBottleneck(width, width) for _ in range(count)),
    )
