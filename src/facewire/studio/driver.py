"""A driver read once: its motion, and the curves that the timeline shows of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facewire.animation.animator import Animator
from facewire.animation.driving import RecordedMotion, record
from facewire.animation.smoothing import smoothed
from facewire.animation.survey import Progress
from facewire.geometry.pose import angles_from_rotation
from facewire.networks.compact.guides import GUIDES
from facewire.talks.motion_file import is_motion_file, read_motion

Values = NDArray[Any]
MOST_POINTS = 600
"""Of a curve."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Curves:
    """What a driver does, at even steps.

    mouth  how far the lips are apart, 0 to 1 between the least and the most of this driver
    yaw    degrees; pitch  degrees
    """

    mouth: tuple[float, ...]
    yaw: tuple[float, ...]
    pitch: tuple[float, ...]


def read_driver(
    animator: Animator, path: Path, *, face: int, until: float | None, progress: Progress
) -> RecordedMotion:
    """Return the motion of a video or a recorded motion, as `facewire animate` reads it.

    Raises:
        FacewireError: it cannot be read.
    """
    if is_motion_file(path):
        return read_motion(path, animator)
    return record(animator, path, face=face, until=until, progress=progress)


def steady(recorded: RecordedMotion) -> RecordedMotion:
    """Return a motion without its tremble."""
    return replace(recorded, motions=smoothed(recorded.motions, recorded.seconds, recorded.stretches))


def curves_of(recorded: RecordedMotion) -> Curves:
    """Return the curves of a motion."""
    seconds = np.array(recorded.seconds)
    steps = np.linspace(0, seconds[-1], min(MOST_POINTS, len(seconds)))
    motions = recorded.motions.arrays()
    yaw, pitch, _ = angles_from_rotation(motions.rotation)

    def at_steps(values: Values, digits: int) -> tuple[float, ...]:
        return tuple(np.interp(steps, seconds, values).round(digits).tolist())

    return Curves(
        mouth=at_steps(_opening(motions.rotation, motions.expression), 3),
        yaw=at_steps(np.rad2deg(yaw), 1),
        pitch=at_steps(np.rad2deg(pitch), 1),
    )


def _opening(rotation: Values, expression: Values) -> Values:
    """Return how far the lips are apart, 0 to 1 between the least and the most, (T); 0 without guided keypoints."""
    names = [guide.name for guide in GUIDES]
    if expression.shape[1] <= len(names):
        return np.zeros(len(expression))
    own = expression @ rotation  # R^T of every keypoint
    apart = own[:, names.index("lower lip"), 1] - own[:, names.index("upper lip"), 1]
    least, most = apart.min(), apart.max()
    return np.asarray((apart - least) / max(most - least, 1e-6))
