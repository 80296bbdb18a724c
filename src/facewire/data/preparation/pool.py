"""Videos worked on in several processes of this machine.

Each process takes one video at a time. One that dies (damaged videos make decoders crash) or that takes too long is
replaced, and costs the video it was working on. When this process ends, in whatever way, they end with it and take
their temporary files along.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Any, Generic, TypeVar

from facewire.base.endings import HANGUP
from facewire.base.processors import limit_torch

Job = TypeVar("Job")
Result = TypeVar("Result")

POLL_S = 1.0
"""How often late processes are looked for."""
START_S = 600.0
"""How long a process may take for its start: on a busy machine Python and torch need many seconds."""
GRACE_S = 5.0
"""How long a process may take for ending by itself."""
OF_TERMINAL = tuple(number for number in (signal.SIGINT, HANGUP) if number is not None)
"""Signals that a terminal sends to every process that was started from it."""


@dataclass(slots=True)
class _Worker(Generic[Job]):
    """A process; its first job counts `since` it is there, however long that takes up to START_S."""

    process: BaseProcess
    pipe: Connection
    job: Job | None = None
    there: bool = False
    since: float = field(default_factory=lambda: time.monotonic() + START_S)


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
                if worker.pipe in ready and _is_now_there(worker):
                    continue
                yield _result(worker, worker.pipe in ready, limit_s, lost)
                if waiting and not worker.process.is_alive():
                    pool[index] = worker = _start(work)
                _give(worker, waiting)
    finally:
        _end_all(pool)


def _start(work: Callable[[Job], Result]) -> _Worker[Job]:
    context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, work), daemon=True)
    with _held_back():
        process.start()
    there.close()
    return _Worker(process, here)


@contextmanager
def _held_back() -> Iterator[None]:
    """Let signals of the terminal wait, here and in a process that is started in here until it is ready for them.

    Else Ctrl-C would end it, with a trace, while it is still importing.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # started now: starting it would let them through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, OF_TERMINAL)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_all(pool: Sequence[_Worker[Any]]) -> None:
    """End all processes; those that are at work get a moment for removing what they have begun."""
    for worker in pool:
        worker.process.terminate()
    until = time.monotonic() + GRACE_S
    for worker in pool:
        worker.process.join(max(0.0, until - time.monotonic()))
        worker.process.kill()
        worker.process.join()


def _give(worker: _Worker[Job], waiting: list[Job]) -> None:
    worker.job = waiting.pop() if waiting else None
    if worker.there:
        worker.since = time.monotonic()
    if worker.job is not None:
        worker.pipe.send(worker.job)


def _is_now_there(worker: _Worker[Any]) -> bool:
    """Take the first word of a process, that it can work; a process that is gone says none."""
    if worker.there:
        return False
    with suppress(EOFError, OSError):
        worker.pipe.recv()
        worker.there, worker.since = True, time.monotonic()
    return worker.there


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
    _end_all([worker])
    return lost(worker.job, reason)


def _serve(pipe: Connection, work: Callable[[Any], Any]) -> None:
    """Work on one job after the other, in a process of its own."""
    signal.signal(signal.SIGTERM, _leave)
    for number in OF_TERMINAL:
        signal.signal(number, signal.SIG_IGN)  # the parent decides
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, OF_TERMINAL)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    limit_torch(1)
    with suppress(EOFError, BrokenPipeError):  # the parent is gone
        pipe.send("there")
        while True:
            job = pipe.recv()
            try:
                result = work(job)
            except Exception as problem:
                result = problem
            pipe.send(result)


def _leave(number: int, frame: FrameType | None) -> None:
    """End this process from the inside, so that what is open is closed."""
    raise SystemExit(128 + number)


def _leave_with_parent() -> None:
    """End this process when its parent is gone, however that came."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os._exit(1)
