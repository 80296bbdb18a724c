"""Checkpoints: one safetensors file that holds everything a run needs to go on exactly.

    model.* ema.* critic.*             tensors by state-dict name
    optimizer.I.* critic_optimizer.I.* Adam's moments of parameter I
    metadata                           step, settings, data hash, code version, as JSON

No random state is stored: pairs, augmentation and noise of a step follow from (seed, step).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from facewire import __version__
from facewire.base.config import from_dict, to_dict
from facewire.base.errors import ConfigError, WeightsError
from facewire.base.files import atomic_output
from facewire.training.config import TrainConfig

Tensors = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A run between two steps; `step` steps are done."""

    step: int
    config: TrainConfig
    data_sha256: str
    tensors: Tensors

    def part(self, name: str) -> Tensors:
        """Return the tensors under `name.`, without that prefix."""
        start = f"{name}."
        return {key.removeprefix(start): value for key, value in self.tensors.items() if key.startswith(start)}


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint atomically.

    Raises:
        OutputError: the folder cannot be written.
    """
    metadata = {
        "step": checkpoint.step,
        "config": to_dict(checkpoint.config),
        "data_sha256": checkpoint.data_sha256,
        "facewire": __version__,
    }
    with atomic_output(path, overwrite=True) as temporary:
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
        save_file(tensors, temporary, metadata={"facewire": json.dumps(metadata)})


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        WeightsError: it is not one of ours, or its settings are of another version.
    """
    try:
        with safe_open(path, framework="pt") as stored:
            metadata = json.loads((stored.metadata() or {})["facewire"])
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        return Checkpoint(
            metadata["step"], from_dict(TrainConfig, metadata["config"]), metadata["data_sha256"], tensors
        )
    except (SafetensorError, OSError, KeyError, ValueError, ConfigError) as problem:
        raise WeightsError(path, f"is not a checkpoint of this version ({problem})") from problem


def prefixed(name: str, tensors: Mapping[str, Tensor]) -> Tensors:
    """Return the tensors with `name.` before every key."""
    return {f"{name}.{key}": value for key, value in tensors.items()}


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> Tensors:
    """Return Adam's state by `I.name`, I the parameter's index."""
    state: Mapping[int, Mapping[str, Any]] = optimizer.state_dict()["state"]
    return {
        f"{index}.{name}": torch.as_tensor(value) for index, entry in state.items() for name, value in entry.items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put Adam's state back; settings such as the rate stay those of `optimizer`."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value.clone()
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
