"""Networks filled with the weights that ship with the package."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from facewire.base.errors import SchemaMismatch
from facewire.face.store import WEIGHTS_FOLDER, read_arrays

Module = TypeVar("Module", bound=nn.Module)


def fill(module: Module, name: str, folder: Path = WEIGHTS_FOLDER) -> Module:
    """Load the file `name` into `module` and switch it to evaluation mode.

    Raises:
        WeightsError, HashMismatch: as `read_arrays`.
        SchemaMismatch: names or shapes in the file are not those of the module.
    """
    tensors = {key: torch.from_numpy(value) for key, value in read_arrays(name, folder).items()}
    own = module.state_dict()
    missing = sorted(own.keys() - tensors.keys())
    unexpected = sorted(tensors.keys() - own.keys())
    wrong = sorted(key for key in own.keys() & tensors.keys() if own[key].shape != tensors[key].shape)
    if missing or unexpected or wrong:
        raise SchemaMismatch(folder / name, missing, unexpected, wrong)
    module.load_state_dict(tensors)
    return module.eval()
