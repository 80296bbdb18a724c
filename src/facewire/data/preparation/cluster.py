"""The same work on a cluster, with Ray Data (optional extra `cluster`).

Videos are rows of a data set, one CPU works on each, results go to the output folder, which every machine must see.
Ray starts what fails again; a video whose workers die every time is given up.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import secrets
from collections.abc import Iterator, Sequence
from typing import Any

from facewire.base.cache import temporary
from facewire.base.errors import ConfigError
from facewire.data.preparation.lists.videos import RawVideo
from facewire.data.preparation.parts import read_record
from facewire.data.preparation.task import Outcome, Task, outcome_of

LOCAL = "local"
"""Address that starts a cluster on this machine, for trying it."""
LOCAL_STORE_BYTES = 128 * 1024 * 1024
"""Shared memory of such a cluster: rows are small, clips do not pass through it."""


def run_on_cluster(task: Task, videos: Sequence[RawVideo], address: str, workers: int) -> Iterator[Outcome]:
    """Yield the outcome of every video, in the order in which they come.

    Args:
        task: what to do.
        videos: with what.
        address: of the cluster, or "local".
        workers: CPUs of a local cluster.

    Raises:
        ConfigError: Ray is not installed, or there is no cluster at that address.
    """
    if importlib.util.find_spec("ray") is None:
        raise ConfigError("cluster", address, "pip install 'facewire[cluster]' first; Ray is not installed")
    ray: Any = importlib.import_module("ray")
    data: Any = importlib.import_module("ray.data")
    try:
        _connect(ray, address, workers)
    except (ConnectionError, ValueError, RuntimeError, OSError) as problem:
        text = "the address of a running cluster (ray start --head), or local"
        raise ConfigError("cluster", address, f"{text}; {' '.join(str(problem).split())[:200]}") from problem
    try:
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        context = data.DataContext.get_current()
        context.max_errored_blocks = -1  # a block is one video
        context.enable_progress_bars = False
        rows = data.from_items([{"number": n} for n in range(len(videos))], override_num_blocks=len(videos))
        shared = ray.put((task, list(videos)))
        done = set[int]()
        for row in rows.map(_Work(shared), num_cpus=1).iter_rows():
            done.add(row["number"])
            yield Outcome(row["key"], row["clips"], row["rejected"], row["problem"])
        for number in sorted(set(range(len(videos))) - done):
            record = read_record(task.out, videos[number].key)
            if record is None:
                yield task.lost(videos[number], "its worker died")
            else:
                yield outcome_of(record)
    finally:
        ray.shutdown()


def _connect(ray: Any, address: str, workers: int) -> None:
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    if address == LOCAL:
        # Ray's workers give way to everything else; on a machine that is busy they would never finish.
        os.environ.setdefault("RAY_worker_niceness", "0")
        os.environ.setdefault(
            "RAY_AUTH_TOKEN", secrets.token_hex(32)
        )  # else it writes one into the home folder
        store = {"object_store_memory": LOCAL_STORE_BYTES, "include_dashboard": False}
        place = str(temporary() / "ray")
        ray.init(address="local", num_cpus=workers, _temp_dir=place, **store, **quiet)
    else:
        ray.init(address=address, **quiet)


class _Work:
    """What a worker does with a row."""

    def __init__(self, shared: Any) -> None:
        self.shared = shared

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        import ray  # type: ignore[import-not-found,unused-ignore]
        import torch

        torch.set_num_threads(1)
        task, videos = ray.get(self.shared)
        outcome: Outcome = task(videos[row["number"]])
        return {
            "number": row["number"],
            "key": outcome.key,
            "clips": outcome.clips,
            "rejected": outcome.rejected,
            "problem": outcome.problem,
        }
