"""What is seen of a video ahead: the frame in the middle of the motion becomes the picture of its stretch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from facewire.animation.animator import Animator
from facewire.animation.driving import HeadSquare
from facewire.geometry.head_motion import HeadMotion
from facewire.media.frame import Pixels
from facewire.talks import outlook
from facewire.talks.outlook import look_ahead
from facewire.talks.squares import Squares


def picture(level: int) -> Pixels:
    return np.full((4, 4, 3), level, np.uint8)


def motion_of(level: int) -> HeadMotion:
    """Return a mouth as open as the picture is bright."""
    eye = np.eye(3, dtype=np.float32)[None]
    return HeadMotion(eye, np.zeros((1, 3), np.float32), np.full((1, 2, 3), level / 100, np.float32))


@dataclass
class Shown:
    """A video of grey pictures; a level of 0 shows no face, and stretches and dark frames are named by number."""

    levels: list[int]
    stretches: list[int]
    dark: frozenset[int] = frozenset()
    looks: int = 0

    def preview(self) -> Iterator[HeadSquare]:
        self.looks += 1
        for number, (level, stretch) in enumerate(zip(self.levels, self.stretches, strict=True)):
            square = picture(level)
            yield HeadSquare(square, square.copy() if number in self.dark else square, square, None, stretch)


def still(square: HeadSquare, first: bool) -> tuple[str, bytes]:
    return ("first" if first else "later"), square.picture[0, 0, :1].tobytes()


@pytest.fixture
def animator(monkeypatch: pytest.MonkeyPatch) -> Animator:
    """Return who reads such pictures."""

    def read(_: Animator, batch: list[HeadSquare]) -> tuple[HeadMotion, list[bool]]:
        levels = [int(square.picture[0, 0, 0]) for square in batch]
        return HeadMotion.cat([motion_of(level) for level in levels]), [level > 0 for level in levels]

    monkeypatch.setattr(outlook, "read_squares", read)
    return cast(Animator, SimpleNamespace())


def levels_of(*looked_at: int) -> list[int]:
    """Return a video whose every fifth frame has these levels; only these are looked at."""
    return [level for seen in looked_at for level in (seen, 250, 250, 250, 250)]


def ahead(animator: Animator, shown: Shown) -> dict[int, outlook.Outlook]:
    return look_ahead(animator, cast(Squares, shown), None, still)


def test_the_picture_is_the_one_in_the_middle(animator: Animator) -> None:
    shown = Shown(levels_of(10, 90, 50, 20, 55), [0] * 25)
    (found,) = ahead(animator, shown).values()
    assert found.still == ("first", bytes([50]))
    assert found.rest.expression[0, 0, 0] == np.float32(0.5)
    assert shown.looks == 2


def test_each_stretch_has_its_own_and_one_is_the_first(animator: Animator) -> None:
    shown = Shown(levels_of(10, 30, 90, 200, 140, 160), [4] * 15 + [7] * 15)
    found = ahead(animator, shown)
    assert {number: one.still for number, one in found.items()} == {
        4: ("first", bytes([30])),
        7: ("later", bytes([160])),
    }


def test_pictures_are_taken_in_the_light_and_of_faces(animator: Animator) -> None:
    shown = Shown(levels_of(0, 40, 50, 60, 80), [0] * 25, frozenset({10, 15}))
    (found,) = ahead(animator, shown).values()
    assert found.still in (("first", bytes([40])), ("first", bytes([80])))
    assert found.rest.expression[0, 0, 0] in (np.float32(0.5), np.float32(0.6))


def test_all_in_the_dark_leaves_the_picture_open(animator: Animator) -> None:
    (found,) = ahead(animator, Shown(levels_of(40, 50), [0] * 10, frozenset(range(10)))).values()
    assert found.still is None


def test_nothing_ahead_says_nothing(animator: Animator) -> None:
    assert ahead(animator, Shown([], [])) == {}


def test_a_photo_makes_rest_the_motion_most_like_its_own(animator: Animator) -> None:
    shown = Shown([10, 77, 90, 20], [0] * 4)
    found = look_ahead(animator, cast(Squares, shown), motion_of(76), None)
    assert found[0].rest.expression[0, 0, 0] == np.float32(0.77)
    assert found[0].still is None
    assert shown.looks == 1


def test_a_photo_that_is_shown_as_it_moves_needs_no_picture(animator: Animator) -> None:
    shown = Shown(levels_of(10, 50, 90), [0] * 15)
    assert look_ahead(animator, cast(Squares, shown), None, None)[0].still is None
    assert shown.looks == 1
