"""Taking the tremble out of a whole clip: every number by itself, looking both ways (Rauch, Tung, Striebel).

forwards   a random walk of variance WALK a frame, seen with variance `seen`
backwards  every estimate drawn towards what came after it
"""

from __future__ import annotations

import torch
from torch import Tensor

WALK = 1e-5
SEEN = 3e-7
"""Variance of what a frame says; smaller follows it more closely, 0 changes nothing."""


def smoothed(rows: Tensor, seen: float = SEEN) -> Tensor:
    """Return numbers (T, ...) over time, smoothed."""
    kept: list[tuple[Tensor, float]] = []
    mean, before = rows[0].double(), 1.0
    for row in rows.double():
        gain = before / (before + seen)
        mean = mean + gain * (row - mean)
        kept.append((mean, (1 - gain) * before))
        before = (1 - gain) * before + WALK
    result = [kept[-1][0]]
    for mean, variance in reversed(kept[:-1]):
        result.append(mean + variance / (variance + WALK) * (result[-1] - mean))
    return torch.stack(result[::-1]).to(rows.dtype)
