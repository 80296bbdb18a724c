"""Reading the weights of a metric's frozen network from a file that the user brings.

A backbone is a published file: its address and the first digits of its SHA-256 are written down beside the
network that reads it. It is downloaded only when asked for. Pickled files are parsed without running code in them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from torch import Tensor, nn

from facewire.base.errors import HashMismatch, WeightsError
from facewire.base.files import atomic_output
from facewire.networks.tensor_files import read_checked
from facewire.networks.weights import fill

TIMEOUT_S = 30.0
"""How long a silent server is waited for."""
PIECE = 1 << 20
"""Bytes read at once."""


@dataclass(frozen=True, slots=True)
class BackboneFile:
    """A published file of weights.

    name    what it is called in the folder of networks
    url     where it is published
    sha256  the first digits of its hash; empty skips the check
    """

    name: str
    url: str
    sha256: str = ""

    def absence(self, folder: Path | None) -> str:
        """Return why the file cannot be read from a folder, or an empty text if it is there."""
        if folder is None:
            return f"no folder of networks was given; it needs {self.name} ({self.url})"
        if not (folder / self.name).is_file():
            return f"{self.name} is not in the folder of networks ({self.url})"
        return ""

    def fetch(self, folder: Path) -> None:
        """Download the file into a folder where it is not there; it takes its name only when its hash is right.

        Raises:
            WeightsError: it cannot be had.
            HashMismatch: what came is not the published file.
            OutputError: the folder cannot be written.
        """
        target, digest = folder / self.name, hashlib.sha256()
        if target.is_file():
            return
        try:
            with (
                urlopen(self.url, timeout=TIMEOUT_S) as answer,
                atomic_output(target) as temporary,
                temporary.open("wb") as stream,
            ):
                while piece := answer.read(PIECE):
                    stream.write(piece)
                    digest.update(piece)
                if not digest.hexdigest().startswith(self.sha256):
                    raise HashMismatch(target, self.sha256, digest.hexdigest())
        except (OSError, HTTPException) as problem:
            raise WeightsError(target, f"cannot be had from {self.url} ({problem})") from problem

    def read(self, folder: Path) -> dict[str, Tensor]:
        """Return its tensors in float32.

        Raises:
            WeightsError: the file is missing or holds something other than named tensors.
            HashMismatch: its bytes are not the published ones.
        """
        return read_checked(folder / self.name, self.sha256, self.url)


def freeze(module: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Put tensors into a module, strictly, and freeze it.

    Raises:
        SchemaMismatch: names or shapes differ.
    """
    fill(module, tensors, path)
    module.requires_grad_(False)
    module.eval()
