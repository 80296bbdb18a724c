"""The encoder in floating point over many clips at once, for statistics when tables are made.

Clips run side by side: arrays are (S sequences, T frames, M coefficients), padded, with a mask (S, T). Only
the tables that come out of it are used afterwards, so it needs to be like the real encoder, not equal to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from facewire.codec.frame_coder import LOUDEST, WEIGHT
from facewire.codec.importance import Matrix

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Plan:
    """What the rehearsed encoder works with; `basis` and `analysis` are per quantiser step."""

    basis: Matrix
    analysis: Matrix
    stages: tuple[int, ...]
    dead_zone: Array
    damping: Array


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Residuals (S, T, M) of a run, the contexts they were coded in, and which of them count."""

    residuals: Array
    memory: Array
    activity: Array
    lean: Mask
    levels: Array
    mask: Mask


def padded(clips: Sequence[Array]) -> tuple[Array, Mask]:
    """Return clips (T_i, N) as one array (S, T, N), last frames repeated, and the mask of real frames."""
    longest = max(len(clip) for clip in clips)
    out = np.stack([clip[np.minimum(np.arange(longest), len(clip) - 1)] for clip in clips])
    return out, np.arange(longest) < np.array([len(clip) for clip in clips])[:, None]


def rehearse(plan: Plan, frames: Array, mask: Mask, start: Array) -> Rehearsal:
    """Code each frame from the one before it; the first, which is not counted, from `start`.

    Args:
        plan: the quantiser.
        frames: (S, T, N) components without offset.
        mask: (S, T) real frames.
        start: (S, M) coefficients before the first frame.
    """
    shape = (*frames.shape[:2], plan.basis.shape[1])
    residuals, levels = np.zeros(shape), np.zeros(shape)
    last, step = start, np.zeros_like(start)
    for t in range(shape[1]):
        prediction = last + np.floor(plan.damping * step + 0.5)
        residuals[:, t], now = quantise(plan, frames[:, t], prediction)
        last, step = now, now - last
        levels[:, t] = now
    memory, lean = histories(residuals)
    counted = mask.copy()
    counted[:, 0] = False
    return Rehearsal(residuals, memory, activities(residuals), lean, levels, counted)


def rehearse_single(plan: Plan, frames: Array, reference: Array) -> Rehearsal:
    """Code frames (S, N) each from its own reference coefficients (S, M), without history."""
    residuals, levels = quantise(plan, frames, reference)
    out = residuals[:, None]
    nothing = np.zeros_like(out)
    everything = np.ones(out.shape[:2], dtype=bool)
    return Rehearsal(out, nothing, activities(out), nothing.astype(bool), levels[:, None], everything)


def quantise(plan: Plan, frames: Array, prediction: Array) -> tuple[Array, Array]:
    """Return residuals and coefficients (S, M) of frames (S, N), as `Quantizer.residuals` finds them."""
    residuals, levels = np.zeros_like(prediction), np.zeros_like(prediction)
    start = 0
    for stop in plan.stages:
        left = frames - levels[:, :start] @ plan.basis[:, :start].T
        away = left @ plan.analysis[start:stop].T - prediction[:, start:stop]
        size = np.maximum(np.floor(np.abs(away) + 0.5 - plan.dead_zone[start:stop]), 0)
        residuals[:, start:stop] = np.sign(away) * size
        levels[:, start:stop] = prediction[:, start:stop] + residuals[:, start:stop]
        start = stop
    return residuals, levels


def histories(residuals: Array) -> tuple[Array, Mask]:
    """Return the memory m before each frame and whether the lean s was 1, both (S, T, M)."""
    memory, lean = np.zeros_like(residuals), np.zeros(residuals.shape, dtype=bool)
    for t in range(1, residuals.shape[1]):
        moved = residuals[:, t - 1]
        memory[:, t] = np.floor(memory[:, t - 1] / 2) + WEIGHT * np.minimum(np.abs(moved), LOUDEST)
        lean[:, t] = np.where(moved == 0, lean[:, t - 1], moved < 0)
    return memory, lean


def activities(residuals: Array) -> Array:
    """Return the activity g before each coefficient, (S, T, M)."""
    out = np.zeros_like(residuals)
    for i in range(1, residuals.shape[2]):
        loud = WEIGHT * np.minimum(np.abs(residuals[..., i - 1]), LOUDEST)
        out[..., i] = np.floor(7 * out[..., i - 1] / 8) + loud
    return out
