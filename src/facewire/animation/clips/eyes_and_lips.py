"""Eyes and lips of a clip, in every frame open as far as a driver's at that moment; all other motion stays.

    frame -> square of the head -> its keypoints, how far its own eyes and lips are open --+
    driver's openness at the frame's moment ---------------------------------------------+--> motion

Read once more for it: each frame is a photo of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from facewire.animation.animator import Animator, Pixels
from facewire.animation.clips.source_video import Clip
from facewire.animation.driving import RecordedMotion
from facewire.animation.survey import Progress
from facewire.animation.transfer import Face, retargeted_as
from facewire.base.errors import ConfigError, NoFaceFound
from facewire.face.crop import crop
from facewire.geometry.arrays import like
from facewire.geometry.head_motion import HeadMotion
from facewire.media.video import VideoReader


def opened(
    animator: Animator,
    clip: Clip,
    motions: HeadMotion,
    driver: RecordedMotion,
    parts: frozenset[str],
    progress: Progress | None = None,
) -> HeadMotion:
    """Return a clip's motions (T) with eyes or lips open as far as a driver's.

    Args:
        animator: LivePortrait's networks.
        clip: what is edited.
        motions: (T), of the clip with what was carried over.
        driver: measured, see `driving.record`.
        parts: eyes or lips.
        progress: told after every frame.

    Raises:
        ConfigError: the model cannot do it, or the driver was not measured.
        MediaError: the clip cannot be read.
    """
    if driver.openness is None:
        raise ConfigError("retarget", ",".join(sorted(parts)), "a driving video")
    wanted = openness_at(driver, clip.seconds)
    moved = []
    with VideoReader(clip.path) as reader:
        for row, frame in enumerate(islice(reader, clip.first, clip.first + len(clip))):
            motion = motions[row : row + 1]
            if clip.present[row]:
                picture = crop(frame.pixels, clip.place(frame), animator.size)
                motion = _opened(animator, picture, motion, wanted[row : row + 1], parts)
            moved.append(motion)
            if progress is not None:
                progress("measuring the clip", row + 1, len(clip))
    return HeadMotion.cat(moved)


def openness_at(driver: RecordedMotion, seconds: Sequence[float]) -> NDArray[np.float32]:
    """Return how far a driver's eyes and lips are open (T, 3) at T moments, in seconds from its first frame on."""
    assert driver.openness is not None
    columns = [np.interp(seconds, driver.seconds, column) for column in driver.openness.T]
    return np.stack(columns, axis=1).astype(np.float32)


def _opened(
    animator: Animator,
    picture: Pixels,
    motion: HeadMotion,
    wanted: NDArray[np.float32],
    parts: frozenset[str],
) -> HeadMotion:
    """Return the motion (1) of a frame's head; as it is where the mesh finds nothing to measure."""
    identity = animator.identity(picture)
    face = Face(
        identity.canonical, lambda: identity, lambda: like(animator.openness(picture), motion.rotation)
    )
    try:
        return retargeted_as(animator.foreign, face, motion, like(wanted, motion.rotation), parts)
    except NoFaceFound:
        return motion
