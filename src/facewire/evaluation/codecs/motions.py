"""The motion of a folder of head crops, as coding tables are fitted to.

clips -> networks -> (T, 6 + 3K) a clip, mean canonical keypoints (K, 3)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from facewire.animation.animator import BATCH, Animator
from facewire.animation.survey import Progress
from facewire.base.batches import in_batches
from facewire.evaluation.measuring.clips import EvaluationClip
from facewire.talks.bridge import to_frames

Array = npt.NDArray[np.float64]


def motions_of(
    animator: Animator, clips: Sequence[EvaluationClip], progress: Progress | None = None
) -> tuple[list[Array], Array]:
    """Return every clip's motion and the mean canonical keypoints of the first frames.

    Args:
        animator: whose networks read.
        clips: at least one, of at least one frame.
        progress: told after every clip.

    Raises:
        MediaError: a clip cannot be read, or its pictures are not square.
    """
    motions, canonical = [], []
    for number, clip in enumerate(clips, start=1):
        rows: list[Array] = []
        for pictures in in_batches(clip.frames(animator.size), BATCH):
            if not rows:
                person = animator.person(pictures[0], crop_mode="none")
                canonical.append(person.identity.canonical.points[0].double().cpu().numpy())
            rows += [frame.vector().astype(np.float64) for frame in to_frames(animator.read(pictures)[0])]
        motions.append(np.stack(rows))
        if progress is not None:
            progress("reading motion", number, len(clips))
    return motions, np.mean(canonical, axis=0)
