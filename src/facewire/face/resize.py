"""Pictures at another size, as the detector and the crop need them.

The filter's support is widened when shrinking, so every pixel counts. Knows nothing about faces.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from facewire.media.image import resize

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
    """
    return resize(photo, (width, height), method=method)
