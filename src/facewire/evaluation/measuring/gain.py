"""Does a model move anything yet? Its L1 against that of the source picture repeated, in a minute.

The full protocol (reconstruction.py) needs faces found in every picture; a run that is watched while it trains needs
only to know whether it is past copying the source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facewire.animation.animator import Animator
from facewire.base.errors import MediaError
from facewire.evaluation.measuring.clips import EvaluationClip
from facewire.media.frame import Pixels

STRIDE = 25
"""Every n-th frame of a clip is measured."""


@dataclass(frozen=True, slots=True)
class Gain:
    """L1 of the model and of the source repeated, grey levels of 255; means over clips."""

    l1: float
    repeated: float

    @property
    def share(self) -> float:
        """How far below the source repeated the model is, a share of it; negative is worse than repeating."""
        return 1 - self.l1 / self.repeated


def gain_of(animator: Animator, clips: Sequence[EvaluationClip], stride: int = STRIDE) -> Gain:
    """Return what the first frame of each clip, moved by the driver, gains over itself.

    Raises:
        MediaError: a clip cannot be read or has no frame to measure.
    """
    numbers = [_of_clip(animator, clip, stride) for clip in clips]
    ours, repeated = np.mean(numbers, axis=0)
    return Gain(float(ours), float(repeated))


def _of_clip(animator: Animator, clip: EvaluationClip, stride: int) -> tuple[float, float]:
    source, *driving = clip.frames(animator.size, stride)
    if not driving:
        raise MediaError(clip.path, f"has no frame {stride} after the first")
    person = animator.person(source, crop_mode="none")
    made = [
        animator.render_batch(person, animator.motion([frame]))[0] for frame in driving
    ]  # one at a time: a pass over few frames needs no more memory than a frame
    return _l1(made, driving), _l1([source] * len(driving), driving)


def _l1(made: Sequence[Pixels], wanted: Sequence[Pixels]) -> float:
    pairs = zip(made, wanted, strict=True)
    return float(np.mean([np.abs(a.astype(np.int16) - b).mean() for a, b in pairs]))
