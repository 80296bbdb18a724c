"""Reading the weights of frozen networks that the user brings: safe formats, checked hashes, clear errors."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_safetensors
from torch import Tensor

from facewire.base.errors import HashMismatch, WeightsError

Tensors = dict[str, Tensor]


def read_safetensors(path: Path) -> Tensors:
    """Return the tensors of a safetensors file in float32.

    Raises:
        WeightsError: the file is missing or no safetensors file.
    """
    return _parsed_safetensors(_read(path), path)


def read_pickle(path: Path) -> Tensors:
    """Return the named tensors of a PyTorch file in float32; the file cannot run code.

    Raises:
        WeightsError: the file is missing, or holds something other than named tensors.
    """
    return _parsed_pickle(_read(path), path)


def read_checked(path: Path, sha256_prefix: str, url: str) -> Tensors:
    """Return the tensors of a published file of either kind in float32, after its hash was found right.

    Args:
        path: the file.
        sha256_prefix: first hexadecimal digits of the published SHA-256; empty skips the check.
        url: where it is published, for the error text.

    Raises:
        WeightsError: the file is missing or holds something other than named tensors.
        HashMismatch: its bytes are not the published ones.
    """
    data = _read(path, f"get it from {url}")
    actual = hashlib.sha256(data).hexdigest()
    if not actual.startswith(sha256_prefix):
        raise HashMismatch(path, sha256_prefix, actual)
    return (_parsed_safetensors if path.suffix == ".safetensors" else _parsed_pickle)(data, path)


def _read(path: Path, advice: str = "check the path") -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise WeightsError(path, f"cannot be read ({problem.strerror}); {advice}") from problem


def _parsed_safetensors(data: bytes, path: Path) -> Tensors:
    try:
        tensors = parse_safetensors(data)
    except SafetensorError as problem:
        raise WeightsError(path, f"is not a safetensors file ({problem})") from problem
    return {name: tensor.float() for name, tensor in tensors.items()}


def _parsed_pickle(data: bytes, path: Path) -> Tensors:
    try:
        loaded = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as problem:  # torch raises several kinds for a bad file; all mean the same here
        raise WeightsError(path, f"is not a file of tensors ({type(problem).__name__})") from problem
    if not isinstance(loaded, dict) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise WeightsError(path, "does not hold named tensors")
    return {str(name): tensor.float() for name, tensor in loaded.items()}
