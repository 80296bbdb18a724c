"""Checkpoints: everything a run needs to go on exactly, written while the run goes on.

    RUN/checkpoints/step-00000500/
      run.json                      step, settings, code version, data hash, frozen networks
      shard-0000R-model-....safetensors   what rank R wrote: its share of the tensors below

    model.* ema.* critic.*             tensors by state-dict name
    optimizer.I.* critic_optimizer.I.* Adam's moments of parameter I
    scaler.*                           the loss scale, in fp16

torch.distributed.checkpoint copies the tensors, then shares the writing out among the ranks in the background. The
folder takes its name when all of it is on disk; one or two of them are kept. Any number of ranks can go on from it.

No random state is stored: pairs, augmentation and noise of a step follow from (seed, step, slice). Nothing in a
checkpoint is a pickle.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import warnings
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.checkpoint.metadata import Metadata, TensorStorageMetadata
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import async_save
from torch.distributed.checkpoint.storage import WriteResult

from facewire import __version__
from facewire.base.config import from_dict, to_dict
from facewire.base.errors import FacewireError, OutputError, WeightsError
from facewire.base.files import read_json, write_advice, write_json
from facewire.training.config import TrainConfig
from facewire.training.machine.ranks import ALONE, Ranks

CHECKPOINTS = "checkpoints"
RECORD = "run.json"
KEPT = 2
"""Checkpoints that stay: should the newest one be damaged, there is one before it."""

Tensors = dict[str, Tensor]

# The notes of torch: about the format with every checkpoint, and thousands that nobody reads about its own calls.
for _notes in ("torch.distributed.checkpoint", "c10d-NullHandler-dcp_logger"):
    logging.getLogger(_notes).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A run between two steps.

    step         steps done
    config       its settings
    data_sha256  which clips, see data.clips.clips_hash
    perceptual   name of the frozen networks of the loss
    tensors      everything that changes, see `training.learner`
    """

    step: int
    config: TrainConfig
    data_sha256: str
    perceptual: str
    tensors: Mapping[str, Tensor]


@cache
def code_version() -> str:
    """Return the package's version and a hash over its sources: 0.1.0+1f9c2b7a03de."""
    root, digest = Path(__file__).parents[1], hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
        digest.update(path.read_bytes())
    return f"{__version__}+{digest.hexdigest()[:12]}"


class CheckpointWriter:
    """Writes the checkpoints of a run, one at a time, in the background."""

    def __init__(self, folder: Path, ranks: Ranks = ALONE) -> None:
        """Write into `folder`/checkpoints; all ranks make one of these and call it at the same steps."""
        self._folder, self._ranks = folder / CHECKPOINTS, ranks
        self._writing: Future[Any] | None = None
        self.step: int | None = None
        """Of the last checkpoint, also where it was there before; it is not written twice."""

    def save(self, checkpoint: Checkpoint) -> None:
        """Copy a checkpoint's tensors and begin to write them; waits for the checkpoint before.

        Raises:
            OutputError: the one before could not be written.
        """
        self.wait()
        if checkpoint.step == self.step:
            return
        self.step = checkpoint.step
        folder = step_folder(self._folder.parent, checkpoint.step)
        try:
            partial = folder.with_name(f".{folder.name}")
            if self._ranks.first:
                shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir(parents=True)
            writer = _CommittingWriter(partial, folder, _record(checkpoint))
        except OSError as problem:
            raise OutputError(folder, write_advice(problem)) from problem
        alone = self._ranks.count == 1
        if alone:  # torch would tell so at every checkpoint
            warnings.filterwarnings("ignore", "torch.distributed is disabled", UserWarning)
        writing = async_save(
            {name: tensor.detach().contiguous() for name, tensor in checkpoint.tensors.items()},
            storage_writer=writer,
            process_group=self._ranks.checkpoints,
            no_dist=alone,
        )
        assert isinstance(writing, Future)
        self._writing = writing

    def wait(self) -> None:
        """Wait until what was begun is on disk.

        Raises:
            OutputError: it could not be written; the checkpoint before is kept.
        """
        if self._writing is None:
            return
        writing, self._writing = self._writing, None
        try:
            writing.result()
        except CheckpointException as problem:
            raise _as_output_error(self._folder, problem) from problem

    def close(self) -> None:
        """Wait for what was begun, also where the run ends by an error that matters more."""
        with suppress(OutputError):
            self.wait()


class _CommittingWriter(HuggingFaceStorageWriter):
    """Writes safetensors; when every rank's are on disk the folder gets its record and its name."""

    def __init__(self, partial: Path, folder: Path, record: dict[str, Any]) -> None:
        super().__init__(str(partial), save_distributed=True)
        self._partial, self._folder, self._record = partial, folder, record

    def finish(self, metadata: Metadata, results: list[list[WriteResult]]) -> None:
        """Called on rank 0 when all ranks have written."""
        super().finish(metadata, results)
        write_json(self._partial / RECORD, self._record)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._partial.rename(self._folder)
        for old in stored_steps(self._folder.parent.parent)[KEPT:]:
            shutil.rmtree(step_folder(self._folder.parent.parent, old), ignore_errors=True)


def step_folder(run: Path, step: int) -> Path:
    """Return where a run's checkpoint after `step` steps lies."""
    return run / CHECKPOINTS / f"step-{step:08d}"


def stored_steps(run: Path) -> list[int]:
    """Return the steps of a run's checkpoints, latest first."""
    found = (run / CHECKPOINTS).glob("step-*")
    return sorted((int(path.name[5:]) for path in found if path.name[5:].isdigit()), reverse=True)


def load_record(folder: Path) -> Checkpoint:
    """Read what a checkpoint says about itself, without its tensors.

    Raises:
        WeightsError: it is not one of ours, or its settings are of another version.
    """
    try:
        record = read_json(folder / RECORD)
        return Checkpoint(
            step=int(record["step"]),
            config=from_dict(TrainConfig, record["config"]),
            data_sha256=str(record["data_sha256"]),
            perceptual=str(record["perceptual"]),
            tensors={},
        )
    except (FacewireError, KeyError, TypeError, ValueError) as problem:
        raise _unusable(folder, problem) from problem


def load_tensors(folder: Path) -> Tensors:
    """Read the tensors of a checkpoint, whoever wrote which of them.

    Raises:
        WeightsError: they cannot be read.
    """
    try:
        reader = HuggingFaceStorageReader(str(folder))
        stored = reader.read_metadata().state_dict_metadata
        tensors: Tensors = {}
        for name, found in stored.items():
            assert isinstance(found, TensorStorageMetadata)
            tensors[name] = torch.empty(found.size, dtype=found.properties.dtype)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "torch.distributed is disabled", UserWarning)
            load(tensors, storage_reader=reader, no_dist=True)
    except (CheckpointException, SafetensorError, OSError, KeyError, ValueError) as problem:
        raise _unusable(folder, problem) from problem
    return tensors


def _record(checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "step": checkpoint.step,
        "config": to_dict(checkpoint.config),
        "data_sha256": checkpoint.data_sha256,
        "perceptual": checkpoint.perceptual,
        "code": code_version(),
    }


def _unusable(folder: Path, problem: BaseException) -> WeightsError:
    detail = str(problem).strip().splitlines()[-1] if str(problem).strip() else repr(problem)
    return WeightsError(
        folder,
        f"is not a checkpoint of this version ({detail}): remove it and the run goes on from the one before",
    )


def _as_output_error(folder: Path, problem: CheckpointException) -> OutputError:
    """Return what went wrong first, on whichever rank."""
    for failure in problem.failures.values():
        error: BaseException = failure[0]
        if isinstance(error, OutputError):
            return error
        if isinstance(error, OSError):
            return OutputError(folder, write_advice(error))
    return OutputError(
        folder, f"cannot be written, is the disk full? ({problem.failures})".replace("\n", " ")
    )


def prefixed(name: str, tensors: Mapping[str, Tensor]) -> Tensors:
    """Return the tensors with `name.` before every key."""
    return {f"{name}.{key}": value for key, value in tensors.items()}


def part(name: str, tensors: Mapping[str, Tensor]) -> Tensors:
    """Return the tensors under `name.`, without that prefix."""
    start = f"{name}."
    return {key.removeprefix(start): value for key, value in tensors.items() if key.startswith(start)}


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> Tensors:
    """Return Adam's state by `I.name`, I the parameter's index."""
    state: Mapping[int, Mapping[str, Any]] = optimizer.state_dict()["state"]
    return {
        f"{index}.{name}": torch.as_tensor(value)
        for index, entry in state.items()
        for name, value in entry.items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put Adam's state back; settings such as the rate stay those of `optimizer`.

    Moments take the memory layout of their parameters, as in a run that was never stopped: the last bits of
    vectorised arithmetic depend on it.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = like(parameters[int(index)], value)
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def like(pattern: Tensor, value: Tensor) -> Tensor:
    """Return a copy of `value`, where it has the shape of `pattern` also with its layout and device."""
    if value.shape != pattern.shape:
        return value.clone()
    return torch.empty_like(pattern, dtype=value.dtype, requires_grad=False).copy_(value)
