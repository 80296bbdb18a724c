"""The webcam as a driver: the page's pictures in, the head's motion out, following one head."""

from __future__ import annotations

import cv2
import numpy as np

from facewire.animation.animator import Animator
from facewire.animation.head_tracker import HeadTracker
from facewire.engines.engine import Engine
from facewire.engines.torch_engine import TorchEngine
from facewire.media.frame import Pixels
from facewire.studio.preview.moment import Live

LONGEST = 1280
"""Pixels; larger pictures are not looked at."""


class WebcamReader:
    """Reads motion of one webcam; used by one thread at a time.

    Args:
        animator: whose networks read.
        engine: what computes; None takes the reference.
    """

    def __init__(self, animator: Animator, engine: Engine | None) -> None:
        self._tracker = HeadTracker(engine or TorchEngine(animator.model), finder=animator.finder)
        self.live: Live | None = None
        """What it shows; None until a face was seen."""
        self.face = False
        """Whether the last picture showed a face."""

    def look(self, data: bytes, time: float) -> bool:
        """Take a picture as JPEG, `time` being when it came in seconds; return whether it shows a face.

        The first motion stands for the photo's own pose and expression.
        """
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
        if picture is None or max(picture.shape) > LONGEST:
            return False
        frame: Pixels = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
        motion = self._tracker.look(frame, time).motion
        if motion is not None:
            self.live = Live(motion, self.live.reference if self.live else motion)
        return motion is not None
