"""The processes that train one model together: started by torchrun, joined by gloo or NCCL.

    torchrun --nproc-per-node 8 -m facewire.cli.main train ...

Every rank computes some slices of each batch (see trainer.py); gradients and reported numbers are averaged, so all
ranks hold the same weights after every step. Without torchrun there is one rank and nothing is sent anywhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist

from facewire.base.errors import ConfigError
from facewire.base.processors import processors


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process among those of the run.

    rank         its number, from 0; rank 0 writes the files
    count        how many there are
    checkpoints  the group that the writers of checkpoints talk in, apart from the training's own; None alone
    """

    rank: int = 0
    count: int = 1
    checkpoints: dist.ProcessGroup | None = None

    @property
    def first(self) -> bool:
        """Whether this is rank 0."""
        return self.rank == 0

    def slices(self, total: int) -> range:
        """Return which of the slices of a batch this rank computes.

        Raises:
            ConfigError: they cannot be shared out evenly.
        """
        if total % self.count:
            raise ConfigError("ranks", self.count, f"a number that divides the {total} slices of a batch")
        share = total // self.count
        return range(self.rank * share, (self.rank + 1) * share)

    def mean(self, numbers: Mapping[str, float], device: torch.device) -> dict[str, float]:
        """Return the mean of each number over all ranks; all of them call this, with the same names."""
        if self.count == 1:
            return dict(numbers)
        values = torch.tensor(list(numbers.values()), dtype=torch.float64, device=_number_device(device))
        dist.all_reduce(values)
        return dict(zip(numbers, (values / self.count).tolist(), strict=True))

    def any(self, here: bool, device: torch.device) -> bool:
        """Say whether it is so on any rank; all of them call this."""
        return self.mean({"": float(here)}, device)[""] > 0

    @contextmanager
    def first_before_others(self) -> Iterator[None]:
        """Let rank 0 do something alone, then the others: what it leaves on disk they find."""
        if self.count > 1 and not self.first:
            dist.barrier()
        yield
        if self.count > 1 and self.first:
            dist.barrier()


ALONE = Ranks()


def launched_ranks() -> int:
    """Return how many ranks torchrun started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def local_device(device: torch.device) -> torch.device:
    """Return this rank's own GPU where several ranks share a machine; another device as it is."""
    if device.type == "cuda" and launched_ranks() > 1:
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return device


@contextmanager
def joined_ranks(device: torch.device) -> Iterator[Ranks]:
    """Join the ranks that torchrun started, and leave them in the end; without torchrun there is one.

    On a CPU the ranks of a machine share its cores out: each is pinned to its own, with one thread for each. Two
    processes of one thread are much faster there than one process of two (docs/training.md).
    """
    count = launched_ranks()
    if count == 1:
        yield ALONE
        return
    rank, local = int(os.environ["RANK"]), int(os.environ.get("LOCAL_RANK", "0"))
    if device.type == "cuda":
        torch.cuda.set_device(device)
    else:
        _take_own_cores(local, int(os.environ.get("LOCAL_WORLD_SIZE", count)))
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    try:
        yield Ranks(rank, count, dist.new_group(backend="gloo"))
    finally:
        dist.destroy_process_group()


def _take_own_cores(local: int, count: int) -> None:
    """Pin this process to its share of the machine's cores, one thread each."""
    if not hasattr(os, "sched_setaffinity"):
        torch.set_num_threads(max(1, processors() // count))
        return
    cores = sorted(os.sched_getaffinity(0))
    share = len(cores) // count
    if share:
        os.sched_setaffinity(0, cores[local * share : (local + 1) * share])
    torch.set_num_threads(min(max(1, share), processors()))


def _number_device(device: torch.device) -> torch.device:
    """Return where numbers are summed: NCCL takes those on its device only."""
    return device if device.type == "cuda" else torch.device("cpu")
