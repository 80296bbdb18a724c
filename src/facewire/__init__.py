"""Facewire: one photo and a thin stream of numbers become a talking head.

    import facewire

    animator = facewire.load()
    person = animator.person("photo.jpg")
    recorded = facewire.record(animator, "driving.mp4")
    for picture in animator.render(person, recorded.motions):   # uint8 (256, 256, 3)
        ...

Importing this package is light; torch is loaded by the first call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from facewire.animation.animator import Animator
    from facewire.animation.driving import RecordedMotion

__version__ = "0.1.0"
__all__ = ["__version__", "load", "record"]


def load(weights: str | Path = "compact-256", device: str = "cpu") -> Animator:
    """Return an animator with published weights (by name) or a weights file (by path).

    Raises:
        WeightsError: the weights cannot be used.
    """
    from facewire.animation.animator import Animator

    return Animator.load(weights, device)


def record(animator: Animator, video: str | Path, crop: str = "auto") -> RecordedMotion:
    """Return the head motion of a driving video; crop is "auto" or "none" (frames are head crops already).

    Raises:
        MediaError: the video cannot be read, or shows no face.
    """
    from facewire.animation.driving import record as read

    return read(animator, video, crop_mode=crop)
