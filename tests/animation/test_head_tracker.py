"""Following a head: when the whole frame is searched, when the square moves, when it is given up."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, cast

import numpy as np
import torch

from facewire.animation.head_tracker import PATIENCE, HeadTracker
from facewire.engines.engine import Engine, FaceSquare, Reading
from facewire.face.finder import Face, FaceFinder
from facewire.geometry.head_motion import HeadMotion
from facewire.media.frame import Pixels

SIDE = 64
RATE = 25


class Spot:
    """Engine and finder in one: the face is the bright square of the frame."""

    size = SIDE

    def __init__(self) -> None:
        self.searches = 0
        self.given: list[FaceSquare | None] = []

    def find(self, photo: Pixels) -> list[Face]:
        self.searches += 1
        box = _bright(photo)
        return [] if box is None else [Face(box, 1.0, np.zeros((478, 3)), 1.0)]

    def read(self, picture: Pixels, square: FaceSquare | None = None) -> Reading:
        self.given.append(square)
        box = _bright(picture)
        motion = HeadMotion(torch.eye(3)[None], torch.zeros(1, 3), torch.zeros(1, 2, 3))
        whole = FaceSquare(np.full((1, 2), 0.5, np.float32), np.eye(2, dtype=np.float32)[None])
        face = (np.array(box or (0, 0, SIDE, SIDE)) / SIDE).astype(np.float32)
        return Reading(motion, 0.0 if box is None else 1.0, whole, face)


def _bright(picture: Pixels) -> tuple[float, float, float, float] | None:
    rows, columns = np.nonzero(picture[..., 0] > 128)
    if len(rows) == 0:
        return None
    return float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1)


def frame(left: int | None, top: int = 60, side: int = 60) -> Pixels:
    picture = np.zeros((240, 320, 3), np.uint8)
    if left is not None:
        picture[top : top + side, left : left + side] = 255
    return picture


def tracker() -> tuple[HeadTracker, Spot]:
    spot = Spot()
    return HeadTracker(cast(Engine, spot), finder=cast(FaceFinder, cast(Any, spot))), spot


def test_one_search_then_only_reading_with_the_square_of_the_frame_before() -> None:
    eyes, spot = tracker()
    looks = [eyes.look(frame(130), index / RATE) for index in range(5)]
    assert spot.searches == 1
    assert spot.given[0] is None
    assert all(square is not None for square in spot.given[1:])
    assert all(look.motion is not None for look in looks)
    assert len({look.box for look in looks}) == 1


def test_small_movements_leave_the_square_and_large_ones_take_it_along() -> None:
    eyes, _ = tracker()
    first = eyes.look(frame(130), 0.0).box
    assert eyes.look(frame(136), 0.04).box == first
    looks = [eyes.look(frame(160), 0.08 + index / RATE) for index in range(60)]
    last = looks[-1].box
    assert first is not None
    assert last is not None
    assert 25 <= last.left - first.left <= 31
    steps = [b.box.left - a.box.left for a, b in pairwise(looks) if a.box and b.box]
    assert max(steps) <= 6
    assert all(look.motion is not None for look in looks)


def test_a_lost_head_is_given_up_after_some_frames_and_searched_at_most_twice_a_second() -> None:
    eyes, spot = tracker()
    eyes.look(frame(130), 0.0)
    looks = [eyes.look(frame(None), (1 + index) / RATE) for index in range(PATIENCE + 26)]
    assert all(look.motion is None for look in looks)
    assert [look.picture is not None for look in looks[: PATIENCE + 1]] == [True] * PATIENCE + [False]
    assert spot.searches <= 1 + 3
    assert eyes.look(frame(20), 3.0).motion is not None


def test_no_head_at_all_is_an_answer_not_an_error() -> None:
    eyes, spot = tracker()
    look = eyes.look(frame(None), 0.0)
    assert (look.motion, look.picture, look.presence) == (None, None, 0.0)
    assert spot.given == []
