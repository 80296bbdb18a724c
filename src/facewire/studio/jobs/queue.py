"""The queue: command lines that run one after the other, each in a process of its own.

    waiting --> running <--> paused          a pause stops the process where it stands (on Windows the next one waits)
                   +--> done | failed | cancelled

The queue is a file beside the project, so what waited when the studio ended goes on when it starts again; what was
half done begins again, for outputs appear when they are whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from facewire.base.config import from_dict, to_dict
from facewire.base.errors import ConfigError, MediaError, OutputError
from facewire.base.files import read_json, write_json
from facewire.studio.library import OUT

_log = logging.getLogger(__name__)

FILE = "jobs.json"
VERSION = 1
MOST_JOBS = 500
PACE = "FACEWIRE_PROGRESS"
PACE_SECONDS = "0.5"
NICE = 10
"""Renders let the preview go first."""
END_SECONDS = 5.0
_PROGRESS = re.compile(r"facewire: (.+?): (\d+)(?: of (\d+))? \w+s, ")

COMMANDS = tuple((name,) for name in ("animate", "rotate", "record", "encode", "decode", "compare"))
_OUTPUTS = ("-o", "--output", "--result_video")

JobState = Literal["waiting", "running", "paused", "done", "failed", "cancelled"]
OPEN, ENDED = ("waiting", "running", "paused"), ("done", "failed", "cancelled")


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A command line and what became of it.

    words    after `facewire`
    line     the whole line, to be pasted
    stage    what it is doing, and `share` how far that is, 0 to 1
    problem  why it failed
    seconds  how long it took
    """

    number: int
    words: tuple[str, ...]
    line: str
    output: str
    state: JobState = "waiting"
    stage: str = ""
    share: float = 0.0
    problem: str = ""
    seconds: float = 0.0

    @property
    def is_as_made(self) -> bool:
        """Whether it is one of the studio's commands, and writes where it says."""
        outputs = [self.words[at + 1 :][:1] for at, word in enumerate(self.words) if word in _OUTPUTS]
        return self.words[:1] in COMMANDS and outputs == [(self.output,)]


@dataclass(frozen=True, kw_only=True, slots=True)
class _File:
    """What is kept."""

    version: int = VERSION
    paused: bool = False
    jobs: tuple[Job, ...] = ()

    def __post_init__(self) -> None:
        if self.version != VERSION or len(self.jobs) > MOST_JOBS:
            raise ConfigError("version", self.version, f"{VERSION}")


class Queue:
    """Runs jobs.

    Args:
        file: where the queue is kept.
        here: the folder in which command lines run.
        changed: told whenever something is different.
    """

    def __init__(self, file: Path, here: Path, changed: Callable[[], None]) -> None:
        self._file, self._here, self._changed = file, here, changed
        kept = _read(file)
        self._check(kept)
        self.paused = kept.paused
        self._jobs = {job.number: _open_again(job) for job in kept.jobs}
        self._process: asyncio.subprocess.Process | None = None
        self._running: int | None = None
        self._news = asyncio.Event()

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All jobs, oldest first."""
        return tuple(self._jobs.values())

    @property
    def outputs(self) -> frozenset[Path]:
        """Where open jobs will write."""
        return frozenset(self._here / job.output for job in self.jobs if job.state in OPEN)

    def add(self, words: list[str], line: str) -> None:
        """Queue a command line.

        Raises:
            ConfigError: there are too many.
        """
        if len(self._jobs) >= MOST_JOBS:
            raise ConfigError("queue", len(self._jobs), f"at most {MOST_JOBS} jobs: remove old ones")
        number = max(self._jobs, default=0) + 1
        output = words[words.index("-o") + 1]
        self._put(Job(number=number, words=tuple(words), line=line, output=output))

    def order(self, number: int, action: str) -> None:
        """Do something with a job, or with 0 with the queue; what makes no sense is passed over."""
        if number == 0:
            self._order_all(action)
        elif job := self._jobs.get(number):
            self._order_one(job, action)
        self._tell()

    def _is_over(self, job: Job) -> bool:
        """Return whether a job has ended, and its process too."""
        return job.state in ENDED and job.number != self._running

    async def run(self) -> None:
        """Do the jobs as they come, until cancelled; the one that runs then is ended and begins again next time."""
        try:
            while True:
                job = next((job for job in self.jobs if job.state == "waiting"), None)
                if self.paused or job is None:
                    self._news.clear()
                    await self._news.wait()
                    continue
                await self._do(job)
        finally:
            await self._end()

    def _check(self, kept: _File) -> None:
        """Refuse a queue that came with somebody's folder and would write anywhere but into it."""
        place = (self._file.parent / OUT).resolve()
        for job in kept.jobs:
            written = (self._here / job.output).resolve()
            if job.state in OPEN and not (job.is_as_made and written.is_relative_to(place)):
                raise MediaError(self._file, f"job {job.number} is none of this folder's: move the file away")

    def _order_all(self, action: str) -> None:
        self.paused = {"pause": True, "resume": False}.get(action, self.paused)
        if self._running is not None and action in ("pause", "resume"):
            self._order_one(self._jobs[self._running], action)
        if action == "remove":
            self._jobs = {number: job for number, job in self._jobs.items() if not self._is_over(job)}

    def _order_one(self, job: Job, action: str) -> None:
        match action, job.state:
            case "pause", "running":
                self._halt(job)
            case "resume", "paused":
                self._signal("SIGCONT")
                self._jobs[job.number] = replace(job, state="running")
            case "cancel", "waiting":
                self._jobs[job.number] = replace(job, state="cancelled")
            case "cancel", "running" | "paused":
                self._jobs[job.number] = replace(job, state="cancelled")
                self._signal("SIGCONT")
                self._terminate()
            case "again", "failed" | "cancelled" if self._is_over(job):
                self._jobs[job.number] = replace(job, state="waiting", problem="", share=0.0, stage="")
            case "remove", _ if self._is_over(job):
                del self._jobs[job.number]

    def _halt(self, job: Job) -> None:
        if self._signal("SIGSTOP"):
            self._jobs[job.number] = replace(job, state="paused")
        else:
            self.paused = True

    def _signal(self, name: str) -> bool:
        """Send a signal to the running process, where the system has it."""
        number = getattr(signal, name, None)
        if number is None or self._process is None or self._process.returncode is not None:
            return False
        self._process.send_signal(number)
        return True

    def _terminate(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()

    async def _do(self, job: Job) -> None:
        begun, last = time.monotonic(), ""
        self._running = job.number
        self._put(replace(job, state="running", share=0.0))
        try:
            (self._here / job.output).parent.mkdir(parents=True, exist_ok=True)
            self._process = await self._started(job.words)
            assert self._process.stderr is not None
            if self._jobs[job.number].state == "cancelled":  # before there was a process
                self._terminate()
            async for line in self._process.stderr:
                last = self._hear(job.number, line.decode(errors="replace").strip()) or last
            code = await self._process.wait()
        except (OSError, ValueError) as problem:  # no process, or a line that is too long to be one
            code, last = 1, str(problem)
            await self._end()
        self._running = None
        self._finish(job.number, code, last, time.monotonic() - begun)

    async def _started(self, words: tuple[str, ...]) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-c", _PROGRAM, *words),
            cwd=self._here,
            env=os.environ | {PACE: PACE_SECONDS},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )

    def _hear(self, number: int, line: str) -> str:
        """Take a line of a job; return it if it may be the reason why it failed."""
        if (found := _PROGRESS.match(line)) is None:
            return line
        stage, done, total = found.groups()
        share = int(done) / int(total) if total and int(total) else 0.0
        self._put(replace(self._jobs[number], stage=stage, share=min(1.0, share)), keep=False)
        return ""

    def _finish(self, number: int, code: int, last: str, seconds: float) -> None:
        job = replace(self._jobs[number], seconds=round(seconds, 1), stage="")
        if job.state != "cancelled":
            problem = "" if code == 0 else last.removeprefix("facewire: ") or f"ended with {code}"
            state: JobState = "done" if code == 0 else "failed"
            job = replace(job, state=state, problem=problem, share=1.0 if code == 0 else job.share)
        self._put(job)

    async def _end(self) -> None:
        """End the running process; what it had half written is removed by itself."""
        self._signal("SIGCONT")
        self._terminate()
        if self._process is None or self._process.returncode is not None:
            return
        try:
            await asyncio.wait_for(self._process.wait(), END_SECONDS)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def _put(self, job: Job, *, keep: bool = True) -> None:
        self._jobs[job.number] = job
        self._tell(keep=keep)

    def _tell(self, *, keep: bool = True) -> None:
        if keep:
            self._keep()
        self._news.set()
        self._changed()

    def _keep(self) -> None:
        """Write the queue; where that fails jobs go on, and only a restart would forget them."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_json(self._file, to_dict(_File(paused=self.paused, jobs=self.jobs)))
        except (OSError, OutputError) as problem:
            _log.warning("the queue cannot be kept: %s", problem)


_PROGRAM = f"""import os, sys
if hasattr(os, "nice"):
    os.nice({NICE})
from facewire.cli.main import main
sys.exit(main())"""


def _open_again(job: Job) -> Job:
    """Return a job as it is when the studio starts: what ran begins again."""
    return replace(job, state="waiting", share=0.0, stage="") if job.state in ("running", "paused") else job


def _read(file: Path) -> _File:
    """Return what was kept.

    Raises:
        MediaError: the file is no queue of this version.
    """
    if not file.exists():
        return _File()
    data: Any = read_json(file)
    try:
        return from_dict(_File, data)
    except ConfigError as error:
        raise MediaError(file, f"is no queue of this Facewire ({error}): move it away") from error
