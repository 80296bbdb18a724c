"""Weights on disk: safetensors with a manifest beside them, hash checked before a byte is interpreted.

    NAME.safetensors   tensors, half precision
    NAME.json          manifest: SHA-256, preset, config, steps, data, metrics, licence

Nothing here unpickles anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from facewire import __version__
from facewire.base.config import from_dict, to_dict
from facewire.base.errors import ConfigError, HashMismatch, SchemaMismatch, WeightsError
from facewire.base.files import atomic_output, read_json, sha256_of, write_json
from facewire.networks.presets import COMPACT, Model, build_preset

SCHEMA = 1
PUBLISHED = Path(__file__).parent.parent / "weights"
"""Weights that come with the package."""
DEFAULT = COMPACT


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """What a model has seen."""

    clips: int
    frames: int
    sha256: str
    """Of names and sizes of all clips, see data.clips.manifest_hash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where weights come from; part of the manifest."""

    steps: int
    data: TrainingData | None = None
    licence: str = "not stated"
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is known about a weights file; the JSON beside it."""

    preset: str
    config: Mapping[str, Any]
    sha256: str
    provenance: Provenance
    metrics: Mapping[str, float] = field(default_factory=dict)
    facewire: str = __version__
    schema: int = SCHEMA


def save_weights(
    path: Path,
    model: nn.Module,
    preset: str,
    config: Mapping[str, Any],
    provenance: Provenance,
    metrics: Mapping[str, float] | None = None,
) -> Manifest:
    """Write `path` (.safetensors, half precision) and its manifest, each atomically.

    Raises:
        OutputError: the folder cannot be written.
    """
    tensors = {name: _stored(tensor) for name, tensor in model.state_dict().items()}
    with atomic_output(path, overwrite=True) as temporary:
        save_file(tensors, temporary)
    manifest = Manifest(preset, dict(config), sha256_of(path), provenance, dict(metrics or {}))
    write_manifest(path, manifest)
    return manifest


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write the manifest of a weights file beside it."""
    data = {
        "schema": manifest.schema,
        "preset": manifest.preset,
        "config": dict(manifest.config),
        "sha256": manifest.sha256,
        "facewire": manifest.facewire,
        "provenance": to_dict(manifest.provenance),
        "metrics": dict(manifest.metrics),
    }
    write_json(path.with_suffix(".json"), data)


def read_manifest(path: Path) -> Manifest:
    """Read the manifest of a weights file.

    Raises:
        WeightsError: there is none, or it is not one of ours.
    """
    beside = path.with_suffix(".json")
    if not path.is_file():
        raise WeightsError(path, "no such weights file")
    if not beside.is_file():
        raise WeightsError(path, f"its manifest {beside.name} is missing; keep both files together")
    data = read_json(beside)
    try:
        if data["schema"] != SCHEMA:
            raise WeightsError(beside, f"manifest schema {data['schema']} is not {SCHEMA}; update facewire")
        return Manifest(
            preset=data["preset"],
            config=data["config"],
            sha256=data["sha256"],
            provenance=from_dict(Provenance, data["provenance"]),
            metrics=data["metrics"],
            facewire=data["facewire"],
        )
    except (KeyError, TypeError, ConfigError) as problem:
        raise WeightsError(beside, f"is not a weights manifest ({problem})") from problem


def resolve(weights: str | Path) -> Path:
    """Return the file of a published name (`compact-256`) or of a path.

    Raises:
        WeightsError: neither exists.
    """
    published = PUBLISHED / f"{weights}.safetensors"
    if published.is_file():
        return published
    path = Path(weights)
    if path.is_file():
        return path
    names = ", ".join(sorted(file.stem for file in PUBLISHED.glob("*.safetensors"))) or "none"
    raise WeightsError(path, f"no such weights file; published with this package: {names}")


def load_model(weights: str | Path = DEFAULT) -> tuple[Model, Manifest]:
    """Return a model in evaluation mode, on the CPU in float32, and its manifest.

    Raises:
        WeightsError: the file or its manifest is missing or not ours.
        HashMismatch: the bytes are not those of the manifest.
        SchemaMismatch: the tensors do not fit the preset.
    """
    path = resolve(weights)
    manifest = read_manifest(path)
    actual = sha256_of(path)
    if actual != manifest.sha256:
        raise HashMismatch(path, manifest.sha256, actual)
    model = build_preset(manifest.preset, manifest.config or None)
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as problem:
        raise WeightsError(path, f"is not a safetensors file ({problem})") from problem
    fill(model, tensors, path)
    model.eval()
    return model, manifest


def fill(model: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Put tensors into a model, strictly.

    Raises:
        SchemaMismatch: names or shapes differ.
    """
    wanted = model.state_dict()
    missing = sorted(wanted.keys() - tensors.keys())
    unexpected = sorted(tensors.keys() - wanted.keys())
    wrong = sorted(n for n in wanted.keys() & tensors.keys() if wanted[n].shape != tensors[n].shape)
    if missing or unexpected or wrong:
        raise SchemaMismatch(path, missing, unexpected, wrong)
    model.load_state_dict({name: tensor.to(wanted[name].dtype) for name, tensor in tensors.items()})


def _stored(tensor: Tensor) -> Tensor:
    kept = tensor.detach().cpu().contiguous()
    return kept.to(torch.float16) if kept.is_floating_point() else kept
