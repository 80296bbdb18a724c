"""The eight orientations, against the definition of a display matrix."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from facewire.media.orientation import UPRIGHT, from_display_matrix, from_rotation

from .synthetic import ONE

STRAIGHT = [(a, 0, 0, d) for a, d in product((1, -1), repeat=2)]
TURNED = [(0, b, c, 0) for b, c in product((1, -1), repeat=2)]


def matrix(a: int, b: int, c: int, d: int) -> bytes:
    return np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], np.int32).tobytes()


@pytest.mark.parametrize(("a", "b", "c", "d"), STRAIGHT + TURNED)
def test_every_pixel_goes_where_the_matrix_says(a: int, b: int, c: int, d: int) -> None:
    height, width = 3, 5
    stored = np.arange(height * width * 3, dtype=np.uint8).reshape(height, width, 3)
    shown_at = {(a * x + c * y, b * x + d * y): stored[y, x] for y, x in product(range(height), range(width))}
    left, top = (min(place[axis] for place in shown_at) for axis in (0, 1))
    orientation = from_display_matrix(matrix(a * ONE, b * ONE, c * ONE, d * ONE))
    shown = orientation.apply(stored)
    assert orientation.size((width, height)) == (shown.shape[1], shown.shape[0])
    assert shown.flags.c_contiguous
    for (x, y), pixel in shown_at.items():
        assert (shown[y - top, x - left] == pixel).all()


@pytest.mark.parametrize("degrees", [0, 90, 180, -90, -180, 89, -91, 270, 360])
def test_rotation_is_counter_clockwise(degrees: int) -> None:
    stored = np.arange(3 * 5 * 3, dtype=np.uint8).reshape(3, 5, 3)
    assert (from_rotation(degrees).apply(stored) == np.rot90(stored, round(degrees / 90))).all()


def test_nearly_right_angles_are_rounded() -> None:
    tilted = from_display_matrix(matrix(6000, 65000, -65000, 6000))
    assert tilted == from_display_matrix(matrix(0, ONE, -ONE, 0))


@pytest.mark.parametrize("data", [b"", b"short", matrix(0, 0, 0, 0), bytes(40)])
def test_meaningless_data_ask_for_nothing(data: bytes) -> None:
    assert from_display_matrix(data) == UPRIGHT
