"""Reading the converted weights that ship with the package, after checking that they are the right ones.

`weights/manifest.json` names every file with its SHA-256; `weights/NOTICE` says where the numbers come from.

Knows nothing about networks: it hands out named arrays.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

from facewire.base.errors import HashMismatch, WeightsError

WEIGHTS_FOLDER = Path(__file__).parent / "weights"
"""Where the files lie that are part of the package."""

MANIFEST_NAME = "manifest.json"


def read_arrays(name: str, folder: Path = WEIGHTS_FOLDER) -> dict[str, NDArray[Any]]:
    """Read one weights file whose SHA-256 is the published one.

    Args:
        name: file name, such as `face_mesh.safetensors`.
        folder: folder that holds the file and its `manifest.json`.

    Returns:
        Arrays by name, in float32 (the files hold float16).

    Raises:
        WeightsError: the file or its manifest is missing or unreadable.
        HashMismatch: the bytes are not the published ones.
    """
    path = folder / name
    expected = expected_hash(name, folder)
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise WeightsError(
            path, f"cannot be read ({problem.strerror}); install the package again"
        ) from problem
    actual = hashlib.sha256(data).hexdigest()
    if actual != expected:
        raise HashMismatch(path, expected, actual)
    return {key: value.astype(np.float32) for key, value in load(data).items()}


def expected_hash(name: str, folder: Path = WEIGHTS_FOLDER) -> str:
    """Return the published SHA-256 of a weights file.

    Raises:
        WeightsError: the manifest does not name it.
    """
    path = folder / MANIFEST_NAME
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["files"][name]["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise WeightsError(path, f"does not name {name}; install the package again") from problem
