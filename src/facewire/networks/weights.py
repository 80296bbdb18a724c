"""Weights on disk: safetensors with a manifest beside them, hash checked before a byte is interpreted.

    NAME.safetensors   tensors, half precision
    NAME.json          manifest: SHA-256, preset, config, steps, data, metrics, licence

Nothing here unpickles anything. Knows nothing about training: whoever saves brings the provenance along.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse
from safetensors.torch import save_file
from torch import Tensor, nn

from facewire import __version__
from facewire.base import weight_folder
from facewire.base.config import from_dict, to_dict
from facewire.base.errors import (
    ConfigError,
    HashMismatch,
    MediaError,
    OutputError,
    SchemaMismatch,
    WeightsError,
)
from facewire.base.files import atomic_output, read_json, sha256_of, write_json
from facewire.networks.presets import COMPACT, Model, build_preset

SCHEMA = 1
PUBLISHED = Path(__file__).parent.parent / "weights"
"""Weights that come with the package."""
DEFAULT = COMPACT
"""Published name that is loaded when nothing else is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """What a model has seen."""

    clips: int
    frames: int
    sha256: str
    """Of names and sizes of all clips, see data.clips.clips_hash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where weights come from; part of the manifest."""

    steps: int
    data: TrainingData | None = None
    perceptual: str = "none"
    """Frozen networks whose features the training compared."""
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
    tensors: Mapping[str, Tensor],
    preset: str,
    config: Mapping[str, Any],
    provenance: Provenance,
    metrics: Mapping[str, float] | None = None,
) -> Manifest:
    """Write `path` (.safetensors, half precision) and its manifest, each atomically.

    Args:
        path: the file; its manifest takes the same name with the suffix .json.
        tensors: a model's state by name.
        preset, config: what builds the model, see `presets.build_preset`.
        provenance: where the numbers come from.
        metrics: measured results by name.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    write_tensors(path, {name: _stored(tensor) for name, tensor in tensors.items()})
    manifest = Manifest(preset, dict(config), sha256_of(path), provenance, dict(metrics or {}))
    write_manifest(path, manifest)
    return manifest


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file atomically: on any failure the file that was there before stays.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    with atomic_output(path, overwrite=True) as temporary:
        mode = stat.S_IMODE(temporary.stat().st_mode)
        try:
            save_file(dict(tensors), temporary, metadata=metadata)
            temporary.chmod(mode)  # safetensors makes its files private
        except SafetensorError as problem:  # its way to report failed writing
            raise OutputError(path, f"cannot be written, is the disk full? ({problem})") from problem


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
    try:
        data = read_json(beside)
        if data["schema"] != SCHEMA:
            raise WeightsError(beside, f"manifest schema {data['schema']} is not {SCHEMA}; update facewire")
        return Manifest(
            preset=str(data["preset"]),
            config=dict(data["config"]),
            sha256=str(data["sha256"]),
            provenance=from_dict(Provenance, data["provenance"]),
            metrics={str(name): float(value) for name, value in data["metrics"].items()},
            facewire=str(data["facewire"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, ConfigError, MediaError) as problem:
        raise WeightsError(beside, f"is not a weights manifest ({problem!r})") from problem


def resolve(weights: str | Path) -> Path:
    """Return the file of a published name (`compact-256`), of an imported one, or of a path.

    Raises:
        WeightsError: neither exists.
    """
    published = PUBLISHED / f"{weights}.safetensors"
    if published.is_file():
        return published
    own = weight_folder.folder()
    if own is not None and (imported := own / f"{weights}.safetensors").is_file():
        return imported
    path = Path(weights)
    if path.is_file():
        return path
    said = f"no such weights file; published with this package: {_names(PUBLISHED)}"
    raise WeightsError(path, said if own is None or not own.is_dir() else f"{said}; imported: {_names(own)}")


def known_as(fingerprint: bytes) -> str | None:
    """Return by which name `--weights` takes weights whose SHA-256 begins with some bytes, or None."""
    for folder in (PUBLISHED, weight_folder.folder()):
        for path in sorted(folder.glob("*.safetensors")) if folder is not None else ():
            try:
                found = bytes.fromhex(read_manifest(path).sha256)
            except WeightsError:
                continue
            if found.startswith(fingerprint):
                return path.stem
    return None


def _names(folder: Path) -> str:
    return ", ".join(sorted(file.stem for file in folder.glob("*.safetensors"))) or "none"


def load_model(weights: str | Path = DEFAULT) -> tuple[Model, Manifest]:
    """Return a model in evaluation mode, on the CPU in float32, and its manifest.

    Raises:
        WeightsError: the file or its manifest is missing or not ours.
        HashMismatch: the bytes are not those of the manifest.
        SchemaMismatch: the tensors do not fit the preset.
    """
    path = resolve(weights)
    manifest = read_manifest(path)
    tensors = _checked_tensors(path, manifest.sha256)
    try:
        model = build_preset(manifest.preset, manifest.config)
    except ConfigError as problem:
        raise WeightsError(path, f"its manifest describes no model of this version ({problem})") from problem
    fill(model, tensors, path)
    model.eval()
    return model, manifest


def _checked_tensors(path: Path, sha256: str) -> dict[str, Tensor]:
    """Return the tensors of a file; the very bytes that are parsed were hashed before."""
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise WeightsError(path, f"cannot be read ({problem.strerror})") from problem
    actual = hashlib.sha256(data).hexdigest()
    if actual != sha256:
        raise HashMismatch(path, sha256, actual)
    try:
        return parse(data)
    except SafetensorError as problem:
        raise WeightsError(path, f"is not a safetensors file ({problem})") from problem


def fill(model: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Put tensors into a model, strictly; they take the number types of the model.

    Raises:
        SchemaMismatch: names or shapes differ; nothing was copied.
    """
    check_fit(model, tensors, path)
    wanted = model.state_dict()
    model.load_state_dict({name: tensor.to(wanted[name].dtype) for name, tensor in tensors.items()})


def check_fit(model: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Find out whether `fill` could put tensors into a model.

    Raises:
        SchemaMismatch: names or shapes differ.
    """
    wanted = model.state_dict()
    missing = sorted(wanted.keys() - tensors.keys())
    unexpected = sorted(tensors.keys() - wanted.keys())
    wrong = sorted(n for n in wanted.keys() & tensors.keys() if wanted[n].shape != tensors[n].shape)
    if missing or unexpected or wrong:
        raise SchemaMismatch(path, missing, unexpected, wrong)


def _stored(tensor: Tensor) -> Tensor:
    """Return the tensor as it is stored: in half precision unless that overflows (a large variance)."""
    kept = tensor.detach().cpu().contiguous()
    if not kept.is_floating_point() or kept.abs().amax() > torch.finfo(torch.float16).max:
        return kept
    return kept.to(torch.float16)
