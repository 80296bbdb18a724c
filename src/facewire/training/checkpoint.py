"""Checkpoints: one safetensors file that holds everything a run needs to go on exactly.

    model.* ema.* critic.*             tensors by state-dict name
    optimizer.I.* critic_optimizer.I.* Adam's moments of parameter I
    metadata                           step, settings, data hash, frozen networks, code version, as JSON

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
from torch import Tensor

from facewire import __version__
from facewire.base.config import from_dict, to_dict
from facewire.base.errors import ConfigError, WeightsError
from facewire.networks.weights import write_tensors
from facewire.training.config import TrainConfig

Tensors = dict[str, Tensor]


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


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint atomically; on failure the one before stays.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    metadata = {
        "step": checkpoint.step,
        "config": to_dict(checkpoint.config),
        "data_sha256": checkpoint.data_sha256,
        "perceptual": checkpoint.perceptual,
        "facewire": __version__,
    }
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
    write_tensors(path, tensors, {"facewire": json.dumps(metadata)})


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
            step=int(metadata["step"]),
            config=from_dict(TrainConfig, metadata["config"]),
            data_sha256=str(metadata["data_sha256"]),
            perceptual=str(metadata["perceptual"]),
            tensors=tensors,
        )
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, ConfigError) as problem:
        raise WeightsError(path, f"is not a checkpoint of this version ({problem!r})") from problem


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
