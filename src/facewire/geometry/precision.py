"""Products of coordinates that never drop below float32, whatever the networks around them compute in.

Under autocast a matrix product or an einsum becomes bfloat16, even of float32 tensors: three significant
digits, 1.6 pixels of 256. Sums of element-wise products stay in float32; for 3x3 matrices they cost nothing.
Arrays of numpy know no autocast.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import numpy as np

from facewire.geometry.arrays import Numbers, library

if TYPE_CHECKING:
    from torch import Tensor


def full(x: Tensor) -> Tensor:
    """Return x in float32, or as it is when it is float32 or float64 already."""
    torch = library(x)
    return x if x.dtype in (torch.float32, torch.float64) else x.float()


def apply(matrix: Numbers, vectors: Numbers) -> Numbers:
    """Return M v of matrices (*, m, n) and vectors (*, n) with broadcasting leading axes, shape (*, m)."""
    if isinstance(matrix, np.ndarray):
        return (matrix @ vectors[..., None])[..., 0]
    columns = full(matrix).unbind(dim=-1)
    numbers = full(vectors).unsqueeze(-1).unbind(dim=-2)
    total = columns[0] * numbers[0]
    for column, number in zip(columns[1:], numbers[1:], strict=True):
        total = total + column * number
    return total


def compose(first: Numbers, second: Numbers) -> Numbers:
    """Return the matrix product of (*, l, m) and (*, m, n), broadcasting leading axes, shape (*, l, n)."""
    if isinstance(first, np.ndarray):
        return first @ second
    return (full(first).unsqueeze(-1) * full(second).unsqueeze(-3)).sum(dim=-2)


def product(first: Tensor, second: Tensor) -> Tensor:
    """Return the same product of matrices with a long inner axis: nothing of its size is written in between."""
    with unreduced(first):
        return full(first) @ full(second)


def unreduced(like: Tensor) -> AbstractContextManager[object]:
    """Return a context in which nothing on a tensor's device is reduced to fewer digits."""
    kind, torch = like.device.type, library(like)
    return torch.autocast(kind, enabled=False) if torch.amp.is_autocast_available(kind) else nullcontext()
