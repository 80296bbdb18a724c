"""The only crossing between what networks say and the wire: HeadMotion <-> MotionFrame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from facewire.base.errors import ConfigError
from facewire.codec.state import MotionFrame
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.pose import angles_from_rotation, rotation_from_angles


def to_frames(motions: HeadMotion, kept: int | None = None) -> Iterator[MotionFrame]:
    """Yield one wire frame per motion; `kept` keypoints of the ordered list are used, None means all.

    Raises:
        ConfigError: the keypoints have Jacobians of their own, which the format does not carry.
    """
    if motions.jacobians is not None:
        raise ConfigError("weights", "keypoints with own Jacobians", "weights of another variant for coding")
    now = motions.arrays()
    angles = np.stack(angles_from_rotation(now.rotation), axis=-1)
    rows = [part.astype(np.float32) for part in (angles, now.translation, now.expression)]
    for turn, shift, delta in zip(*rows, strict=True):
        yield MotionFrame(turn, shift, delta, kept)


def to_motions(frames: Sequence[MotionFrame]) -> HeadMotion:
    """Return the motions of wire frames, as arrays."""
    angles = np.stack([frame.angles for frame in frames])
    return HeadMotion(
        rotation_from_angles(*np.moveaxis(angles, -1, 0)),
        np.stack([frame.translation for frame in frames]),
        np.stack([frame.expression for frame in frames]),
    )
