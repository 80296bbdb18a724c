"""The constants of a graph as parts of a model's weights, so that a graph can be kept without them.

    ["weight", NAME]                   a tensor as it is
    ["columns", NAME, [3, 0, -1]]      a convolution of some of its inputs, in this order; -1 is an input of zeros
    ["transposed", NAME, [0, 1, 2]]    that of doubled maps (upsampled_convolution.py)
    ["literal", BYTES]                 no weight: kept with the graph

Only the content counts: what names and shapes a graph gives to its constants does not matter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewire.engines.graphs.upsampled_convolution import transposed

WEIGHT, COLUMNS, TRANSPOSED, LITERAL = "weight", "columns", "transposed", "literal"
LEAST = 16
"""Numbers below which a constant is kept with the graph."""
ZEROS = -1

Part = list[Any]
State = Mapping[str, Tensor]
Array = NDArray[Any]


def numbers_of(part: Part, state: State) -> bytes:
    """Return the float32 numbers of a part that is no literal.

    Args:
        part: see above.
        state: a model's weights by name, float32.
    """
    kind, name, *inputs = part
    weight = state[name].detach().contiguous()
    if kind != WEIGHT:
        weight = torch.cat((weight, torch.zeros_like(weight[:, :1])), dim=1)[:, inputs[0]]
    if kind == TRANSPOSED:
        weight = transposed(weight)
    return weight.contiguous().numpy().tobytes()


class KnownWeights:
    """Finds constants among the weights of a model."""

    def __init__(self, state: State) -> None:
        self._whole: dict[bytes, str] = {}
        self._inputs: dict[bytes, tuple[str, int]] = {}
        for name, tensor in state.items():
            if tensor.dtype == torch.float32 and tensor.numel() >= LEAST:
                self._learn(name, tensor.detach().contiguous())

    def part(self, numbers: Array) -> Part | None:
        """Return what a constant is of the weights; None for a literal."""
        if numbers.dtype != np.float32 or numbers.size < LEAST:
            return None
        if (name := self._whole.get(_digest(numbers))) is not None:
            return [WEIGHT, name]
        if numbers.ndim != 4:
            return None
        return self._convolution(COLUMNS, numbers.swapaxes(0, 1)) or self._convolution(TRANSPOSED, numbers)

    def _learn(self, name: str, tensor: Tensor) -> None:
        self._whole.setdefault(_digest(tensor.numpy()), name)
        if tensor.ndim != 4:
            return
        for by_input in (tensor.transpose(0, 1), transposed(tensor) if tensor.shape[2:] == (3, 3) else ()):
            for number, weights in enumerate(by_input):
                self._inputs.setdefault(_digest(weights.numpy()), (name, number))

    def _convolution(self, kind: str, by_input: Array) -> Part | None:
        """Return a convolution if all its inputs are of one tensor; some may be zeros."""
        known = [self._inputs.get(_digest(weights), ("", ZEROS)) for weights in by_input]
        names = {name for name, _ in known if name}
        empty = [not weights.any() for weights, (name, _) in zip(by_input, known, strict=True) if not name]
        return (
            [kind, names.pop(), [number for _, number in known]] if len(names) == 1 and all(empty) else None
        )


def _digest(numbers: Array) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(numbers).tobytes()).digest()
