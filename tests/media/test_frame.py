"""A frame checks what it is given and computes its time exactly."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from fractions import Fraction

import numpy as np
import pytest

from facewire.base.errors import ShapeError
from facewire.media.frame import Frame

PIXELS = np.zeros((3, 5, 3), np.uint8)


def test_time_is_exact() -> None:
    frame = Frame(PIXELS, 30000, Fraction(1001, 30000))
    assert frame.time == 1001
    assert isinstance(frame.time, Fraction)
    assert Frame(PIXELS, -3, Fraction(1, 3)).time == -1


def test_size_is_width_then_height() -> None:
    assert Frame(PIXELS, 0, Fraction(1)).size == (5, 3)


def test_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Frame(PIXELS, 0, Fraction(1)).pts = 1  # type: ignore[misc]


@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 4), (3, 5, 1), (0, 5, 3), (3, 0, 3), (1, 3, 5, 3)])
def test_wrong_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"frame\.pixels"):
        Frame(np.zeros(shape, np.uint8), 0, Fraction(1))


def test_wrong_dtype() -> None:
    with pytest.raises(TypeError, match="float64"):
        Frame(np.zeros((3, 5, 3)), 0, Fraction(1))  # type: ignore[arg-type]


def test_not_contiguous() -> None:
    with pytest.raises(ValueError, match="contiguous"):
        Frame(PIXELS[:, ::-1], 0, Fraction(1))


@pytest.mark.parametrize("time_base", [Fraction(0), Fraction(-1, 25)])
def test_impossible_time_base(time_base: Fraction) -> None:
    with pytest.raises(ValueError, match="time_base"):
        Frame(PIXELS, 0, time_base)
