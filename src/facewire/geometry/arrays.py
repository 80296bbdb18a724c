"""Numbers of two kinds: tensors of torch where networks compute in it, arrays of numpy everywhere else.

What is written for both asks here which library the numbers at hand belong to, so that nothing loads torch (a second,
and 200 MB) where an engine computes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = Any
"""A tensor of torch or an array of numpy; what belongs together is of one kind."""


def library(numbers: Numbers) -> Any:
    """Return numpy or torch, whichever the numbers belong to; names that both have mean the same in both."""
    if isinstance(numbers, np.ndarray):
        return np
    import torch

    return torch


def like(numbers: Numbers, other: Numbers) -> Numbers:
    """Return numbers as the same kind as others; of another kind they take their number type and device as well."""
    if isinstance(other, np.ndarray):
        return numbers if isinstance(numbers, np.ndarray) else as_array(numbers).astype(other.dtype)
    if not isinstance(numbers, np.ndarray):
        return numbers
    return library(other).tensor(numbers, dtype=other.dtype, device=other.device)


def as_array(numbers: Numbers) -> NDArray[Any]:
    """Return numbers as an array."""
    return numbers if isinstance(numbers, np.ndarray) else np.asarray(numbers.detach().cpu().numpy())
