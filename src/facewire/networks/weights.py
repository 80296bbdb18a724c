"""Models from weights and back: hash checked before a byte is interpreted (manifest.py says what lies where).

Nothing here unpickles anything. Knows nothing about training: whoever saves brings the provenance along.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse
from safetensors.torch import save_file
from torch import Tensor, nn

from facewire.base.errors import ConfigError, OutputError, SchemaMismatch, WeightsError
from facewire.base.files import atomic_output, sha256_of
from facewire.networks.manifest import (
    DEFAULT,
    Manifest,
    Provenance,
    checked_bytes,
    read_manifest,
    resolve,
    write_manifest,
)
from facewire.networks.memory_layout import channels_last
from facewire.networks.presets import Model, build_preset
from facewire.networks.relatives.model import RelativeTalkingHead


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


def load_for(path: Path, device: str) -> Model:
    """Return the model of a weights file on a device; on CUDA imported ones compute in float16 as their origin does.

    Raises:
        WeightsError, HashMismatch, SchemaMismatch: see `load_model`.
    """
    model, _ = load_model(path)
    channels_last(model.to(torch.device(device)))
    if isinstance(model, RelativeTalkingHead) and device.startswith("cuda"):
        model.reduced = torch.float16
    return model


def _checked_tensors(path: Path, sha256: str) -> dict[str, Tensor]:
    """Return the tensors of a file; the very bytes that are parsed were hashed before."""
    data = checked_bytes(path, sha256)
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
