"""The only calls to the sampler in the project."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from facewire.geometry.axes import ALIGN_CORNERS
from facewire.geometry.precision import full


def warp_volume(
    volume: Tensor, flow: Tensor, padding: str = "zeros", *, align_corners: bool = ALIGN_CORNERS
) -> Tensor:
    """Read a volume (B, C, D, H, W) at the coordinates flow (B, D', H', W', 3), trilinearly.

    Coordinates stay float32 whatever the volume's type: bf16 coordinates move pixels. Only weights of others,
    which were trained so, put the corners elsewhere.
    """
    sampled = F.grid_sample(
        full(volume), full(flow), mode="bilinear", padding_mode=padding, align_corners=align_corners
    )
    return sampled.to(volume.dtype)


def warp_image(image: Tensor, flow: Tensor, padding: str = "border") -> Tensor:
    """Read an image (B, C, H, W) at the coordinates flow (B, H', W', 2), bilinearly.

    Outside the picture its border is repeated by default, because a background goes on.
    """
    sampled = F.grid_sample(
        full(image), full(flow), mode="bilinear", padding_mode=padding, align_corners=ALIGN_CORNERS
    )
    return sampled.to(image.dtype)


def resize_flow(flow: Tensor, height: int, width: int) -> Tensor:
    """Return a flow (B, H, W, C) interpolated to another raster, shape (B, height, width, C)."""
    if flow.shape[1:3] == (height, width):
        return flow
    channels_first = flow.permute(0, 3, 1, 2)
    resized = F.interpolate(channels_first, (height, width), mode="bilinear", align_corners=ALIGN_CORNERS)
    return resized.permute(0, 2, 3, 1)
