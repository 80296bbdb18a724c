"""The queue, with small programs in place of the commands."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from facewire.base.errors import MediaError
from facewire.studio.jobs import queue as jobs
from facewire.studio.jobs.queue import Job, Queue
from tests.studio.stand_ins import run

PROGRAM = """import os, signal, sys, time
if "stubborn" in sys.argv[2]:
    signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.3), sys.exit(143)))
output = sys.argv[sys.argv.index("-o") + 1]
go = output + ".go"
print("facewire: rendering: 5 of 20 frames, 3 a second", file=sys.stderr, flush=True)
while "wait" in sys.argv[2] and not os.path.exists(go):
    time.sleep(0.02)
if "fail" in sys.argv[2]:
    print("facewire: photo.png: no face found", file=sys.stderr)
    sys.exit(3)
open(output, "w").write(os.environ["FACEWIRE_PROGRESS"])"""


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_PROGRAM", PROGRAM)


def words(name: str, what: str = "go") -> list[str]:
    return ["animate", what, "d.mp4", "-o", f"studio/out/{name}"]


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Queue]:
    queue = Queue(folder / "studio" / "jobs.json", folder, lambda: None)
    task = asyncio.create_task(queue.run())
    try:
        yield queue
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.02)


def states(queue: Queue) -> list[str]:
    return [job.state for job in queue.jobs]


def test_jobs_run_one_after_the_other_and_failures_say_why(tmp_path: Path) -> None:
    async def test() -> None:
        async with running(tmp_path) as queue:
            for name, what in (("a.mp4", "go"), ("b.mp4", "fail"), ("c.mp4", "go")):
                queue.add(words(name, what), "facewire animate")
            await until(lambda: states(queue) == ["done", "failed", "done"])
            assert queue.jobs[1].problem == "photo.png: no face found"
            assert (tmp_path / "studio" / "out" / "c.mp4").read_text() == jobs.PACE_SECONDS
            queue.order(2, "again")
            await until(lambda: states(queue) == ["done", "failed", "done"])
            queue.order(1, "remove")
            queue.order(0, "remove")
            assert queue.jobs == ()

    run(test)


def test_progress_cancel_and_pause_of_the_queue(tmp_path: Path) -> None:
    async def test() -> None:
        async with running(tmp_path) as queue:
            queue.add(words("a.mp4", "wait"), "")
            queue.add(words("b.mp4"), "")
            await until(lambda: queue.jobs[0].share == 0.25)
            assert queue.jobs[0].stage == "rendering"
            assert queue.outputs == {tmp_path / "studio" / "out" / name for name in ("a.mp4", "b.mp4")}
            queue.order(0, "pause")
            queue.order(1, "cancel")
            await until(lambda: states(queue) == ["cancelled", "waiting"])
            await asyncio.sleep(0.1)
            assert states(queue) == ["cancelled", "waiting"]
            queue.order(0, "resume")
            await until(lambda: states(queue) == ["cancelled", "done"])
            assert not (tmp_path / "studio" / "out" / "a.mp4").exists()

    run(test)


def test_a_cancelled_job_is_neither_removed_nor_begun_again_before_its_process_has_ended(
    tmp_path: Path,
) -> None:
    async def test() -> None:
        async with running(tmp_path) as queue:
            queue.add(words("a.mp4", "wait stubborn"), "")
            await until(lambda: queue.jobs[0].share > 0)
            queue.order(1, "cancel")
            for action in ("remove", "again"):
                queue.order(1, action)
            queue.order(0, "remove")
            assert states(queue) == ["cancelled"]
            await until(lambda: queue._running is None)
            assert states(queue) == ["cancelled"]
            (tmp_path / "studio" / "out" / "a.mp4.go").touch()
            queue.order(1, "again")
            await until(lambda: states(queue) == ["done"])

    run(test)


def test_a_job_that_is_cancelled_at_once_makes_nothing(tmp_path: Path) -> None:
    async def test() -> None:
        async with running(tmp_path) as queue:
            queue.add(words("a.mp4", "wait"), "")
            await until(lambda: queue.jobs[0].state == "running")
            queue.order(1, "cancel")
            await until(lambda: queue._running is None)
            assert states(queue) == ["cancelled"]

    run(test)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows stops no process")
def test_a_running_job_is_paused_where_it_stands(tmp_path: Path) -> None:
    async def test() -> None:
        async with running(tmp_path) as queue:
            queue.add(words("a.mp4", "wait"), "")
            await until(lambda: queue.jobs[0].share > 0)
            queue.order(1, "pause")
            assert states(queue) == ["paused"]
            (tmp_path / "studio" / "out" / "a.mp4.go").touch()
            await asyncio.sleep(0.2)
            assert states(queue) == ["paused"]
            queue.order(1, "resume")
            await until(lambda: states(queue) == ["done"])

    run(test)


def test_after_a_restart_what_ran_begins_again_and_what_waited_goes_on(tmp_path: Path) -> None:
    async def test() -> None:
        async with running(tmp_path) as queue:
            for name, what in (("a.mp4", "wait"), ("b.mp4", "go")):
                queue.add(words(name, what), "line")
            await until(lambda: queue.jobs[0].share > 0)
        kept = json.loads((tmp_path / "studio" / "jobs.json").read_text())
        assert [job["state"] for job in kept["jobs"]] == ["running", "waiting"]
        (tmp_path / "studio" / "out" / "a.mp4.go").touch()
        async with running(tmp_path) as again:
            await until(lambda: states(again) == ["done", "done"])

    run(test)


@pytest.mark.parametrize(
    "change",
    [
        {"output": "../elsewhere.mp4", "words": ["animate", "a", "b", "-o", "../elsewhere.mp4"]},
        {"words": ["animate", "a", "b", "-o", "studio/out/a.mp4", "-o", "elsewhere.mp4"]},
        {"words": ["animate", "a", "b", "-o", "elsewhere.mp4"]},
        {"words": ["train", "a", "-o", "studio/out/a.mp4"]},
        {"state": "lost"},
        {"nose": 1},
    ],
)
def test_a_queue_that_somebody_else_wrote_does_nothing(change: dict[str, object], tmp_path: Path) -> None:
    job = {"number": 1, "words": words("a.mp4"), "line": "", "output": "studio/out/a.mp4"} | change
    file = tmp_path / "studio" / "jobs.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"version": 1, "jobs": [job]}))
    with pytest.raises(MediaError, match="move"):
        Queue(file, tmp_path, lambda: None)


def test_only_whole_jobs_are_as_made() -> None:
    job = Job(number=1, words=tuple(words("a.mp4")), line="", output="studio/out/a.mp4")
    assert job.is_as_made
