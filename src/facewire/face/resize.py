"""Pictures at another size, as the detector and the crop need them.

The filter's support is widened when shrinking, so every pixel counts. Knows nothing about faces.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

Filter = Literal["bilinear", "bicubic"]


def resized(
    photo: NDArray[np.uint8], height: int, width: int, method: Filter = "bilinear"
) -> NDArray[np.uint8]:
    """Resample a picture.

    Args:
        photo: [H, W, 3] uint8.
        height: of the result in pixels.
        width: of the result in pixels.
        method: "bilinear" (a triangle) for shrinking, "bicubic" for enlarging.

    Returns:
        [height, width, 3] uint8.

    Numerics: within 2 of 255 of Pillow's filters of the same names.
    """
    # A negative stride or a read-only array cannot be shared with torch; a copy can.
    channels_first = torch.from_numpy(np.array(photo)).permute(2, 0, 1)[None]
    result = F.interpolate(channels_first, (height, width), mode=method, antialias=True)
    return np.ascontiguousarray(result[0].permute(1, 2, 0).numpy())
