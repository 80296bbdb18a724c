"""The beginning of a video ends before the moment asked for, and nothing after it is decoded."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from facewire.media.frame import Frame
from facewire.media.timing.beginning import beginning


def _frames(count: int, first: int = 7) -> Iterator[Frame]:
    for number in range(count):
        yield Frame(np.zeros((2, 2, 3), np.uint8), first + number, Fraction(1, 10))


@pytest.mark.parametrize(("seconds", "count"), [(None, 9), (0.3, 3), (0.25, 3), (5.0, 9)])
def test_frames_up_to_a_moment(seconds: float | None, count: int) -> None:
    assert len(list(beginning(_frames(9), seconds))) == count


def test_the_rest_is_not_read() -> None:
    frames = _frames(9)
    list(beginning(frames, 0.2))
    assert len(list(frames)) == 6
