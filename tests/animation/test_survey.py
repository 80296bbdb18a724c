"""Where the square of a driving video lies: shots, people, heads that travel; faces are plain rectangles here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction

import numpy as np
import pytest

from facewire.animation.driving import DIM, head_square, lit
from facewire.animation.survey import CropPlan, Surveyor, light_of
from facewire.base.errors import ConfigError, NoFaceFound
from facewire.face.crop import UNION_SHARE, CropBox
from facewire.face.finder import Face
from facewire.face.pose import canonical_face
from facewire.media.frame import Frame, Pixels
from facewire.talks.pipe_square import PipeSquare

Box = tuple[int, int, int, int]
RATE = 25
ANNA, BERT = 250, 240
"""Red of the rectangles that stand for two people."""


class RectangleFinder:
    """Finds rectangles by their red; the larger first. Tracks only what has not moved far."""

    def find(self, photo: Pixels) -> list[Face]:
        faces = [face for red in (ANNA, BERT) if (face := _rectangle(photo, red)) is not None]
        return sorted(faces, key=lambda face: -face.area)

    def track(self, photo: Pixels, previous: Face) -> Face | None:
        for face in self.find(photo):
            moved = np.abs(np.array(face.box) - previous.box).max()
            if moved < 0.3 * (previous.box[3] - previous.box[1]):
                return face
        return None


def _rectangle(photo: Pixels, red: int) -> Face | None:
    rows, columns = np.nonzero((photo[..., 0] == red) & (photo[..., 1] == 0))
    if len(rows) < 50:
        return None
    box = (float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1))
    points = canonical_face().points.astype(np.float64)
    points = np.concatenate((points, np.zeros((10, 3))))
    points[:, :2] += ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    return Face(box, 1.0, points, 1.0)


def picture(*people: tuple[int, Box], size: tuple[int, int] = (640, 360), ground: int = 60) -> Pixels:
    """Return a picture with rectangles (red, (x, y, width, height))."""
    pixels = np.full((size[1], size[0], 3), ground, np.uint8)
    for red, (x, y, width, height) in people:
        pixels[max(0, y) : max(0, y + height), max(0, x) : max(0, x + width)] = (red, 0, 90)
    return pixels


def frames(pictures: Iterable[Pixels]) -> list[Frame]:
    return [Frame(pixels, number, Fraction(1, RATE)) for number, pixels in enumerate(pictures)]


def plan_of(pictures: Iterable[Pixels], face: int = 0) -> CropPlan:
    surveyor = Surveyor(RectangleFinder(), "clip.mp4", face)  # type: ignore[arg-type]
    for frame in frames(pictures):
        surveyor.see(frame)
    return surveyor.plan()


def square_at(plan: CropPlan, number: int, width: int = 640) -> CropBox | None:
    time = number / RATE
    stretch = plan.stretches[plan.stretch(time)]
    return None if stretch.path is None else stretch.path.at(time, width / stretch.width)


def holds(square: CropBox | None, box: Box) -> bool:
    assert square is not None
    x, y, width, height = box
    inside = square.left <= x and x + width <= square.left + square.side
    return inside and square.top <= y and y + height <= square.top + square.side


def still(box: Box, count: int, red: int = ANNA, **more: int) -> list[Pixels]:
    return [picture((red, box), **more)] * count  # type: ignore[arg-type]


def test_a_head_that_stays_has_a_square_that_stands() -> None:
    plan = plan_of([picture((ANNA, (200 + number % 3, 100, 90, 110))) for number in range(30)])
    assert not plan.following
    assert (plan.shots, plan.people, len(plan.stretches)) == (1, 1, 1)
    assert holds(square_at(plan, 12), (200, 100, 90, 110))


@pytest.mark.parametrize("across", [25, -25])
def test_a_head_that_crosses_the_picture_is_followed_and_never_cut(across: int) -> None:
    """Half as tall as the picture: a standing square would be as large as the picture, and cut the face."""
    boxes = [((20 if across > 0 else 480) + across * number, 90, 140, 175) for number in range(16)]
    plan = plan_of([picture((ANNA, box)) for box in boxes])
    assert plan.following
    for number, box in enumerate(boxes):
        assert holds(square_at(plan, number), box), number


@pytest.mark.parametrize("size", [(640, 360), (360, 640)])
def test_a_camera_that_zooms_is_followed_in_size(size: tuple[int, int]) -> None:
    tall = [40 + 5 * number for number in range(40)]
    boxes = [((size[0] - t) // 2, (size[1] - t) // 2, t, t) for t in tall]
    plan = plan_of([picture((ANNA, box), size=size) for box in boxes])
    shares = []
    for number in range(40):
        square = square_at(plan, number, size[0])
        assert square is not None
        assert holds(square, boxes[number])
        shares.append(tall[number] / square.side)
    assert min(shares) > 0.3
    assert max(shares) < UNION_SHARE


@pytest.mark.parametrize("first", [3, 6, 12, 40])
def test_each_shot_has_a_square_of_its_own_from_its_first_frame(first: int) -> None:
    one, other = (40, 60, 60, 75), (440, 120, 120, 150)
    plan = plan_of(still(one, first) + still(other, 20, BERT, ground=200))
    assert plan.shots == 2
    assert (plan.stretch((first - 1) / RATE), plan.stretch(first / RATE)) == (0, 1)
    assert holds(square_at(plan, first - 1), one)
    assert holds(square_at(plan, first), other)
    assert not plan.following


def test_three_shots() -> None:
    boxes = [(40, 60, 60, 75), (440, 120, 120, 150), (260, 180, 80, 100)]
    plan = plan_of([p for k, box in enumerate(boxes) for p in still(box, 11, ground=20 + 100 * k)])
    assert plan.shots == 3
    for number in range(33):
        assert holds(square_at(plan, number), boxes[number // 11])


@pytest.mark.parametrize("ground", [0, 255])
def test_what_comes_before_the_first_face_belongs_to_nobody(ground: int) -> None:
    plan = plan_of([picture(ground=ground)] * 13 + still((300, 100, 90, 110), 20))
    assert plan.shots == 1
    empty, shown = plan.stretches
    assert empty.path is None
    assert not empty.shows(0.0)
    assert shown.shows(13 / RATE)


def test_a_face_that_comes_into_a_shot_counts_from_when_it_was_seen() -> None:
    """In a fade, the last frames before the first look that sees a face show too little to be believed."""
    (stretch,) = plan_of([picture(ground=90)] * 8 + still((300, 100, 90, 110), 20, ground=90)).stretches
    assert not stretch.shows(8 / RATE)
    assert stretch.shows(10 / RATE)
    assert stretch.shows(27 / RATE)


def test_a_face_that_leaves_and_comes_back_elsewhere_gets_a_new_square() -> None:
    here, there = (30, 100, 90, 110), (500, 180, 90, 110)
    plan = plan_of(still(here, 15) + [picture()] * 15 + still(there, 15))
    assert len(plan.stretches) == 2
    assert holds(square_at(plan, 10), here)
    assert holds(square_at(plan, 35), there)
    assert plan.people == 1


def test_a_face_that_is_lost_for_a_moment_keeps_its_square() -> None:
    box = (300, 100, 90, 110)
    plan = plan_of(still(box, 15) + [picture()] * 6 + still((306, 104, 90, 110), 15))
    assert len(plan.stretches) == 1
    assert not plan.following


def test_several_people_are_told_apart_and_counted() -> None:
    anna, bert = (60, 100, 120, 150), (420, 120, 90, 110)
    pictures = [picture((ANNA, anna), (BERT, bert))] * 20
    assert plan_of(pictures).people == 2
    assert holds(square_at(plan_of(pictures, 0), 5), anna)
    assert holds(square_at(plan_of(pictures, 1), 5), bert)


def test_a_second_person_stays_the_same_while_the_first_is_away() -> None:
    anna, bert = (60, 100, 180, 220), (420, 120, 90, 110)
    both, alone = picture((ANNA, anna), (BERT, bert)), picture((BERT, bert))
    plan = plan_of([both] * 20 + [alone] * 20 + [both] * 20, 1)
    assert all(holds(square_at(plan, number), bert) for number in range(60))


@pytest.mark.parametrize(("face", "error"), [(-1, ConfigError), (2, NoFaceFound), (9, NoFaceFound)])
def test_people_who_are_not_there_are_refused(face: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        plan_of([picture((ANNA, (60, 100, 120, 150)), (BERT, (420, 120, 90, 110)))] * 10, face)


def test_a_video_without_faces_is_an_error_that_names_it() -> None:
    with pytest.raises(NoFaceFound, match=r"clip\.mp4"):
        plan_of([picture()] * 10)


def test_a_stream_that_changes_its_size_goes_on_and_one_that_turns_begins_anew() -> None:
    small, large = still((100, 50, 45, 55), 10, size=(320, 180)), still((200, 100, 90, 110), 10)  # type: ignore[arg-type]
    plan = plan_of(small + large)
    assert len(plan.stretches) == 1
    assert holds(square_at(plan, 4, 320), (100, 50, 45, 55))
    assert holds(square_at(plan, 15, 640), (200, 100, 90, 110))
    tall = still((100, 300, 90, 110), 10, size=(360, 640))  # type: ignore[arg-type]
    turned = plan_of(large + tall)
    assert len(turned.stretches) == 2
    assert holds(square_at(turned, 15, 360), (100, 300, 90, 110))


def test_a_face_in_the_dark_is_lit_and_one_in_the_light_is_left_alone() -> None:
    square = np.full((64, 64, 3), 120, np.uint8)
    dark = np.asarray(square * 0.1, np.uint8)
    assert light_of(lit(dark, 120)) == pytest.approx(120)
    bright = np.asarray(square * (DIM + 0.05), np.uint8)
    assert lit(bright, 120) is bright
    assert lit(np.zeros_like(square), 120).max() == 0


def test_where_there_is_no_face_the_middle_is_shown_and_not_believed() -> None:
    plan = plan_of([picture(ground=0)] * 10 + still((300, 100, 90, 110), 20))
    seen = head_square(frames([picture(ground=0)])[0], plan, 64)
    assert seen.picture.shape == (64, 64, 3)
    assert not seen.shows


def follow(pictures: list[Pixels], held: int, face: int = 0) -> Callable[[int], CropBox | None]:
    """Return where a pipe's square lies in each frame."""
    given = frames(pictures)
    pipe = PipeSquare(RectangleFinder(), "pipe", face, given[:held])  # type: ignore[arg-type]
    squares: list[CropBox | None] = []
    for number, frame in enumerate(given):
        squares.append(square_at(pipe.see(frame), number, frame.size[0]))
    return squares.__getitem__


def test_a_pipe_goes_after_a_head_that_leaves_its_square() -> None:
    boxes = [(40, 100, 70, 90)] * 20 + [(40 + 3 * k, 100, 70, 90) for k in range(80)]
    squares = follow([picture((ANNA, box)) for box in boxes], held=20)
    assert all(holds(squares(number), boxes[number]) for number in range(100))
    assert squares(0) == squares(19)


def test_a_pipe_finds_the_face_of_a_new_shot_at_once() -> None:
    one, other = (40, 60, 60, 75), (440, 120, 120, 150)
    squares = follow(still(one, 30) + still(other, 10, ground=200), held=20)
    assert holds(squares(29), one)
    assert holds(squares(30), other)


def test_a_pipe_may_begin_without_a_face() -> None:
    squares = follow([picture(ground=0)] * 30 + still((300, 100, 90, 110), 10), held=20)
    assert squares(5) is None
    assert holds(squares(35), (300, 100, 90, 110))
