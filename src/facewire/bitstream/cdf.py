"""Integer cumulative tables: made from counts, and checked before use."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from facewire.bitstream.rangecoder import BITS

TOTAL = 1 << BITS
"""Last entry of every table."""


def cdf_from_counts(counts: Sequence[float]) -> list[int]:
    """Return the cumulative table of n counts: n + 1 integers, 0 to 2^16, every symbol at least 1 wide.

    The widths are the counts' shares, rounded to the largest remainder. Used when tables are made, never when
    they are used.
    """
    if not 1 <= len(counts) <= TOTAL // 2:
        raise ValueError(f"a table of {len(counts)} symbols is not possible")
    spare = TOTAL - len(counts)
    total = float(sum(counts))
    shares = [spare * (count / total if total > 0 else 1 / len(counts)) for count in counts]
    sizes = [int(share) for share in shares]
    by_remainder = sorted(range(len(counts)), key=lambda i: (sizes[i] - shares[i], i))
    for index in by_remainder[: spare - sum(sizes)]:
        sizes[index] += 1
    cdf = [0]
    for size in sizes:
        cdf.append(cdf[-1] + 1 + size)
    return cdf


def is_cdf(values: Sequence[int], symbols: int) -> bool:
    """Return whether `values` is a table of `symbols` symbols: 0, strictly increasing, 2^16."""
    return (
        len(values) == symbols + 1
        and values[0] == 0
        and values[-1] == TOTAL
        and all(low < high for low, high in pairwise(values))
    )
