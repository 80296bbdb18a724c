"""What is said about pictures whose face cannot be used: turned, cut too tightly, without one."""

from __future__ import annotations

import numpy as np
import pytest

from facewire.face.advice import NONE, TIGHT, missed, turned
from facewire.face.finder import Face, FaceFinder
from tests.face.conftest import Photo


def quarter(photo: Photo, turns: int) -> Photo:
    return np.ascontiguousarray(np.rot90(photo, turns))


def test_an_upright_head_needs_nothing(finder: FaceFinder, astronaut: Photo, face: Face) -> None:
    assert turned(finder, astronaut, face) == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("turns", "mend"), [(1, "to the right by 90"), (2, "by 180 degrees"), (3, "to the left by 90")]
)
def test_a_turned_head_is_named_with_the_turn_back(
    turns: int, mend: str, finder: FaceFinder, astronaut: Photo
) -> None:
    picture = quarter(astronaut, turns)
    found = finder.find(picture)
    assert mend in (turned(finder, picture, found[0]) if found else missed(finder, picture))


@pytest.mark.slow
def test_a_tight_crop_is_told_from_a_picture_without_a_face(
    finder: FaceFinder, astronaut: Photo, face: Face
) -> None:
    left, top, right, bottom = face.box
    x, y = 0.15 * (right - left), 0.15 * (bottom - top)
    tight = astronaut[int(top + y) : int(bottom - y), int(left + x) : int(right - x)]
    assert finder.find(tight) == []
    assert missed(finder, tight) == TIGHT
    assert missed(finder, np.full((200, 300, 3), 127, np.uint8)) == NONE
    assert "--crop none" in TIGHT
