"""Processes that work, die and dawdle."""

from __future__ import annotations

import os
import time

import pytest

from facewire.data.preparation.pool import run_in_processes


def _work(job: str) -> str:
    if job == "die":
        os._exit(7)
    if job == "dawdle":
        time.sleep(600)
    if job == "fail":
        raise OSError("the disk is full")
    return job.upper()


def _lost(job: str, reason: str) -> str:
    return f"{job}: {reason}"


@pytest.mark.slow
def test_a_process_that_dies_or_dawdles_costs_its_own_job() -> None:
    jobs = ["a", "die", "b", "dawdle", "c"]
    results = sorted(run_in_processes(_work, jobs, 2, 5.0, _lost))
    assert results == ["A", "B", "C", "dawdle: took more than 5 s", "die: the process ended with code 7"]


@pytest.mark.slow
def test_the_start_of_a_process_does_not_count() -> None:
    assert list(run_in_processes(_work, ["a"], 1, 0.2, _lost)) == ["A"]


@pytest.mark.slow
def test_what_work_raises_ends_the_run() -> None:
    with pytest.raises(OSError, match="full"):
        list(run_in_processes(_work, ["fail"], 1, 60.0, _lost))
