"""How sure is a mean, and is a difference more than noise: the bootstrap over people.

Clips of one person are alike, so people are drawn with replacement, each with all of their clips. Every clip brings
numbers that add up (value and 1 for a mean, sums of products for a correlation); a draw adds them and computes the
statistic from the sums. Deterministic: the draws have a fixed seed.

Source: Efron and Tibshirani, An introduction to the bootstrap (1993); percentile intervals, clustered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Statistic = Callable[[FloatArray], FloatArray]
"""From summed numbers (*, D) to values (*)."""

ROUNDS = 4000
LEVEL = 0.95
SEED = 20_210_620
LEAST_GROUPS = 3
"""Fewer people say nothing about the spread between people."""


def mean_statistic(sums: FloatArray) -> FloatArray:
    """Return the mean from (value, 1) added up."""
    mean: FloatArray = sums[..., 0] / sums[..., 1]
    return mean


def correlation_statistic(sums: FloatArray) -> FloatArray:
    """Return the pooled correlation from (count, result^2, truth^2, product) added up; NaN where undefined."""
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation: FloatArray = sums[..., 3] / np.sqrt(sums[..., 1] * sums[..., 2])
    return correlation


def interval(
    numbers: Mapping[str, Sequence[float]], groups: Mapping[str, str], statistic: Statistic
) -> tuple[float, float] | None:
    """Return the 95 % interval of a statistic, or None with fewer than three people.

    Args:
        numbers: clip -> numbers that add up.
        groups: clip -> person.
        statistic: what is computed from sums.
    """
    per_group = _per_group(numbers, groups)
    if len(per_group) < LEAST_GROUPS:
        return None
    draws = np.random.default_rng(SEED).integers(len(per_group), size=(ROUNDS, len(per_group)))
    values = statistic(per_group[draws].sum(axis=1))
    values = values[np.isfinite(values)]
    if not values.size:
        return None
    low, high = np.quantile(values, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return float(low), float(high)


def _per_group(numbers: Mapping[str, Sequence[float]], groups: Mapping[str, str]) -> FloatArray:
    """Return (G, D): the numbers of each person's clips added up."""
    added: dict[str, FloatArray] = {}
    for clip, values in numbers.items():
        group = groups.get(clip) or clip
        added[group] = added.get(group, 0.0) + np.asarray(values, dtype=np.float64)
    return np.stack([added[group] for group in sorted(added)]) if added else np.zeros((0, 1))
