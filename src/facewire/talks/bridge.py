"""The only crossing between tensors and the wire: HeadMotion <-> MotionFrame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

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
    angles = torch.stack(angles_from_rotation(motions.rotation), dim=-1)
    rows = [
        part.cpu().numpy().astype(np.float32) for part in (angles, motions.translation, motions.expression)
    ]
    for turn, shift, delta in zip(*rows, strict=True):
        yield MotionFrame(turn, shift, delta, kept)


def to_motions(frames: Sequence[MotionFrame]) -> HeadMotion:
    """Return the motions of wire frames, on the CPU."""
    angles = torch.from_numpy(np.stack([frame.angles for frame in frames]))
    return HeadMotion(
        rotation_from_angles(*angles.unbind(dim=-1)),
        torch.from_numpy(np.stack([frame.translation for frame in frames])),
        torch.from_numpy(np.stack([frame.expression for frame in frames])),
    )
