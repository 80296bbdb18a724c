"""A sender's eyes: camera frames in, head motions out, following one head.

no head yet   whole frame -> face finder -> square          at most twice a second
every frame   square cut out -> engine.read -> motion -> smoothed
head travels  the square glides after it, slowly; a head that only moves about leaves it where it is
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from facewire.animation.smoothing import MotionSmoother
from facewire.engines.choice import face_networks
from facewire.engines.engine import Engine, FaceSquare, Reading
from facewire.face.crop import CropBox, crop, crop_box_from_faces
from facewire.face.finder import Face, FaceFinder
from facewire.geometry.head_motion import HeadMotion
from facewire.media.frame import Pixels

SEARCH_EVERY = 0.5
"""Seconds between looks at the whole frame while no head is there."""
PATIENCE = 5
"""Frames without a face before the square is given up."""
EDGE = 0.03
"""A face nearer to the border of the square than this share of its side makes the square move."""
SIZES = (0.35, 0.8)
"""So does a face whose height is a smaller or larger share of it."""
ARRIVED = 0.01
"""The square stands again when it is this near to its aim, in shares of its side."""
GLIDE_SECONDS = 0.4
"""Time constant of a moving square."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen in one frame.

    motion    smoothed; None without a face
    presence  probability of a face in the square
    picture   (S, S, 3) the head crop, None while no head is known
    box       where it was cut
    """

    motion: HeadMotion | None
    presence: float
    picture: Pixels | None
    box: CropBox | None


NOTHING = Look(None, 0.0, None, None)


class HeadTracker:
    """Follows one head through the frames of one camera; used by one thread.

    Args:
        engine: what reads the motion.
        smooth: takes the tremble out (animation/smoothing.py).
        face: which face to follow from the first frame on, most prominent first.
        finder: shared with others; None loads one when it is needed.
    """

    def __init__(
        self, engine: Engine, *, smooth: bool = True, face: int = 0, finder: FaceFinder | None = None
    ) -> None:
        self.engine = engine
        self.face = face
        self._finder = finder
        self._smoother = MotionSmoother() if smooth else None
        self._place: tuple[float, float, float] | None = None
        self._square: FaceSquare | None = None
        self._gliding = False
        self._missed = 0
        self._searched = -math.inf
        self._time = -math.inf

    def look(self, frame: Pixels, time: float) -> Look:
        """Return what a frame (H, W, 3) shows, `time` being when it was taken in seconds."""
        if self._place is None and not self._search(frame, time):
            return NOTHING
        box = self._box()
        picture = crop(frame, box, self.engine.size)
        reading = self.engine.read(picture, self._square)
        if not reading.present and self._square is not None:  # the face jumped: look for it in the whole crop
            reading = self.engine.read(picture)
        if not reading.present:
            self._miss()
            return Look(None, reading.presence, picture, box)
        self._missed, self._square = 0, reading.square
        motion = reading.motion if self._smoother is None else self._smoother(reading.motion, time)
        self._follow(reading, box, frame.shape[0], frame.shape[1], time)
        return Look(motion, reading.presence, picture, box)

    def reset(self) -> None:
        """Forget the head (another camera, another person)."""
        self._place = self._square = None
        self._gliding = False
        self._missed = 0
        self._searched = -math.inf
        if self._smoother is not None:
            self._smoother.reset()

    def _search(self, frame: Pixels, time: float) -> bool:
        if 0 <= time - self._searched < SEARCH_EVERY:
            return False
        self._searched = time
        if self._finder is None:
            self._finder = FaceFinder(face_networks(self.engine))
        faces = self._finder.find(frame)
        if not faces:
            return False
        chosen = faces[min(self.face, len(faces) - 1)]
        self._put(crop_box_from_faces([chosen], *frame.shape[:2]))
        return True

    def _miss(self) -> None:
        self._square = None
        self._missed += 1
        if self._missed >= PATIENCE:
            self.reset()

    def _follow(self, reading: Reading, box: CropBox, height: int, width: int, time: float) -> None:
        """Let the square glide after a face that leaves it."""
        seconds, self._time = min(max(time - self._time, 0.0), 1.0), time
        low, high = reading.face[:2], reading.face[2:]
        tall = float(high[1] - low[1])
        if low.min() < EDGE or high.max() > 1 - EDGE or not SIZES[0] < tall < SIZES[1]:
            self._gliding = True
        if not self._gliding:
            return
        left, top, right, bottom = (reading.face * box.side + (box.left, box.top) * 2).tolist()
        seen = Face((left, top, right, bottom), 1.0, np.empty((0, 3)), reading.presence)
        aim = crop_box_from_faces([seen], height, width)
        assert self._place is not None
        share = 1 - math.exp(-seconds / GLIDE_SECONDS)
        ends = [(now, then) for now, then in zip(self._place, (aim.left, aim.top, aim.side), strict=True)]
        self._place = tuple(now + share * (then - now) for now, then in ends)  # type: ignore[assignment]
        self._gliding = max(abs(now - then) for now, then in ends) > ARRIVED * box.side
        self._square = _moved(reading.square, box, self._box())

    def _put(self, box: CropBox) -> None:
        self._place, self._square = (float(box.left), float(box.top), float(box.side)), None

    def _box(self) -> CropBox:
        assert self._place is not None
        left, top, side = self._place
        return CropBox(round(left), round(top), max(1, round(side)))


def _moved(square: FaceSquare, before: CropBox, after: CropBox) -> FaceSquare:
    """Return a square in fractions of another crop."""
    shift = np.array((before.left - after.left, before.top - after.top), np.float32)
    scale = np.float32(before.side / after.side)
    return FaceSquare(square.centre * scale + shift / np.float32(after.side), square.axes * scale)
