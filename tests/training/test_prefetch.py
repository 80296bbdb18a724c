"""Preparing ahead: in order, not too far, errors where results would be."""

from __future__ import annotations

import threading
import time
from contextlib import closing

import pytest

from facewire.training.machine.prefetch import prefetched


@pytest.mark.parametrize("ahead", [1, 3])
def test_results_come_in_order(ahead: int) -> None:
    def make(number: int) -> int:
        time.sleep(0.002 * (number % 3))
        return number * number

    assert list(prefetched(make, 2, 12, ahead)) == [number * number for number in range(2, 12)]
    assert list(prefetched(make, 5, 5, ahead)) == []


def test_work_is_done_in_other_threads_and_not_far_ahead() -> None:
    started: list[int] = []

    def make(number: int) -> int:
        started.append(number)
        return threading.get_ident()

    with closing(prefetched(make, 0, 100, 2)) as items:
        assert next(items) != threading.get_ident()
        time.sleep(0.05)
        assert len(started) <= 3


def test_errors_arrive_where_the_result_would() -> None:
    def make(number: int) -> int:
        if number == 3:
            raise ValueError("three")
        return number

    items = prefetched(make, 0, 10, 2)
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(items)


def test_stopping_early_waits_for_no_more_than_what_runs() -> None:
    made: list[int] = []

    def make(number: int) -> int:
        made.append(number)
        return number

    with closing(prefetched(make, 0, 1000, 2)) as items:
        for item in items:
            if item == 4:
                break
    assert len(made) <= 8
