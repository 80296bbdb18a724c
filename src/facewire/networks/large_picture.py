"""A frame put together at any size from the whole photo; the reference for animation/composition/.

    fields (64), shares, repair (256) -> times the window -> as large as the square in the photo
    frame = (1 - window) photo + sum_i window shares_i read(picture_i, p + window displacement_i) + window repair

The window (fading.py) falls from 1 to 0 towards the sides where the photo goes on. Displacements are read from the
photo beyond the square where they lead there. Where the photo fades in and the person is not, the first
candidate is shown in its place: what stands behind. At the border, where nobody moves, that is the photo again.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from facewire.geometry.grid import image_grid
from facewire.geometry.warp import resize_flow, warp_image
from facewire.networks.composition import Composition
from facewire.networks.sources import PERSON, PHOTO

MATTE, BEHIND = "matte", "background"
"""What PERSON is read from beside the photo: the share of the person (1, 1, H, W), and what stands behind."""


def displacement(flow: Tensor, size: int) -> Tensor:
    """Return how far away a flow (B, h, w, 2) reads, in shares of the side, (B, size, size, 2)."""
    flow = resize_flow(flow, size, size)
    return (flow - image_grid(size, size, device=flow.device)) * ((size - 1) / (2 * size))


def put_together(
    composition: Composition, pictures: Mapping[str, Tensor], square: tuple[int, int, int], window: Tensor
) -> Tensor:
    """Return frames (B, 3, side, side) in [0, 1].

    Args:
        composition: of B frames.
        pictures: PHOTO, (1, 3, H, W) in [0, 1]; with candidates of PERSON also MATTE and BEHIND, as large.
        square: left, top and side of the crop in the photo, in pixels; it may reach beyond the photo.
        window: (S, S) of `fading.Fading`; S is the size of the shares.
    """
    photo, (batch, _, size, _) = pictures[PHOTO], composition.shares.shape
    window = window.to(composition.shares.device)[None, None]
    still = torch.zeros(batch, size, size, 2, device=window.device)
    moved = [
        still if candidate.flow is None else displacement(candidate.flow, size) * window[0, 0, ..., None]
        for candidate in composition.candidates
    ]
    shares = list((composition.shares * window).split(1, dim=1))
    stays = 1 - window
    if composition.candidates and composition.candidates[0].of == PERSON:
        behind = stays * _nobody(pictures[MATTE], moved[0], square)
        shares[0], stays = shares[0] + behind, stays - behind
    frame = _enlarged(composition.repair * window, square[2])
    frame = frame + _enlarged(stays, square[2]) * _read(photo, still, square)
    for candidate, share, away in zip(composition.candidates, shares, moved, strict=True):
        frame = frame + _enlarged(share, square[2]) * _shown(candidate.of, pictures, away, square)
    return frame.clamp(0, 1)


def _nobody(matte: Tensor, moved: Tensor, square: tuple[int, int, int]) -> Tensor:
    """Return where nobody is now, (B, 1, S, S) in [0, 1].

    Args:
        matte: (1, 1, H, W) of the photo.
        moved: (B, S, S, 2), displacements of who is there now, in shares of the side.
        square: as `put_together` has it.
    """
    size = moved.shape[1]
    own = resized(_read(matte, torch.zeros_like(moved), square), size, "bilinear")
    flow = image_grid(size, size, device=moved.device) + moved * (2 * size / (size - 1))
    return 1 - warp_image(own, flow)


def _shown(of: str, pictures: Mapping[str, Tensor], moved: Tensor, square: tuple[int, int, int]) -> Tensor:
    """Return what a candidate shows at the square's pixels, displaced."""
    if of != PERSON:
        return _read(pictures[of], moved, square)
    matte, behind = pictures[MATTE], pictures[BEHIND]
    person = torch.cat((pictures[PHOTO] - (1 - matte) * behind, matte), dim=1)
    read = _read(person, moved, square)
    return read[:, :3] + (1 - read[:, 3:]) * _read(behind, torch.zeros_like(moved), square)


def _read(picture: Tensor, moved: Tensor, square: tuple[int, int, int]) -> Tensor:
    """Return what a picture shows at the square's pixels plus a displacement (B, S, S, 2) in shares of the side."""
    left, top, side = square
    batch, (height, width) = len(moved), picture.shape[2:]
    away = resized(moved.permute(0, 3, 1, 2), side, "bilinear").permute(0, 2, 3, 1) * side
    line = torch.arange(side, device=moved.device, dtype=moved.dtype)
    x, y = line[None, :] + left + away[..., 0], line[:, None] + top + away[..., 1]
    flow = torch.stack((2 * x / max(1, width - 1) - 1, 2 * y / max(1, height - 1) - 1), dim=-1)
    return warp_image(picture.expand(batch, -1, -1, -1), flow)


def _enlarged(maps: Tensor, side: int) -> Tensor:
    return resized(maps, side, "bicubic")


def resized(maps: Tensor, side: int, method: str) -> Tensor:
    """Return maps (B, C, S, S) at another size; where that is smaller, every cell counts (a triangle)."""
    if side < maps.shape[-1]:
        return F.interpolate(maps, (side, side), mode="bilinear", antialias=True)
    return F.interpolate(maps, (side, side), mode=method)
