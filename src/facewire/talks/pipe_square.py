"""The square of a head in a pipe, where nobody can look ahead further than the frames that are held.

held frames -> survey -> square
then, every few frames -> the face again -> still well inside? stay : glide after it
a cut -> the face of the new shot, at once
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from facewire.animation.survey import (
    LIGHT_SIDE,
    SIZES,
    SURVEY_EVERY,
    CropPath,
    CropPlan,
    Stretch,
    Surveyor,
    holding,
    light_of,
)
from facewire.base.errors import NoFaceFound
from facewire.face.crop import crop
from facewire.face.finder import Face, FaceFinder
from facewire.face.relatives.framing import Framing, upright_box
from facewire.media.frame import Frame
from facewire.media.timing.cuts import CutDetector

EDGE = 0.1
"""A face nearer to the border of the square than this share of its side makes the square glide: it is looked at only
every few frames."""
GLIDE_SECONDS = 0.3
"""Time constant of a gliding square."""
ARRIVED = 0.01
"""It stands again when it is this near to its aim, in shares of its side."""
EVERYWHERE = (-np.inf, np.inf)


class PipeSquare:
    """Goes after one head.

    Args:
        finder: finds faces.
        name: of the pipe, for error texts.
        face: which person, the most prominent first.
        held: the first frames, which `see` will be given again.
        framing: how squares are laid; None: as ours.

    Raises:
        ConfigError: `face` is negative.
        NoFaceFound: the held frames show faces, but not so many.
    """

    def __init__(
        self,
        finder: FaceFinder,
        name: str | Path,
        face: int,
        held: Sequence[Frame],
        framing: Framing | None = None,
    ) -> None:
        self._finder, self._wanted, self._framing = finder, face, framing
        self._cuts = CutDetector()
        self._number = 0
        self._shot_frames = 0
        self._stretch = 0
        self._face: Face | None = None
        self._place: np.ndarray | None = None
        self._aim: np.ndarray | None = None
        self._size = (0, 0)
        self._light = 0.0
        self._time = 0.0
        self._until = len(held)
        surveyor = Surveyor(finder, name, face, framing)
        for frame in held:
            surveyor.see(frame)
        self._plan: CropPlan | None = None
        try:
            self._plan = surveyor.plan()
        except NoFaceFound:
            if surveyor.people:
                raise

    def standing(self) -> CropPlan:
        """Return the squares of the held frames."""
        return self._plan or _plan(0, 1, None, 0.0)

    def see(self, frame: Frame) -> CropPlan:
        """Take the next frame and return a plan that holds for it."""
        time, number = float(frame.time), self._number
        self._number += 1
        cut = self._cuts.begins(frame.pixels) or frame.size != self._size
        self._size = frame.size
        if self._plan is not None and number < self._until:
            self._take_over(frame, self._plan)
            self._time = time
            return self._plan
        if cut and number:
            self._stretch, self._shot_frames = self._stretch + 1, 0
            self._face = self._place = self._aim = None
        gliding = self._aim is not None
        self._glide(time - self._time)
        if gliding or self._shot_frames % SURVEY_EVERY == 0:
            self._look(frame)
        self._shot_frames += 1
        self._time = time
        return _plan(self._stretch, frame.size[0], self._place, self._light)

    def _take_over(self, frame: Frame, plan: CropPlan) -> None:
        """Stand where the survey of the held frames puts the square."""
        self._stretch = plan.stretch(float(frame.time))
        stretch = plan.stretches[self._stretch]
        if stretch.path is None:
            self._place = None
            return
        box = stretch.path.at(float(frame.time), frame.size[0] / stretch.width)
        self._place, self._light = np.array((box.left, box.top, box.side), float), stretch.light

    def _look(self, frame: Frame) -> None:
        """Find the face again; where it leaves the square, say where to go."""
        pixels = frame.pixels
        face = None if self._face is None else self._finder.track(pixels, self._face)
        if face is None:
            face = self._nearest(self._finder.find(pixels))
        self._face = face
        if face is None:
            return
        own = upright_box(face, self._framing, *pixels.shape[:2])
        light = light_of(crop(pixels, own, LIGHT_SIDE))
        aim = np.array((own.left, own.top, own.side), float)
        if self._place is None:
            self._place, self._light = aim, light
        self._light += 0.2 * (light - self._light)
        if self._aim is not None or not _holds(self._place, face):
            self._aim = aim
            self._place = holding(self._place, np.array(face.box), *pixels.shape[:2])

    def _nearest(self, faces: list[Face]) -> Face | None:
        """Return the face in the square, or the one that is wanted where there is no square yet."""
        if not faces or self._place is None:
            return faces[min(self._wanted, len(faces) - 1)] if faces else None
        middle = self._place[:2] + self._place[2] / 2
        return min(faces, key=lambda face: math.dist(middle, _middle(face)))

    def _glide(self, seconds: float) -> None:
        if self._place is None or self._aim is None:
            return
        self._place += (1 - math.exp(-max(0.0, seconds) / GLIDE_SECONDS)) * (self._aim - self._place)
        if np.abs(self._place - self._aim).max() < ARRIVED * self._aim[2]:
            self._aim = None


def _holds(place: np.ndarray, face: Face) -> bool:
    """Say whether a square (left, top, side) holds a face well."""
    box = (np.array(face.box) - np.tile(place[:2], 2)) / place[2]
    return bool(box.min() > EDGE and box.max() < 1 - EDGE and SIZES[0] < box[3] - box[1] < SIZES[1])


def _middle(face: Face) -> tuple[float, float]:
    left, top, right, bottom = face.box
    return (left + right) / 2, (top + bottom) / 2


def _plan(number: int, width: int, place: np.ndarray | None, light: float) -> CropPlan:
    """Return the plan of one frame, which belongs to stretch `number`."""
    path = None if place is None else CropPath(np.zeros(1), place[None].copy())
    only = Stretch(-np.inf, width, path, light, EVERYWHERE)
    return CropPlan((only,), 1, 1, first=number)
