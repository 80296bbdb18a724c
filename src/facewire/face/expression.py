"""Numbers read off a face's points: how open the mouth and the eyes are, where the eyes look.

All of them are ratios of distances on the same face, so that size, place and tilt cancel. Turning the head
shortens distances in a picture; with three-dimensional points that cancels too. But the mesh knows the depth
of lids and lips only roughly: up to some 20 degrees of yaw, x and y alone (`landmarks[..., :2]`) are the
steadier choice.

Points may come in three orders, told apart by their count:

    468 or 478   the mesh (facewire.face.networks.mesh, facewire.face.networks.attention)
    68           the classical order: jaw, brows, nose, eyes, mouth
    78           the classical order, then the iris on the left of the picture and the other one (5 each)

"Left" and "right" mean the sides of the picture.

Knows nothing about networks or pictures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facewire.base.errors import ShapeError
from facewire.face.mesh_points import ATTENTION_POINTS, MESH_POINTS
from facewire.geometry.arrays import Numbers, library

if TYPE_CHECKING:
    from torch import Tensor

# fmt: off
SIXTY_EIGHT = (
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,  # 0-16 jaw
    71, 63, 105, 66, 107, 336, 296, 334, 293, 301,                                      # 17-26 brows
    168, 197, 5, 4, 75, 97, 2, 326, 305,                                                # 27-35 nose
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,                          # 36-47 eyes
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,                                # 48-59 lips, outer
    78, 82, 13, 312, 308, 317, 14, 87,                                                  # 60-67 lips, inner
)
"""Mesh point that stands for each point of the classical 68.

All eyes and lips are exact counterparts. The jaw is only near: the classical outline runs along the visible
edge of the face and slides over the skin when the head turns, mesh points are fixed to the skin."""
# fmt: on

SEVENTY_EIGHT = (*SIXTY_EIGHT, *range(MESH_POINTS, ATTENTION_POINTS))
"""The same with both irises; needs the 478-point mesh."""

LIP_GAPS = ((61, 67), (62, 66), (63, 65))
"""Pairs of opposite points on the inner lips, in the classical order."""

MOUTH_CORNERS = (60, 64)

LID_GAPS = (((37, 41), (38, 40)), ((43, 47), (44, 46)))
"""Pairs of opposite points on the lids, left eye then right, in the classical order."""

EYE_CORNERS = ((36, 39), (42, 45))
"""Corners of the left and of the right eye, each from left to right, in the classical order."""

IRIS_CENTRES = (68, 73)


def mouth_aperture(landmarks: Tensor) -> Tensor:
    """Measure how far the mouth is open: mean gap of the inner lips over the width between their corners.

    Args:
        landmarks: [*, N, 2 or 3] in one of the three orders, any unit.

    Returns:
        [*], 0 for closed lips, about 0.3 in speech, above 0.8 for a yawn.
    """
    points, torch = in_classical_order(landmarks), library(landmarks)
    gap = torch.stack([_distance(points, pair) for pair in LIP_GAPS]).mean(dim=0)
    aperture: Tensor = gap / _distance(points, MOUTH_CORNERS)
    return aperture


def eye_aperture(landmarks: Tensor) -> Tensor:
    """Measure how far each eye is open: mean gap of the lids over the width between the eye's corners.

    Args:
        landmarks: [*, N, 2 or 3] in one of the three orders, any unit.

    Returns:
        [*, 2], left and right eye of the picture; 0.25 to 0.4 open, below about 0.15 closed.
    """
    points, torch = in_classical_order(landmarks), library(landmarks)
    ratios = []
    for gaps, corners in zip(LID_GAPS, EYE_CORNERS, strict=True):
        gap = torch.stack([_distance(points, pair) for pair in gaps]).mean(dim=0)
        ratios.append(gap / _distance(points, corners))
    apertures: Tensor = torch.stack(ratios, dim=-1)
    return apertures


def gaze_offset(landmarks: Tensor) -> Tensor:
    """Measure where each iris stands in its eye.

    Args:
        landmarks: [*, 478, 2 or 3] or [*, 78, 2 or 3], any unit; depth is ignored.

    Returns:
        [*, 2, 2]: left and right eye of the picture; then the way from the middle between the eye's corners
        to the centre of the iris, along the line from the left corner to the right one and downwards at
        right angles to it, over the distance of the corners. (0.1, 0) looks to the image's right.

    Raises:
        ShapeError: the points have no irises.
    """
    points = in_classical_order(landmarks)
    if points.shape[-2] != len(SEVENTY_EIGHT):
        raise ShapeError("landmarks", "[*, 478 or 78, 2 or 3] (with irises)", tuple(landmarks.shape))
    points, torch = points[..., :2], library(points)
    offsets = []
    for (left, right), iris in zip(EYE_CORNERS, IRIS_CENTRES, strict=True):
        axis = points[..., right, :] - points[..., left, :]
        away = points[..., iris, :] - (points[..., right, :] + points[..., left, :]) / 2
        down = torch.stack((-axis[..., 1], axis[..., 0]), dim=-1)
        along = torch.stack(((away * axis).sum(-1), (away * down).sum(-1)), dim=-1)
        offsets.append(along / axis.square().sum(-1, keepdim=True))
    both: Tensor = torch.stack(offsets, dim=-2)
    return both


def in_classical_order(landmarks: Numbers) -> Numbers:
    """Bring points into the classical order.

    Args:
        landmarks: [*, N, 2 or 3], N one of 68, 78, 468, 478.

    Returns:
        [*, 78, 2 or 3] if there are irises, else [*, 68, 2 or 3].
    """
    order: dict[int, tuple[int, ...] | None]
    order = {68: None, 78: None, MESH_POINTS: SIXTY_EIGHT, ATTENTION_POINTS: SEVENTY_EIGHT}
    if landmarks.ndim < 2 or landmarks.shape[-2] not in order or landmarks.shape[-1] not in (2, 3):
        raise ShapeError("landmarks", "[*, 68, 78, 468 or 478, 2 or 3]", tuple(landmarks.shape))
    indices = order[landmarks.shape[-2]]
    return landmarks if indices is None else landmarks[..., list(indices), :]


def _distance(points: Tensor, pair: tuple[int, int]) -> Tensor:
    away = points[..., pair[0], :] - points[..., pair[1], :]
    return away.square().sum(-1).sqrt()
