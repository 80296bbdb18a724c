"""Stand-ins for the networks, so that the call is tested without them: the first pixel says which motion it is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from facewire.call.person.engine import Seen
from facewire.call.person.portrait import Portrait
from facewire.codec.state import MotionFrame
from facewire.codec.tables.shipped import shipped_tables
from facewire.engines.engine import Prepared
from facewire.engines.parts import Drawn
from facewire.face.finder import Face, FaceFinder
from facewire.talks.bridge import to_frames, to_motions

SIZE = 64
KEYPOINTS = shipped_tables().keypoints
Pixels = NDArray[np.uint8]


def frame(step: int, side: int = SIZE) -> Pixels:
    """Return a picture with structure whose first pixel says which step it is."""
    y, x = np.mgrid[0:side, 0:side] * (SIZE / side)
    grey = 120 + 60 * np.sin(x / 3) * np.cos(y / 4)
    picture = np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)
    picture[0, 0] = step % 256
    return picture


def motion(step: int) -> MotionFrame:
    """Return a smooth motion of a step."""
    t = step / 25
    angles = np.array((0.2 * np.sin(t), 0.1 * np.sin(0.7 * t), 0.05 * np.sin(1.3 * t)), np.float32)
    phase = np.arange(KEYPOINTS * 3).reshape(-1, 3)
    delta = (0.02 * np.sin(2.1 * t + phase)).astype(np.float32)
    return MotionFrame(angles, np.array((0.02 * np.sin(t), 0, 0), np.float32), delta)


class StandInEngine:
    """Reads the step from the first pixel, renders the source."""

    size = SIZE
    keypoints = KEYPOINTS
    fingerprint = bytes(8)

    def __init__(self) -> None:
        self.present = True

    def person(self, picture: Pixels) -> Portrait:
        return Portrait(cast(Prepared, SimpleNamespace(buffers=picture)))

    def own_motion(self, person: Portrait) -> MotionFrame:
        return motion(0)

    def read(self, crop: Pixels, now: float) -> Seen:
        return Seen(motion(int(crop[0, 0, 0])), self.present)

    framing = None

    def relative(self, motion: MotionFrame, reference: MotionFrame, own: MotionFrame) -> MotionFrame:
        driven, first, source = (to_motions([frame]) for frame in (motion, reference, own))
        return next(to_frames(driven.relative(first, source)))

    def render(
        self, person: Portrait, motion: MotionFrame, turn: NDArray[np.float32] | None = None
    ) -> Pixels:
        return cast(Pixels, person.prepared.buffers)

    def draw(self, person: Portrait, motion: MotionFrame) -> Drawn | None:
        return None


class StandInFinder:
    """Finds one face that fills the picture as a head crop does, and as many others as it is told to."""

    def __init__(self) -> None:
        self.others = 0
        self.there = True

    def find(self, photo: Pixels) -> list[Face]:
        return [self._face(photo)] if self.there else []

    def track(self, photo: Pixels, previous: Face) -> Face | None:
        return self._face(photo) if self.there else None

    def detect(self, photo: Pixels, level: int = 0) -> list[Any]:
        side = photo.shape[0]
        boxes = [(0.0, 0.0, 0.3 * side, 0.5 * side)] * self.others
        return [SimpleNamespace(box=box, score=0.9) for box in boxes]

    def _face(self, photo: Pixels) -> Face:
        side = photo.shape[0]
        box = (0.3 * side, 0.25 * side, 0.7 * side, 0.82 * side)
        return Face(box, 0.95, np.zeros((478, 3)), 0.99)


def engine() -> StandInEngine:
    """Return the stand-in for the networks."""
    return StandInEngine()


def finder() -> FaceFinder:
    """Return the stand-in for the face finder."""
    return cast(FaceFinder, StandInFinder())
