"""The whole preparation: what is to do, doing it here or on a cluster, packing, the summary.

    videos not in a shard yet -> parts (one video after the other, anywhere) -> shards -> manifest -> summary

Kill it anywhere and run it again: finished videos are not touched, and the shards come out the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from facewire.base.config import to_dict
from facewire.base.errors import ConfigError, OutputError
from facewire.base.files import write_advice
from facewire.data.preparation.cluster import run_on_cluster
from facewire.data.preparation.lists.videos import RawVideo
from facewire.data.preparation.parts import read_record
from facewire.data.preparation.pool import run_in_processes
from facewire.data.preparation.settings import PrepareConfig
from facewire.data.preparation.shards import (
    CLIPS,
    REJECTED,
    VIDEOS,
    Manifest,
    pack,
    read_manifest,
    read_table,
    remove_leftovers,
)
from facewire.data.preparation.summary import write_summary
from facewire.data.preparation.task import Outcome, Task, made_from

LIMIT_S = 3600.0
"""Longest time that one video may take."""

Progress = Callable[[str, int, int | None], None]
"""Called with what is being done, how far, and the end."""


@dataclass(frozen=True, slots=True)
class PrepareReport:
    """What a folder of shards holds after a run.

    videos     raw videos, in all runs into this folder
    new        of them prepared by this run
    changed    that are not what they were when they were packed; their old clips stay
    enlarged   clips whose square was smaller than the clips' size
    rejected   pieces left out by reason, in all runs
    problems   videos of this run that gave nothing at all, and why
    """

    folder: str
    videos: int
    new: int
    changed: int
    clips: int
    frames: int
    identities: int
    shards: int
    enlarged: int
    rejected: dict[str, int]
    problems: list[str]


def prepare(
    videos: Sequence[RawVideo],
    out: Path,
    config: PrepareConfig,
    *,
    workers: int = 1,
    cluster: str | None = None,
    limit_s: float = LIMIT_S,
    progress: Progress = lambda stage, done, total: None,
) -> PrepareReport:
    """Prepare videos into a folder of shards.

    Args:
        videos: what to prepare, by key.
        out: the folder; made where it is not there.
        config: what is asked of a clip.
        workers: processes on this machine; 0 works in this one.
        cluster: address of a Ray cluster, or "local"; None works without one.
        limit_s: longest time for one video.
        progress: told how many videos are done and packed.

    Raises:
        ConfigError: the folder holds shards made with other settings, or the cluster cannot be reached.
        OutputError: the folder cannot be written.
        MediaError: what the folder holds is damaged.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise OutputError(out, write_advice(problem)) from problem
    manifest = read_manifest(out)
    packed = _packed(out, manifest, config)
    todo = [video for video in videos if video.key not in packed]
    changed = sum(video.key in packed and packed[video.key] != made_from(video, config) for video in videos)
    problems = []
    progress("videos", 0, len(todo))
    for number, outcome in enumerate(_work(Task(out, config), todo, workers, cluster, limit_s), start=1):
        if outcome.problem:
            problems.append(f"{outcome.key}: {outcome.problem}")
        progress("videos", number, len(todo))
    if todo or manifest is None:
        records = [record for video in todo if (record := read_record(out, video.key)) is not None]
        manifest = pack(out, records, config, lambda done, total: progress("packing", done, total))
    remove_leftovers(out)
    write_summary(out, manifest)
    return _report(out, manifest, len(todo), changed, sorted(problems))


def _work(
    task: Task, todo: Sequence[RawVideo], workers: int, cluster: str | None, limit_s: float
) -> Iterator[Outcome]:
    if not todo:
        return iter(())
    if cluster is not None:
        return run_on_cluster(task, todo, cluster, max(1, workers))
    if workers == 0:
        return map(task, todo)
    return run_in_processes(task, todo, workers, limit_s, task.lost)


def _packed(out: Path, manifest: Manifest | None, config: PrepareConfig) -> dict[str, str]:
    """Return what the videos in shards were made from, by key."""
    if manifest is None:
        return {}
    mine, theirs = to_dict(config), to_dict(manifest.settings)
    differences = [f"{name} {theirs[name]}, not {mine[name]}" for name in mine if mine[name] != theirs[name]]
    if differences:
        raise ConfigError("output", str(out), f"another folder; its shards have {'; '.join(differences)}")
    return {row["key"]: row["made_from"] for row in read_table(out, VIDEOS, manifest)}


def _report(out: Path, manifest: Manifest, new: int, changed: int, problems: list[str]) -> PrepareReport:
    clips = read_table(out, CLIPS, manifest)
    reasons = Counter(row["reason"] for row in read_table(out, REJECTED, manifest))
    return PrepareReport(
        folder=str(out),
        videos=len(read_table(out, VIDEOS, manifest)),
        new=new,
        changed=changed,
        clips=len(clips),
        frames=sum(int(row["frames"]) for row in clips),
        identities=len({row["identity"] for row in clips}),
        shards=len(manifest.shards),
        enlarged=sum(float(row.get("enlarged") or 0) > 1 for row in clips),
        rejected=dict(reasons.most_common()),
        problems=problems,
    )
