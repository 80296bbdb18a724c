"""L, the canonical keypoint detector: a person's keypoints without pose and expression (spec 2.3).

Runs on the source only, so identity cannot leak in from the driving frame.

    step                                     picture reduced to 64x64      not reduced, 256x256
    DownBlock2d-64, 128, 256, 512, 1024      1024 x 2 x 2                  1024 x 8 x 8
    1x1-Conv-16384, reshape                  1024 x 16 x 2 x 2             1024 x 16 x 8 x 8
    UpBlock3d-512, 256, 128, 64, 32          32 x 16 x 64 x 64             32 x 16 x 256 x 256
    7x7x7-Conv-20, softmax over space        20 x 16 x 64 x 64             20 x 16 x 256 x 256
    expected coordinate                      20 x 3 in [-1, 1]^3           the same
    (first version) 7x7x7-Conv-180           averaged under the heat maps: 20 x 3 x 3

There are no skips between the two halves. 64x64 is the default: its raster is the one of the 256x256
appearance volume.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.grad import conv3d_weight

from facewire.geometry.heatmap import expected_points, spatial_softmax
from facewire.geometry.keypoints import CanonicalKeypoints
from facewire.geometry.precision import full, unreduced
from facewire.networks.paper.blocks2d import DownBlock2d, conv2d, resize_image
from facewire.networks.paper.blocks3d import UpBlock3d, conv3d
from facewire.networks.paper.config import PaperConfig


class CanonicalDetector(nn.Module):
    """Source picture to canonical keypoints x_c, with Jacobians J_c where the configuration wants them."""

    def __init__(self, config: PaperConfig) -> None:
        super().__init__()
        self.resolution, self.depth, self.temperature = (
            config.detector_resolution,
            config.detector_depth,
            config.temperature,
        )
        down, up = config.encoder_widths(), config.decoder_widths()
        self.down = nn.Sequential(*(DownBlock2d(a, b) for a, b in zip((3, *down), down)))
        self.lift = conv2d(down[-1], down[-1] * self.depth, 1)
        self.up = nn.Sequential(*(UpBlock3d(a, b) for a, b in zip((down[-1], *up), up)))
        self.heatmap_head = conv3d(up[-1], config.keypoints, config.window)
        self.jacobian_head = _identity_jacobians(up[-1], config) if config.jacobians else None

    def forward(self, image: Tensor) -> CanonicalKeypoints:
        """Return the canonical keypoints of RGB pictures (B, 3, H, W) in [0, 1]."""
        x = self.lift(self.down(resize_image(image, self.resolution)))
        batch, _, height, width = x.shape
        features = self.up(x.view(batch, -1, self.depth, height, width))
        heatmap = spatial_softmax(self.heatmap_head(features), self.temperature)
        points = expected_points(heatmap)
        if self.jacobian_head is None:
            return CanonicalKeypoints(points)
        return CanonicalKeypoints(points, _expected_jacobians(heatmap, features, self.jacobian_head))


def _identity_jacobians(inputs: int, config: PaperConfig) -> nn.Conv3d:
    """Return the Jacobian head; it starts at J_c = I everywhere (spec 2.3)."""
    axes = 2 if config.detector_depth == 1 else 3
    head = conv3d(inputs, axes**2 * config.keypoints, config.window)
    nn.init.zeros_(head.weight)
    head.bias = nn.Parameter(torch.eye(axes).flatten().repeat(config.keypoints))
    return head


def _expected_jacobians(heatmap: Tensor, features: Tensor, head: nn.Conv3d) -> Tensor:
    """Return (B, K, 3, 3), the mean under heat maps (B, K, D, H, W) of what the head makes of (B, C, D, H, W).

    The head makes 9K maps, and only their means are wanted. Convolution and mean are both linear, so the features are
    averaged first, as each cell of the window sees them, and the head reads those K x C x 7 x 7 x 7 numbers: the same
    result for a fifth of the time. A convolution computes just that as the gradient of its weights.

    Of a flat map the head's 2x2 blocks are those of x and y; z stays as it is.
    """
    batch, count = heatmap.shape[:2]
    width, window = features.shape[1], head.kernel_size
    with unreduced(features):
        means = conv3d_weight(
            full(features).reshape(1, batch * width, *features.shape[2:]),
            (batch * count, width, *window),
            full(heatmap).reshape(1, batch * count, *heatmap.shape[2:]),
            padding=head.padding,
            groups=batch,
        )
        weight = head.weight.view(count, -1, means[0].numel())
        numbers = torch.einsum("bkc,knc->bkn", means.view(batch, count, -1), weight)
    assert head.bias is not None
    numbers = numbers + head.bias.view(count, -1)
    if numbers.shape[2] == 9:
        return numbers.view(batch, count, 3, 3)
    flat = F.pad(numbers.view(batch, count, 2, 2), (0, 1, 0, 1))
    return flat + torch.diag(flat.new_tensor((0.0, 0.0, 1.0)))
