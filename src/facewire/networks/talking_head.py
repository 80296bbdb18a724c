"""The promise that every face model of the project keeps; what engines and training are written against.

    source picture --identity--> Identity --------+
                                                  +--render--> picture
    driving picture --motion--> HeadMotion -------+
                                (the only thing that is sent)

The paper's networks (paper/face_vid2vid.py) and the compact model both satisfy it.
"""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from facewire.geometry.head_motion import HeadMotion
from facewire.networks.types import Identity


class TalkingHead(Protocol):
    """One photo and a stream of head motions become a talking head."""

    @property
    def resolution(self) -> int:
        """Height and width of the pictures in pixels."""

    @property
    def keypoints(self) -> int:
        """K, the number of keypoints in every HeadMotion."""

    def identity(self, image: Tensor) -> Identity:
        """Return what is kept of source pictures (B, 3, H, W), RGB in [0, 1]; run once per source."""

    def motion(self, image: Tensor) -> HeadMotion:
        """Return the head motion of pictures (B, 3, H, W), RGB in [0, 1]; run once per driving frame."""

    def render(self, identity: Identity, motion: HeadMotion, kept: int | Tensor | None = None) -> Tensor:
        """Return pictures (B, 3, H, W), RGB in [0, 1].

        Args:
            identity: one source for all frames, or one per frame.
            motion: B driving motions.
            kept: how many of the ordered keypoints are known, for all frames or per frame (B,); None is all.
        """
