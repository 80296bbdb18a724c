"""Many jobs of facewire animate: all sources with all drivers, a line for each, a table at the end.

    photos/ drivers/ -o out/                two folders
    'photos/*.jpg' talk.mp4 -o out/         a pattern that the shell leaves alone
    photos/*.jpg drivers/*.mp4 -o out/      names that the shell made of patterns: pictures are sources, others drive

Results are SOURCE--DRIVER.mp4. Files appear when they are complete, so a batch that was stopped goes on with what is
missing when it is called again, and makes again what came from other options or another file of that name. A failed
job does not stop the rest.
"""

from __future__ import annotations

import argparse
import glob
import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from facewire.base.errors import OutputError
from facewire.cli import options, places
from facewire.cli.batch_record import BatchRecord, digest_of

if TYPE_CHECKING:
    from facewire.animation.animate import AnimateReport

SOME_FAILED = 8
"""Exit code."""
MADE, THERE, OTHER, FAILED = "made", "there already", "there, made from something else", "failed"
STATES = (MADE, THERE, OTHER, FAILED)
PATTERN = frozenset("*?[")
PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".avif", ".bmp", ".tif", ".tiff", ".jp2"})
ANIMATION = ".gif"


@dataclass(frozen=True, slots=True)
class Job:
    """One result: which source, which driver, where to."""

    source: Path
    driving: Path
    output: Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job."""

    source: str
    driving: str
    output: str
    state: str
    frames: int = 0
    seconds: float = 0.0
    problem: str = ""


def wanted(given: argparse.Namespace) -> bool:
    """Return whether the command line asks for several results."""
    sides = [side for side in (given.source, given.driving) if side is not None]
    folder = given.output.endswith(("/", "\\")) or _is_folder(given.output)
    return folder or bool(given.more) or any(_is_several(side) for side in sides)


Check = Callable[[argparse.Namespace, str, str], None]
"""Raises for a source and a driver that cannot work together."""


class Work(Protocol):
    """What does the jobs."""

    def make(self, source: str, driving: str, output: str, bars: options.Bars) -> AnimateReport:
        """Do one job."""


def into_folder(given: argparse.Namespace) -> bool:
    """Return whether the output is a folder.

    Raises:
        OutputError: several results are asked for, and it is named like one video.
    """
    if not wanted(given):
        return False
    output = Path(given.output)
    if output.suffix and not _is_folder(given.output) and not given.output.endswith(("/", "\\")):
        raise OutputError(output, f"several results go into a folder: call it {output.with_suffix('')}/")
    return True


def run(given: argparse.Namespace, check: Check, begin: Callable[[argparse.Namespace], Work]) -> int:
    """Do all jobs, each after `check`, after `begin` has loaded what they need; return the exit code."""
    from tqdm import tqdm

    listed = jobs(*_sides(given), Path(given.output))
    work = begin(given)
    record = BatchRecord(Path(given.output))
    outcomes = []
    overall = tqdm(
        total=len(listed),
        desc="jobs",
        unit="job",
        file=sys.stderr,
        disable=given.quiet or not sys.stderr.isatty(),
    )
    for number, job in enumerate(listed, start=1):
        outcome = _done(work, job, given, check, record)
        outcomes.append(outcome)
        if not given.quiet:
            tqdm.write(f"facewire: {number}/{len(listed)} {_line(outcome)}", file=sys.stderr)
        overall.update()
    overall.close()
    if given.json:
        print(json.dumps([asdict(outcome) for outcome in outcomes], indent=2))
    else:
        print("\n".join(_table(outcomes)))
    return SOME_FAILED if any(outcome.state == FAILED for outcome in outcomes) else 0


def jobs(sources: list[Path], drivers: list[Path], folder: Path) -> list[Job]:
    """Return every source with every driver, driver by driver; no two write the same file."""
    stems = [source.stem for source in sources]
    listed, taken = [], set()
    for driving in drivers:
        for source in sources:
            name = source.stem if stems.count(source.stem) == 1 else source.name
            stem = f"{name}--{driving.stem}"
            if stem in taken:
                stem = f"{name}--{driving.name}"
            taken.add(stem)
            listed.append(Job(source, driving, folder / f"{stem}.mp4"))
    return listed


def _done(work: Work, job: Job, given: argparse.Namespace, check: Check, record: BatchRecord) -> Outcome:
    names = str(job.source), str(job.driving), str(job.output)
    begin = time.perf_counter()
    bars = options.Bars(given.quiet)
    try:
        digest = digest_of(given, job.source, job.driving)
        if job.output.exists():
            if not record.is_other(job.output, digest):
                return Outcome(*names, THERE)
            if given.overwrite is False:
                return Outcome(*names, OTHER)
        job.output.parent.mkdir(parents=True, exist_ok=True)
        check(given, *names[:2])
        report = work.make(*names, bars)
        record.note(job.output, digest)
    except Exception as problem:  # whatever it was, the other jobs go on
        if given.debug:
            raise
        return Outcome(*names, FAILED, seconds=time.perf_counter() - begin, problem=str(problem))
    finally:
        bars.close()
    return Outcome(*names, MADE, report.frames, time.perf_counter() - begin)


def _sides(given: argparse.Namespace) -> tuple[list[Path], list[Path]]:
    """Return sources and drivers.

    Raises:
        ConfigError: a side is missing.
        MediaError: a side has no files.
    """
    from facewire.base.errors import ConfigError

    if given.more:
        names = [Path(name) for name in (given.source, given.driving, *given.more)]
        sources = [name for name in names if name.suffix.lower() in PICTURES]
        drivers = [name for name in names if name.suffix.lower() not in PICTURES]
        if sources and drivers:
            return sources, drivers
        raise ConfigError(
            "arguments",
            f"{len(names)} names",
            "pictures and driving videos, or two folders, or patterns in quotes",
        )
    source, driving = given.source_option or given.source, given.driving_option or given.driving
    if source is None or driving is None:
        raise ConfigError("arguments", "too few", "facewire animate SOURCES DRIVERS -o FOLDER/")
    return expanded(source, pictures=True), expanded(driving, pictures=False)


def expanded(side: str, *, pictures: bool) -> list[Path]:
    """Return the files that a folder, a pattern or a name stands for; with or without pictures of a folder.

    Raises:
        MediaError: there are none.
    """
    from facewire.base.errors import MediaError

    path = Path(side)
    if path.is_dir():
        files: Iterable[Path] = (file for file in path.iterdir() if _is_medium(file, pictures))
    elif PATTERN.intersection(side):
        names = glob.glob(side, recursive=True)  # noqa: PTH207 -- Path().glob takes no absolute pattern
        files = (Path(name) for name in names if Path(name).is_file())
    else:
        files = (path,)
    found = sorted(files)
    if not found:
        raise MediaError(side, f"has no {'pictures or videos' if pictures else 'videos or recorded motions'}")
    return found


def _is_medium(path: Path, pictures: bool) -> bool:
    from facewire.animation.clips.source_video import is_video
    from facewire.talks.motion_file import is_motion_file

    suffix = path.suffix.lower()
    other = suffix in PICTURES if pictures else suffix == ANIMATION or is_motion_file(path)
    return path.is_file() and (is_video(path) or other)


def any_side(side: str) -> None:
    """Take a file, a folder, or a pattern that the shell left alone; `expanded` looks at what it stands for."""
    if not _is_several(side):
        places.any_file(side)


def _is_folder(path: str) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 -- Path().is_dir() raises for names that are too long


def _is_several(side: str) -> bool:
    return _is_folder(side) or (bool(PATTERN.intersection(side)) and not Path(side).exists())


def _line(outcome: Outcome) -> str:
    what = f"{Path(outcome.source).name} + {Path(outcome.driving).name}: {outcome.state}"
    if outcome.state == MADE:
        return f"{what}, {outcome.frames} frames in {outcome.seconds:.1f} s, {outcome.output}"
    return f"{what}, {outcome.problem}" if outcome.problem else what


def _table(outcomes: list[Outcome]) -> list[str]:
    """Return the end of a batch for people: how many of each kind, and every job that failed with its reason."""
    counts = {state: sum(outcome.state == state for outcome in outcomes) for state in STATES}
    lines = [", ".join(f"{count} {state}" for state, count in counts.items() if count)]
    rows = [
        (Path(one.source).name, Path(one.driving).name, one.state, one.problem or one.output)
        for one in outcomes
    ]
    wide = [max(len(row[column]) for row in rows) for column in range(3)]
    for *cells, last in rows:
        lines.append("  ".join((*(cell.ljust(width) for cell, width in zip(cells, wide, strict=True)), last)))
    return lines
