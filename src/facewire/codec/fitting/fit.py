"""Makes coding tables from recorded motion: transform, steps, predictor, probability tables.

    clips (T, 6 + 3K) -> offset, transform, steps -> predictor -> rehearsed coding -> counts by context
                      -> contexts with like counts share one of a few tables -> CodecTables

Takes plain arrays and knows nothing about data sets or models. Steps follow rate and distortion: in the axes
of the transform the metric is the identity, and there one step for all coefficients makes a bit buy the same
improvement everywhere. (Choosing each coefficient's step by least e' W e + lambda * bits among eight was
tried: it chose nearly the same for all, and rate at equal error did not move by 0.3 %.) In components the
steps differ by the importance that the metric gives each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from facewire.base.errors import ConfigError, ShapeError
from facewire.bitstream.cdf import cdf_from_counts
from facewire.codec.fitting.rehearsal import (
    Array,
    Plan,
    Rehearsal,
    padded,
    rehearse,
    rehearse_single,
)
from facewire.codec.frame_coder import HIGHEST_ACTIVITY, HIGHEST_MEMORY
from facewire.codec.importance import Matrix
from facewire.codec.modes import ABSOLUTE, ANCHOR, FIRST_DISTANCE, MODES, NEXT
from facewire.codec.state import POSE
from facewire.codec.tables.artefact import ANALYSIS_BITS, BASIS_BITS, POINT_BITS, CodecTables, parse_tables
from facewire.codec.tokens import TOKENS, ZERO, token_of
from facewire.codec.transform import Transform, nested_transform

OWN_EDGES = (0, 1, 4, 8, 16)
ACTIVITY_EDGES = (0, 3, 6, 12, 20, 32, 50)
"""Context classes; finer ones gained below 0.1 %."""
TYPICAL_DISTANCE = {3: 2, 4: 5, 5: 9, 6: 20}
"""The distance each mode's statistics are taken at."""
DAMPINGS = (0, 64, 128, 192)
"""Predictors tried, in units of 1/256 of the last step."""
SHORTEST_CLIP = 2 * max(TYPICAL_DISTANCE.values()) + 1
"""Frames; shorter clips are left out."""
PRIOR_COUNTS = 2.0
"""Counts that a context gets from the whole coefficient before its own are looked at."""
UNEXPECTED = 2e-4
"""Share of every table kept for residuals that never occurred."""
LARGEST_TOKENISED = 32767


@dataclass(frozen=True, kw_only=True, slots=True)
class FitSettings:
    """How tables are made.

    id, name    of the artefact
    step        quantiser step in units of the metric's square root (picture units of one keypoint)
    dead_zone   how much below one half a residual is rounded down, in steps: 0 to 0.49
    ends        keypoints after each stage of the transform
    tables      probability tables that contexts share, 1 to 256
    seed        of the choice of source frames
    """

    id: int
    name: str
    step: float
    dead_zone: float = 0.25
    ends: tuple[int, ...] = (5, 8, 11, 14, 17, 20)
    tables: int = 64
    seed: int = 1

    def __post_init__(self) -> None:
        if not 1e-4 <= self.step <= 1:
            raise ConfigError("step", self.step, "0.0001 to 1")
        if not 0 <= self.dead_zone < 0.5:
            raise ConfigError("dead_zone", self.dead_zone, "0 to below 0.5")
        if list(self.ends) != sorted(set(self.ends)) or not self.ends or self.ends[0] < 1:
            raise ConfigError("ends", self.ends, "increasing keypoint counts")
        if not 1 <= self.tables <= 256:
            raise ConfigError("tables", self.tables, "1 to 256")


def fit_tables(
    clips: Sequence[npt.NDArray[np.floating]], metric: Matrix, settings: FitSettings
) -> CodecTables:
    """Return coding tables for motion like that of `clips`.

    Args:
        clips: arrays (T, 6 + 3K) of consecutive frames, order of docs/bitstream.md section 2.
        metric: (N, N) importance, see `codec.importance`.
        settings: what to make.

    Cost: about a minute of one core for half an hour of motion.
    """
    size = POSE + 3 * settings.ends[-1]
    for clip in clips:
        if clip.ndim != 2 or clip.shape[1] != size:
            raise ShapeError("clip", f"(T, {size})", clip.shape)
    usable = [np.asarray(clip, dtype=np.float64) for clip in clips if len(clip) >= SHORTEST_CLIP]
    if not usable:
        raise ConfigError("clips", len(clips), f"at least one clip of {SHORTEST_CLIP} frames")
    offset = np.round(np.concatenate(usable).mean(axis=0) * (1 << POINT_BITS)) / (1 << POINT_BITS)
    centred = [clip - offset for clip in usable]
    transform = nested_transform(change_covariance(centred), metric, settings.ends)
    plan = _with_predictor(_first_plan(transform, settings), centred)
    runs = _all_runs(plan, centred, np.random.default_rng(settings.seed))
    return _assemble(plan, transform, offset, runs, settings)


def change_covariance(clips: Sequence[Array]) -> Matrix:
    """Return the covariance (N, N) of changes over 1 and 5 frames, half each: what files and calls code."""
    total = np.zeros((clips[0].shape[1],) * 2)
    for lag in (1, 5):
        changes = np.concatenate([clip[lag:] - clip[:-lag] for clip in clips])
        total += changes.T @ changes / len(changes) / 2
    return total


def _first_plan(transform: Transform, settings: FitSettings) -> Plan:
    size = len(transform.basis)
    return Plan(
        transform.basis * settings.step,
        transform.analysis / settings.step,
        transform.stages,
        np.full(size, settings.dead_zone),
        np.zeros(size),
    )


def _entropy(values: Array) -> float:
    """Return the empirical entropy of integers in bits each."""
    _, counts = np.unique(values, return_counts=True)
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def _with_predictor(plan: Plan, clips: Sequence[Array]) -> Plan:
    """Return the plan with the damping of each coefficient that makes its residuals cheapest."""
    frames, mask = padded(clips)
    start = np.zeros((len(clips), plan.basis.shape[1]))
    rates = []
    for damping in DAMPINGS:
        trial = replace(plan, damping=np.full(len(plan.damping), damping / 256))
        run = rehearse(trial, frames, mask, start)
        rates.append([_entropy(run.residuals[..., i][run.mask]) for i in range(frames.shape[2])])
    best = np.array(rates)
    best[0] -= 0.01
    return replace(plan, damping=np.array(DAMPINGS)[best.argmin(axis=0)] / 256)


def _all_runs(plan: Plan, clips: Sequence[Array], rng: np.random.Generator) -> dict[int, list[Rehearsal]]:
    """Rehearse every mode and return the runs by mode."""
    frames, mask = padded(clips)
    zero = np.zeros((len(clips), plan.basis.shape[1]))
    sources = np.stack([clip[rng.integers(len(clip))] for clip in clips])
    absolute = rehearse_single(plan, sources, zero)
    anchors = absolute.levels[:, 0]
    runs = {ABSOLUTE: [absolute], ANCHOR: [], NEXT: [rehearse(plan, frames, mask, anchors)]}
    for t in rng.permutation(frames.shape[1])[:24]:
        here = mask[:, t]
        runs[ANCHOR].append(rehearse_single(plan, frames[here, t], anchors[here]))
    plain = replace(plan, damping=np.zeros_like(plan.damping))
    for mode, distance in TYPICAL_DISTANCE.items():
        sparse, seen = padded([clip[phase::distance] for clip in clips for phase in range(min(distance, 3))])
        start = np.repeat(anchors, min(distance, 3), axis=0)
        runs[mode] = [rehearse(plain, sparse, seen, start)]
    return runs


def _assemble(
    plan: Plan, transform: Transform, offset: Array, runs: dict[int, list[Rehearsal]], settings: FitSettings
) -> CodecTables:
    counts = np.stack([sum(_counts(run, mode) for run in runs[mode]) for mode in range(MODES)])
    labels, shared = share_tables(counts, settings.tables)
    size = counts.shape[1]
    tables = CodecTables(
        id=settings.id,
        name=settings.name,
        keypoints=settings.ends[-1],
        offset=np.round(offset * (1 << POINT_BITS)).astype(np.int64),
        basis=np.round(plan.basis * (1 << BASIS_BITS)).astype(np.int64),
        columns=transform.columns,
        damping=tuple(round(256 * float(d)) for d in plan.damping),
        own_edges=OWN_EDGES,
        activity_edges=ACTIVITY_EDGES,
        cdfs=tuple(tuple(cdf_from_counts(row.tolist())) for row in shared),
        cells=tuple(tuple(bytes(labels[mode, i].tolist()) for i in range(size)) for mode in range(MODES)),
        kept_cdf=tuple(_kept_cdf()),
        still=tuple(_moving_shares(runs[mode]) for mode in range(MODES)),
        analysis=np.round(plan.analysis * (1 << ANALYSIS_BITS)).astype(np.int64),
        stages=plan.stages,
        dead_zone=tuple(round(256 * float(d)) for d in plan.dead_zone),
    )
    return parse_tables(tables.to_bytes())


def _counts(run: Rehearsal, mode: int) -> Array:
    """Return how often each token occurred, (M, cells, tokens)."""
    size = run.residuals.shape[2]
    cells = len(OWN_EDGES) * len(ACTIVITY_EDGES)
    own = np.searchsorted(OWN_EDGES, np.minimum(run.memory, HIGHEST_MEMORY), side="right") - 1
    activity = np.searchsorted(ACTIVITY_EDGES, np.minimum(run.activity, HIGHEST_ACTIVITY), side="right") - 1
    cell = own * len(ACTIVITY_EDGES) + activity
    mirrored = np.where(run.lean, -run.residuals, run.residuals)
    clipped = np.clip(mirrored, -LARGEST_TOKENISED, LARGEST_TOKENISED).astype(np.int64)
    tokens = _token_array(clipped)
    moving = run.mask & (run.residuals != 0).any(axis=2)
    out = np.zeros((size, cells, TOKENS))
    for i in range(size):
        np.add.at(out[i], (cell[..., i][moving], tokens[..., i][moving]), 1)
    if mode <= ANCHOR:
        out += out[..., ::-1]
    return out


def _token_array(residuals: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    values, where = np.unique(residuals, return_inverse=True)
    return np.array([token_of(int(v)) for v in values], dtype=np.int64)[where].reshape(residuals.shape)


def share_tables(counts: Array, tables: int, rounds: int = 20) -> tuple[npt.NDArray[np.int64], Array]:
    """Let contexts share tables: k-means where distance is the bits lost by using the table of another.

    Args:
        counts: (modes, M, cells, tokens).
        tables: at most so many are made.
        rounds: of the iteration.

    Returns:
        The table of each context (modes, M, cells), and the tables as counts (tables, tokens).
    """
    modes, size, cells, tokens = counts.shape
    whole = counts.sum(axis=2, keepdims=True)
    prior = (whole + 0.01) / (whole + 0.01).sum(axis=3, keepdims=True)
    flat = (counts + PRIOR_COUNTS * prior).reshape(-1, tokens)
    magnitude = flat @ np.abs(np.arange(tokens) - ZERO) / flat.sum(axis=1)
    order = np.argsort(magnitude, kind="stable")
    weight = np.cumsum(np.sqrt(flat.sum(axis=1))[order])
    labels = np.zeros(len(flat), dtype=np.int64)
    labels[order] = np.minimum(tables - 1, weight / weight[-1] * tables)
    for _ in range(rounds):
        pooled = np.zeros((tables, tokens))
        np.add.at(pooled, labels, flat)
        labels = (-flat @ np.log2(_smoothed(pooled)).T).argmin(axis=1)
    pooled = np.zeros((tables, tokens))
    np.add.at(pooled, labels, flat)
    return labels.reshape(modes, size, cells), _smoothed(pooled)


def _smoothed(pooled: Array) -> Array:
    """Return shares of each row with a little of everything mixed in, less of wide residuals."""
    tail = 0.8 ** np.abs(np.arange(pooled.shape[1]) - ZERO)
    shares = (pooled + 1e-9) / (pooled + 1e-9).sum(axis=1, keepdims=True)
    return np.asarray((1 - UNEXPECTED) * shares + UNEXPECTED * tail / tail.sum())


def _kept_cdf() -> list[int]:
    """Return the table of changes of the keypoint count: mostly none, else small."""
    counts = 0.7 ** np.abs(np.arange(TOKENS) - ZERO)
    counts[ZERO] = 0.0
    counts *= 0.06 / counts.sum()
    counts[ZERO] = 0.94
    return cdf_from_counts(counts.tolist())


def _moving_shares(runs: Sequence[Rehearsal]) -> tuple[int, int]:
    """Return of 65536 how many frames are not still: after one that was not, and after one that was.

    Recordings of talking people hardly hold still frames, stopped cameras and stretched frame rates do: once
    it is still, it is taken to stay so nine times of ten unless the recordings say otherwise.
    """
    seen, still = np.array([600.0, 10.0]), np.array([1.0, 9.0])
    for run in runs:
        rest = ~run.residuals.any(axis=2)
        after = np.pad(rest, ((0, 0), (1, 0)))[:, :-1]
        for state in (0, 1):
            here = run.mask & (after == state)
            seen[state] += here.sum()
            still[state] += (here & rest).sum()
    moving, resting = (round((1 << 16) * float(1 - s / n)) for s, n in zip(still, seen))
    return max(1, moving), max(1, resting)


assert set(TYPICAL_DISTANCE) == set(FIRST_DISTANCE) - {NEXT}
