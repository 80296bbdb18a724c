"""The constants of a graph as parts of a model's weights, so that a graph can be kept without them.

    ["weight", NAME]                   a tensor as it is
    ["columns", NAME, [3, 0, -1]]      a convolution of some of its inputs, in this order; -1 is an input of zeros
    ["transposed", NAME, [0, 1, 2]]    that of doubled maps (upsampled_convolution.py)
    ["phases", NAME, [0, 1, 2]]        the plain one in its place
    ["literal", BYTES]                 no weight: kept with the graph

Only the content counts: what names and shapes a graph gives to its constants does not matter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

WEIGHT, COLUMNS, TRANSPOSED, PHASES, LITERAL = "weight", "columns", "transposed", "phases", "literal"
LEAST = 16
"""Numbers below which a constant is kept with the graph."""
ZEROS = -1

Part = list[Any]
Array = NDArray[Any]
State = Mapping[str, Array]


def numbers_of(part: Part, state: State) -> bytes:
    """Return the float32 numbers of a part that is no literal.

    Args:
        part: see above.
        state: a model's weights by name, float32.
    """
    kind, name, *inputs = part
    weight = state[name]
    if kind != WEIGHT:
        weight = np.concatenate((weight, np.zeros_like(weight[:, :1])), axis=1)[:, inputs[0]]
    made = {TRANSPOSED: _transposed, PHASES: _phases}.get(kind)
    return np.ascontiguousarray(weight if made is None else made(weight)).tobytes()


class KnownWeights:
    """Finds constants among the weights of a model."""

    def __init__(self, state: State) -> None:
        self._whole: dict[bytes, str] = {}
        self._inputs: dict[bytes, tuple[str, str, int]] = {}
        for name, numbers in state.items():
            if numbers.dtype == np.float32 and numbers.size >= LEAST:
                self._learn(name, numbers)

    def part(self, numbers: Array) -> Part | None:
        """Return what a constant is of the weights; None for a literal."""
        if numbers.dtype != np.float32 or numbers.size < LEAST:
            return None
        if (name := self._whole.get(_digest(numbers))) is not None:
            return [WEIGHT, name]
        if numbers.ndim != 4:
            return None
        return self._convolution(numbers.swapaxes(0, 1)) or self._convolution(numbers)

    def _learn(self, name: str, numbers: Array) -> None:
        self._whole.setdefault(_digest(numbers), name)
        if numbers.ndim != 4:
            return
        by_input = {COLUMNS: numbers.swapaxes(0, 1)}
        if numbers.shape[2:] == (3, 3):
            by_input |= {TRANSPOSED: _transposed(numbers), PHASES: _phases(numbers).swapaxes(0, 1)}
        for kind, inputs in by_input.items():
            for number, weights in enumerate(inputs):
                self._inputs.setdefault(_digest(weights), (kind, name, number))

    def _convolution(self, by_input: Array) -> Part | None:
        """Return a convolution if all its inputs are of one tensor; some may be zeros."""
        known = [self._inputs.get(_digest(weights), ("", "", ZEROS)) for weights in by_input]
        found = {(kind, name) for kind, name, _ in known if name}
        empty = [not weights.any() for weights, (_, name, _) in zip(by_input, known, strict=True) if not name]
        return [*found.pop(), [number for *_, number in known]] if len(found) == 1 and all(empty) else None


def _digest(numbers: Array) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(numbers).tobytes()).digest()


def _transposed(weight: Array) -> Array:
    """Return what `upsampled_convolution.transposed` returns, to the bit, without torch."""
    by_row = np.stack(_four(weight, 2), axis=2)
    return np.stack(_four(by_row, 3), axis=3).swapaxes(0, 1)


def _phases(weight: Array) -> Array:
    """Return what `upsampled_convolution.phases` makes of that, to the bit."""
    transposed = _transposed(weight)
    given, made = transposed.shape[:2]
    squares = np.flip(transposed.reshape(given, made, 2, 2, 2, 2), (2, 4))
    return squares.transpose(1, 3, 5, 0, 2, 4).reshape(4 * made, given, 2, 2)


def _four(weight: Array, axis: int) -> tuple[Array, Array, Array, Array]:
    first, middle, last = np.moveaxis(weight, axis, 0)
    return last, middle + last, first + middle, first
