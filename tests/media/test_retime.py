"""Constant rate by nearest frame, lazily."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facewire.media.frame import Frame
from facewire.media.timing.retime import retime

rates = st.fractions(Fraction(1), Fraction(120), max_denominator=1001)
gaps = st.lists(st.integers(1, 400), min_size=1, max_size=20)


def frames_at(times: list[int], time_base: Fraction) -> list[Frame]:
    """Frames whose first pixel is their index."""
    return [Frame(np.full((1, 1, 3), k, np.uint8), pts, time_base) for k, pts in enumerate(times)]


def shown(frames: list[Frame]) -> list[int]:
    return [int(frame.pixels[0, 0, 0]) for frame in frames]


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001), Fraction(60)])
def test_same_rate_changes_nothing(rate: Fraction) -> None:
    frames = frames_at(list(range(100)), 1 / rate)
    result = list(retime(frames, rate))
    assert [frame.time for frame in result] == [frame.time for frame in frames]
    assert shown(result) == list(range(100))


def test_rounded_times_of_the_same_rate() -> None:
    rate = Fraction(30000, 1001)
    frames = frames_at([round(k / rate * 1000) for k in range(100)], Fraction(1, 1000))
    assert shown(list(retime(frames, rate))) == list(range(100))


def test_double_and_half() -> None:
    frames = frames_at(list(range(6)), Fraction(1, 25))
    assert shown(list(retime(frames, Fraction(50)))) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert shown(list(retime(frames, Fraction(25, 2)))) == [0, 2, 4]


def test_nearest_is_chosen() -> None:
    # Ticks of 10 Hz at 0, 100, ... ms against frames at 0, 140, 160, 420 ms.
    frames = frames_at([0, 140, 160, 420], Fraction(1, 1000))
    assert shown(list(retime(frames, Fraction(10)))) == [0, 1, 2, 3, 3, 3, 3]


def test_clock_of_the_input_is_kept() -> None:
    result = list(retime(frames_at([10, 11, 12], Fraction(1, 2)), Fraction(4)))
    assert result[0].time == 5
    assert [frame.pts for frame in result] == [20, 21, 22, 23, 24, 25]


def test_one_frame_and_none() -> None:
    assert shown(list(retime(frames_at([7], Fraction(1, 3)), Fraction(25)))) == [0]
    assert list(retime([], Fraction(25))) == []


@pytest.mark.slow
@given(gaps=gaps, start=st.integers(-500, 500), rate=rates)
def test_properties(gaps: list[int], start: int, rate: Fraction) -> None:
    times = [start]
    for gap in gaps:
        times.append(times[-1] + gap)
    frames = frames_at(times, Fraction(1, 1000))
    result = list(retime(frames, rate))
    assert result
    assert all(b.pts - a.pts == 1 for a, b in pairwise(result))
    assert abs(result[0].time - frames[0].time) <= 1 / rate
    for frame in result:
        index = int(frame.pixels[0, 0, 0])
        distances = [abs(candidate.time - frame.time) for candidate in frames]
        assert distances[index] == min(distances)


def test_lazy() -> None:
    taken = 0

    def source() -> Iterator[Frame]:
        nonlocal taken
        for frame in frames_at(list(range(100)), Fraction(1, 25)):
            taken += 1
            yield frame

    stream = retime(source(), Fraction(25))
    next(stream)
    next(stream)
    assert taken <= 3


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="rate"):
        list(retime([], Fraction(0)))
    with pytest.raises(ValueError, match="increase"):
        list(retime(frames_at([0, 0], Fraction(1)), Fraction(25)))
