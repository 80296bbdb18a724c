"""What is known about weights without building their model: the manifest beside the file, names, numbers.

    NAME.safetensors   tensors, half precision
    NAME.json          manifest: SHA-256, preset, config, steps, data, metrics, licence

weights.py makes models of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from facewire import __version__
from facewire.base import weight_folder
from facewire.base.config import from_dict, to_dict
from facewire.base.errors import ConfigError, HashMismatch, MediaError, WeightsError
from facewire.base.files import read_json, write_json

SCHEMA = 1
PUBLISHED = Path(__file__).parent.parent / "weights"
"""Weights that come with the package."""
COMPACT = "compact-256"
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


def checked_bytes(path: Path, sha256: str) -> bytes:
    """Return a weights file whose SHA-256 is that of its manifest.

    Raises:
        WeightsError: it cannot be read.
        HashMismatch: the bytes are others.
    """
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise WeightsError(path, f"cannot be read ({problem.strerror})") from problem
    actual = hashlib.sha256(data).hexdigest()
    if actual != sha256:
        raise HashMismatch(path, sha256, actual)
    return data


def arrays_of(path: Path, sha256: str) -> dict[str, NDArray[Any]]:
    """Return the numbers of a weights file by name, in float32 where they are fractions.

    Raises:
        WeightsError, HashMismatch: as `checked_bytes`, or it is no safetensors file.
    """
    data = checked_bytes(path, sha256)
    try:
        arrays = load(data)
    except SafetensorError as problem:
        raise WeightsError(path, f"is not a safetensors file ({problem})") from problem
    return {name: _whole(array) for name, array in arrays.items()}


def _whole(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(np.float32) if array.dtype.kind == "f" else array


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A weights file and its manifest; nothing of it is loaded."""

    path: Path
    manifest: Manifest

    @classmethod
    def of(cls, weights: str | Path = DEFAULT) -> WeightsFile:
        """Return the file of a name or a path.

        Raises:
            WeightsError: there is none, or its manifest is missing or not ours.
        """
        path = resolve(weights)
        return cls(path, read_manifest(path))

    def check(self) -> None:
        """Raise WeightsError or HashMismatch unless the file is that of its manifest."""
        checked_bytes(self.path, self.manifest.sha256)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the numbers by name, see `arrays_of`."""
        return arrays_of(self.path, self.manifest.sha256)
