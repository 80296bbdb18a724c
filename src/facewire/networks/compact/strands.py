"""Loose hair before a plain background belongs to the person; once per source picture.

The matte's network sees strands as background, and there they would stand still behind a head that moves. What
stands beside a person is its hair if it is thin, if the background elsewhere has nothing so thin (a wall, not a
shelf), and if its colour is a mixture of what stands behind and of the person's hair.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from facewire.networks.compact.background import filled, grown

THIN = 9
"""Side in pixels of the square that a strand does not fill."""
CELL = 4
"""Side in pixels of the cells in which what is not thin is looked at."""
NEAR, SOFT = 15, 3
"""Sides in cells of the square by which the person is widened: strands are looked for there, and what stands behind
them is filled in from beyond; and of that over which the search ends."""
RIM = 3, 11
"""Sides in cells of the squares by which a person is narrowed: hair lies between the two, in a crop's upper half."""
PLAIN, ROUGH = 0.010, 0.020
"""How much of thin things, root mean square, a background may have, and from where on it is not looked at."""
FAINT, CLEAR = 0.02, 0.10
"""By how much a strand has to differ from what is around it, above four times that measure; and how much further
until it counts as nothing but hair."""
LIKE, LIKEST = 0.93, 0.98
"""Cosine between the directions in colour from what stands behind to the strand and to the hair: from the first on it
may be hair, from the second on it is."""


def with_strands(image: Tensor, matte: Tensor) -> Tensor:
    """Return the matte (B, 1, H, W) of pictures (B, 3, H, W) of head crops, with the strands beside the person."""
    cells, share = F.avg_pool2d(image, CELL), F.max_pool2d(matte, CELL)
    far = 1 - grown(share, NEAR)
    thin = torch.maximum(
        _narrowed(grown(image, THIN), THIN) - image, image - grown(_narrowed(image, THIN), THIN)
    )
    rough = _mean(F.avg_pool2d(thin * thin, CELL), far).mean(dim=1, keepdim=True).sqrt()
    behind = _enlarged(filled(cells, far))
    change, hair = image - behind, _hair(cells, share) - behind
    red, green, blue = torch.minimum(thin, change.abs()).split(1, dim=1)
    differs = torch.maximum(torch.maximum(red, green), blue)
    clear = ((differs - 4 * rough - FAINT) / CLEAR).clamp(0, 1)
    plain = ((ROUGH - rough) / (ROUGH - PLAIN)).clamp(0, 1)
    cosine = _dot(change, hair) / (_dot(change, change) * _dot(hair, hair)).clamp_min(1e-8).sqrt()
    like = ((cosine - LIKE) / (LIKEST - LIKE)).clamp(0, 1)
    near = _enlarged(F.avg_pool2d(1 - far, SOFT, stride=1, padding=SOFT // 2))
    return torch.maximum(matte, clear * like * plain * near)


def _hair(cells: Tensor, share: Tensor) -> Tensor:
    """Return the mean colour (B, 3, 1, 1) of a person's rim in the upper half of pictures."""
    upper = cells.shape[2] // 2
    outer, inner = (_narrowed(share, side)[:, :, :upper] for side in RIM)
    return _mean(cells[:, :, :upper], outer * (1 - inner))


def _mean(maps: Tensor, counts: Tensor) -> Tensor:
    """Return the mean of maps (B, C, H, W) where they count, (B, C, 1, 1); 0 where nothing does."""
    share = counts.mean(dim=(2, 3), keepdim=True).clamp_min(1e-6)
    return (maps * counts).mean(dim=(2, 3), keepdim=True) / share


def _dot(one: Tensor, other: Tensor) -> Tensor:
    red, green, blue = (one * other).split(1, dim=1)
    product: Tensor = red + green + blue
    return product


def _enlarged(cells: Tensor) -> Tensor:
    return F.interpolate(cells, scale_factor=float(CELL), mode="bilinear", align_corners=False)


def _narrowed(maps: Tensor, side: int) -> Tensor:
    """Return the least value in the square around each pixel."""
    return -grown(-maps, side)
