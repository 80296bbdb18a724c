"""Reading the weights of frozen networks that the user brings: safe formats, checked hashes, clear errors."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_safetensors
from torch import Tensor, nn

from facewire.base.errors import HashMismatch, SchemaMismatch, WeightsError


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file in float32.

    Raises:
        WeightsError: the file is missing or no safetensors file.
    """
    try:
        tensors = parse_safetensors(_read(path))
    except SafetensorError as problem:
        raise WeightsError(path, f"is not a safetensors file ({problem})") from problem
    return {name: tensor.float() for name, tensor in tensors.items()}


def read_checked_pickle(path: Path, sha256_prefix: str, url: str) -> dict[str, Tensor]:
    """Return the tensors of a published PyTorch file in float32, after its hash was found right.

    Args:
        path: the file.
        sha256_prefix: first hexadecimal digits of the published SHA-256.
        url: where it is published, for the error text.

    Raises:
        WeightsError: the file is missing or holds something other than named tensors.
        HashMismatch: its bytes are not the published ones.
    """
    data = _read(path, f"get it from {url}")
    actual = hashlib.sha256(data).hexdigest()
    if not actual.startswith(sha256_prefix):
        raise HashMismatch(path, sha256_prefix, actual)
    return _parse_pickle(data, path)


def read_pickle(path: Path) -> dict[str, Tensor]:
    """Return the named tensors of a PyTorch file in float32; the file cannot run code.

    Raises:
        WeightsError: the file is missing, or holds something other than named tensors.
    """
    return _parse_pickle(_read(path), path)


def fill(module: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Copy tensors into a module that expects exactly those names and shapes.

    Raises:
        SchemaMismatch: names or shapes differ; nothing was copied.
    """
    own = module.state_dict()
    missing = sorted(own.keys() - tensors.keys())
    unexpected = sorted(tensors.keys() - own.keys())
    wrong = sorted(key for key in own.keys() & tensors.keys() if own[key].shape != tensors[key].shape)
    if missing or unexpected or wrong:
        raise SchemaMismatch(path, missing, unexpected, wrong)
    module.load_state_dict(dict(tensors))


def _read(path: Path, advice: str = "check the path") -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise WeightsError(path, f"cannot be read ({problem.strerror}); {advice}") from problem


def _parse_pickle(data: bytes, path: Path) -> dict[str, Tensor]:
    try:
        loaded = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as problem:  # torch raises several kinds for a bad file; all mean the same here
        raise WeightsError(path, f"is not a file of tensors ({type(problem).__name__})") from problem
    if not isinstance(loaded, dict) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise WeightsError(path, "does not hold named tensors")
    return {str(name): tensor.float() for name, tensor in loaded.items()}
