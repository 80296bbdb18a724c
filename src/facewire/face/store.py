"""Reading the converted weights that ship with the package, after checking that they are the right ones.

`weights/manifest.json` names every file with its SHA-256; `weights/NOTICE` says where the numbers come from.

Knows nothing about networks: it hands out named tensors, or fills a module that expects exactly those names.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import load
from torch import Tensor, nn

from facewire.base.errors import HashMismatch, SchemaMismatch, WeightsError

WEIGHTS_FOLDER = Path(__file__).parent / "weights"
"""Where the files lie that are part of the package."""

MANIFEST_NAME = "manifest.json"

Module = TypeVar("Module", bound=nn.Module)


def read_tensors(name: str, folder: Path = WEIGHTS_FOLDER) -> dict[str, Tensor]:
    """Read one weights file whose SHA-256 is the published one.

    Args:
        name: file name, such as `face_mesh.safetensors`.
        folder: folder that holds the file and its `manifest.json`.

    Returns:
        Tensors by name, in float32 (the files hold float16).

    Raises:
        WeightsError: the file or its manifest is missing or unreadable.
        HashMismatch: the bytes are not the published ones.
    """
    path = folder / name
    expected = _expected_hash(name, folder)
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise WeightsError(
            path, f"cannot be read ({problem.strerror}); install the package again"
        ) from problem
    actual = hashlib.sha256(data).hexdigest()
    if actual != expected:
        raise HashMismatch(path, expected, actual)
    return {key: value.to(torch.float32) for key, value in load(data).items()}


def fill(module: Module, name: str, folder: Path = WEIGHTS_FOLDER) -> Module:
    """Load the file `name` into `module` and switch it to evaluation mode.

    Raises:
        WeightsError, HashMismatch: as `read_tensors`.
        SchemaMismatch: names or shapes in the file are not those of the module.
    """
    tensors = read_tensors(name, folder)
    own = module.state_dict()
    missing = sorted(own.keys() - tensors.keys())
    unexpected = sorted(tensors.keys() - own.keys())
    wrong = sorted(key for key in own.keys() & tensors.keys() if own[key].shape != tensors[key].shape)
    if missing or unexpected or wrong:
        raise SchemaMismatch(folder / name, missing, unexpected, wrong)
    module.load_state_dict(tensors)
    return module.eval()


def _expected_hash(name: str, folder: Path) -> str:
    path = folder / MANIFEST_NAME
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["files"][name]["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise WeightsError(path, f"does not name {name}; install the package again") from problem
