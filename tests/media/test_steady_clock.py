"""Rounded times become even again; real gaps stay."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from facewire.media.timing.steady_clock import SteadyClock

MS = Fraction(1, 1000)


@given(
    duration=st.fractions(Fraction(1, 200), Fraction(1, 5), max_denominator=100_000),
    start=st.integers(-1000, 1000),
    count=st.integers(1, 60),
)
def test_rounding_is_undone(duration: Fraction, start: int, count: int) -> None:
    clock = SteadyClock()
    exact = [start * MS + k * duration for k in range(count)]
    assert [clock.place(round(time / MS) * MS, MS, duration) for time in exact] == exact


@given(times=st.lists(st.integers(0, 10_000), min_size=1, max_size=30))
def test_never_off_by_a_tick(times: list[int]) -> None:
    clock = SteadyClock()
    for time in times:
        assert abs(clock.place(time * MS, MS, Fraction(1, 30)) - time * MS) < MS


def test_gaps_stay() -> None:
    clock = SteadyClock()
    placed = [clock.place(time * MS, MS, 10 * MS) for time in (0, 10, 21, 31, 50)]
    assert placed == [0, 10 * MS, 21 * MS, 31 * MS, 50 * MS]


def test_missing_times_follow_on() -> None:
    clock = SteadyClock()
    assert clock.place(None, MS, 10 * MS) == 0
    assert clock.place(5 * MS, MS, 10 * MS) == 5 * MS
    assert clock.place(None, MS, 10 * MS) == 15 * MS
