"""D, the patch critic: which patches look real (spec 2.7).

    step, per scale                       at 256x256
    3x3-Conv-64 stride 2, LeakyReLU       64 x 128 x 128
    3x3-Conv-128 stride 2, norm, same     128 x 64 x 64
    3x3-Conv-256 stride 2, norm, same     256 x 32 x 32
    3x3-Conv-512, norm, same              512 x 32 x 32
    3x3-Conv-1                            1 x 32 x 32

One scale at 256, two at 512; each further one sees the picture at half the size. The paper gives the family
(patch critic, hinge loss, feature matching, spectral norm) but no widths; these follow its authors' library.
Norms are instance norms, so a verdict never depends on the other pictures of the batch. The critic sees
pictures only, no keypoints. compact-256 has a small one with further channels beside red, green and blue.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from facewire.networks.paper.blocks2d import conv2d

SLOPE = 0.2
"""Of every LeakyReLU."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the critic says at one scale.

    score     (B, 1, H, W)          unbounded, above 0 looks real
    features  each (B, C_i, H, W)   inner activations, for feature matching
    """

    score: Tensor
    features: tuple[Tensor, ...]


class PatchCritic(nn.Module):
    """One scale."""

    def __init__(self, base: int, channels: int = 3) -> None:
        super().__init__()
        widths = (base, 2 * base, 4 * base, 8 * base)
        strides = (2, 2, 2, 1)
        self.convs = nn.ModuleList(
            conv2d(a, b, 3, stride=s, spectral=True) for a, b, s in zip((channels, *widths), widths, strides)
        )
        self.norms = nn.ModuleList((nn.Identity(), *(nn.InstanceNorm2d(width) for width in widths[1:])))
        self.score = conv2d(widths[-1], 1, 3, spectral=True)

    def forward(self, image: Tensor) -> Verdict:
        """Return the verdict on pictures (B, channels, H, W)."""
        x, features = image, []
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = F.leaky_relu(norm(conv(x)), SLOPE)
            features.append(x)
        return Verdict(self.score(x), tuple(features))


class Discriminator(nn.Module):
    """Patch critics on an image pyramid."""

    def __init__(self, base: int, scales: int = 1, channels: int = 3) -> None:
        """Build `scales` critics with `base` channels in their first layer."""
        super().__init__()
        self.critics = nn.ModuleList(PatchCritic(base, channels) for _ in range(scales))

    def forward(self, image: Tensor) -> list[Verdict]:
        """Return one verdict per scale, full size first, on pictures (B, channels, H, W), colours in [0, 1]."""
        verdicts = []
        for scale, critic in enumerate(self.critics):
            if scale > 0:
                image = F.avg_pool2d(image, 2)
            verdicts.append(critic(image))
        return verdicts
