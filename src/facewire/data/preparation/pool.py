"""Videos worked on in several processes of this machine.

Each process takes one video at a time. One that dies (damaged videos make decoders crash) or that takes too long is
replaced, and costs the video it was working on.
"""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")

POLL_S = 1.0
"""How often late processes are looked for."""


@dataclass(slots=True)
class _Worker(Generic[Job]):
    process: BaseProcess
    pipe: Connection
    job: Job | None = None
    since: float = field(default_factory=time.monotonic)


def run_in_processes(
    work: Callable[[Job], Result],
    jobs: Sequence[Job],
    workers: int,
    limit_s: float,
    lost: Callable[[Job, str], Result],
) -> Iterator[Result]:
    """Yield the result of every job, in the order in which they come.

    Args:
        work: called in the processes; it, jobs and results are sent there and back.
        jobs: what to do.
        workers: processes.
        limit_s: how long one job may take.
        lost: what stands for the result of a job whose process died or was late; called here, with the reason.

    Raises:
        Exception: what `work` raised; the processes are ended first.
    """
    waiting = list(reversed(jobs))
    pool = [_start(work) for _ in range(min(workers, len(jobs)))]
    try:
        for worker in pool:
            _give(worker, waiting)
        while any(worker.job is not None for worker in pool):
            ready = wait([worker.pipe for worker in pool if worker.job is not None], POLL_S)
            for index, worker in enumerate(pool):
                late = time.monotonic() - worker.since > limit_s
                if worker.job is None or (worker.pipe not in ready and not late):
                    continue
                yield _result(worker, worker.pipe in ready, limit_s, lost)
                if not worker.process.is_alive():
                    pool[index] = worker = _start(work)
                _give(worker, waiting)
    finally:
        for worker in pool:
            worker.process.kill()
            worker.process.join()


def _start(work: Callable[[Job], Result]) -> _Worker[Job]:
    context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, work), daemon=True)
    process.start()
    there.close()
    return _Worker(process, here)


def _give(worker: _Worker[Job], waiting: list[Job]) -> None:
    worker.job, worker.since = (waiting.pop() if waiting else None), time.monotonic()
    if worker.job is not None:
        worker.pipe.send(worker.job)


def _result(worker: _Worker[Job], ready: bool, limit_s: float, lost: Callable[[Job, str], Result]) -> Result:
    assert worker.job is not None
    reason = f"took more than {limit_s:g} s"
    if ready:
        try:
            answer: Any = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join()
            reason = f"the process ended with code {worker.process.exitcode}"
        else:
            if isinstance(answer, Exception):
                raise answer
            result: Result = answer
            return result
    worker.process.kill()
    worker.process.join()
    return lost(worker.job, reason)


def _serve(pipe: Connection, work: Callable[[Any], Any]) -> None:
    """Work on one job after the other, in a process of its own."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    torch.set_num_threads(1)
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(work(job))
        except Exception as problem:
            pipe.send(problem)
