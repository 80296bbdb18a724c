"""Equivariance error: do keypoints move with the picture (the paper's term E, on clips nobody trained on)?

    frame d ------------------------> x_d
    d changed by T (smooth, random) -> x_T    error |x_d - T(x_T)| in x and y, pixels of a 256-pixel picture

T is drawn as in training (geometry/transform.py). Beside it stands the error of keypoints that stay where they are,
|x_d - T(x_d)|: what a model that sees no change would have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from facewire.animation.animator import Animator
from facewire.evaluation.measuring.clips import EvaluationClip
from facewire.geometry.keypoints import CanonicalKeypoints, Keypoints, place
from facewire.geometry.transform import random_transform
from facewire.media.frame import Pixels

STRIDE = 25
"""Every n-th frame of a clip is changed once."""
PIXELS = 128.0
"""Of a 256-pixel picture in a picture unit."""


@dataclass(frozen=True, slots=True)
class Equivariance:
    """Mean distances in pixels of a 256-pixel picture, per keypoint and coordinate, over clips.

    error     |x_d - T(x_T)|
    unmoved   |x_d - T(x_d)|: of keypoints that do not notice T
    """

    error: float
    unmoved: float


@torch.inference_mode()
def equivariance_of(
    animator: Animator, clips: Sequence[EvaluationClip], stride: int = STRIDE, seed: int = 1
) -> Equivariance:
    """Return the equivariance error of a model on clips.

    Raises:
        MediaError: a clip cannot be read.
    """
    generator = torch.Generator().manual_seed(seed)
    rows = [_of_clip(animator, list(clip.frames(animator.size, stride)), generator) for clip in clips]
    error, unmoved = torch.tensor(rows).mean(dim=0).tolist()
    return Equivariance(error, unmoved)


def _of_clip(animator: Animator, frames: list[Pixels], generator: torch.Generator) -> tuple[float, float]:
    canonical = animator.person(frames[0], crop_mode="none").identity.canonical
    rows = [_of_frame(animator, canonical, frame, generator) for frame in frames]
    error, unmoved = torch.tensor(rows).mean(dim=0).tolist()
    return error, unmoved


def _of_frame(
    animator: Animator, canonical: CanonicalKeypoints, frame: Pixels, generator: torch.Generator
) -> tuple[float, float]:
    image = animator.tensor([frame])
    bend = random_transform(1, generator, device=torch.device(animator.device))
    plain: Keypoints = place(canonical, animator.model.motion(image))
    bent: Keypoints = place(canonical, animator.model.motion(bend.image(image)))
    there, here = bent.points[..., :2], plain.points[..., :2]
    return (
        PIXELS * float((here - bend.points(there)).abs().mean()),
        PIXELS * float((here - bend.points(here)).abs().mean()),
    )
