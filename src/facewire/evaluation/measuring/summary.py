"""From rows to a report: means, spreads, pooled numbers, and what could not be computed.

Every clip counts the same: a metric's mean is the mean of the clips' means, its std the spread between clips. Pooled
metrics are different: a correlation sums its products over all clips, a distance of sets joins all feature vectors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from facewire.evaluation.measuring.bootstrap import correlation_statistic, interval, mean_statistic
from facewire.evaluation.measuring.rows import Row, Store
from facewire.metrics.apertures import Comovement
from facewire.metrics.frechet import Moments, frechet_distance
from facewire.metrics.metric import Metric

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One metric over all clips.

    mean      the number of the report; None if it was not computed
    std       spread between clips; None for distances of sets
    interval  95 % of the bootstrap over people
    per_clip  clip -> number
    pooled    the mean is not the mean of `per_clip`, but computed over all clips together
    sums      clip -> sums of products, for correlations
    baseline  the same number for the unchanged source picture, and per clip
    absent    why it was not computed
    """

    metric: Metric
    mean: float | None = None
    std: float | None = None
    interval: tuple[float, float] | None = None
    per_clip: Mapping[str, float] = field(default_factory=dict)
    pooled: bool = False
    sums: Mapping[str, Sequence[float]] = field(default_factory=dict)
    baseline: float | None = None
    baseline_per_clip: Mapping[str, float] = field(default_factory=dict)
    absent: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """A protocol's outcome.

    protocol  its name
    entries   by metric name, in the order of the report
    rows      all rows, failed ones too
    """

    protocol: str
    entries: Mapping[str, Entry]
    rows: Sequence[Row]

    @property
    def good(self) -> list[Row]:
        """The rows with numbers."""
        return [row for row in self.rows if not row.failed]

    def with_entries(self, entries: Mapping[str, Entry]) -> Summary:
        """Return the same summary with more or other entries."""
        return Summary(self.protocol, {**self.entries, **entries}, self.rows)

    @property
    def failed(self) -> dict[str, str]:
        """Name and reason of the failed rows."""
        return {row.name: row.reason for row in self.rows if row.failed}


def summarise(
    protocol: str,
    rows: Sequence[Row],
    metrics: Sequence[Metric],
    absent: Mapping[str, str],
    store: Store,
    sets: Mapping[str, tuple[str, str, str]] | None = None,
) -> Summary:
    """Return the summary of rows.

    Args:
        protocol: its name.
        rows: all rows.
        metrics: what to report, in order.
        absent: why a metric is not computed, by name.
        store: holds the rows' feature vectors.
        sets: metric -> names of its vectors of the truth, the result and the baseline.
    """
    good = [row for row in rows if not row.failed]
    entries: dict[str, Entry] = {}
    for metric in metrics:
        if metric.name in absent:
            entries[metric.name] = Entry(metric=metric, absent=absent[metric.name])
        elif sets and metric.name in sets:
            entries[metric.name] = _set_entry(metric, good, store, sets[metric.name])
        else:
            entries[metric.name] = _entry(metric, good)
    return Summary(protocol, entries, rows)


def document(summary: Summary, config: Mapping[str, Any], hashes: Mapping[str, Any]) -> dict[str, Any]:
    """Return report.json."""
    entries = summary.entries
    return {
        "schema": SCHEMA,
        "protocol": summary.protocol,
        "metrics": {name: _described(entry) for name, entry in entries.items()},
        "baseline": {name: entry.baseline for name, entry in entries.items()},
        "baseline_per_clip": {name: dict(entry.baseline_per_clip) for name, entry in entries.items()},
        "failed": summary.failed,
        "clips": {
            row.name: {"person": row.group, "frames": row.frames, "seconds": row.seconds}
            for row in summary.good
        },
        "config": dict(config),
        "hashes": dict(hashes),
    }


def _entry(metric: Metric, rows: Sequence[Row]) -> Entry:
    per_clip = {row.name: row.values[metric.name] for row in rows if metric.name in row.values}
    baseline = {row.name: row.baseline[metric.name] for row in rows if metric.name in row.baseline}
    sums = {row.name: row.sums[metric.name] for row in rows if metric.name in row.sums}
    groups = {row.name: row.group for row in rows}
    if sums:
        total = sum(map(Comovement.from_numbers, sums.values()), Comovement(0, 0.0, 0.0, 0.0))
        mean, spread = total.correlation, interval(sums, groups, correlation_statistic)
    else:
        pairs = {name: (value, 1.0) for name, value in per_clip.items()}
        mean, spread = _mean(per_clip), interval(pairs, groups, mean_statistic)
    return Entry(
        metric=metric,
        mean=mean,
        std=_std(per_clip),
        interval=spread,
        per_clip=per_clip,
        pooled=bool(sums),
        sums=sums,
        baseline=_mean(baseline),
        baseline_per_clip=baseline,
        absent="" if mean is not None else "it is not defined in any row",
    )


def _set_entry(metric: Metric, rows: Sequence[Row], store: Store, names: tuple[str, str, str]) -> Entry:
    """Join the vectors of all rows, one row in memory at a time."""
    moments: list[Moments | None] = [None, None, None]
    for row in rows:
        arrays = store.arrays(row.name)
        for side, name in enumerate(names):
            if name in arrays:
                own, before = Moments.of(arrays[name]), moments[side]
                moments[side] = own if before is None else before.joined(own)
    truth, result, baseline = moments
    if truth is None or result is None or min(truth.count, result.count) < 2:
        return Entry(metric=metric, absent="there are too few frames")
    return Entry(
        metric=metric,
        mean=frechet_distance(result, truth),
        baseline=None if baseline is None else frechet_distance(baseline, truth),
        pooled=True,
    )


def _described(entry: Entry) -> dict[str, Any]:
    metric = entry.metric
    card = {"title": metric.title, "unit": metric.unit, "better": metric.better, "source": metric.source}
    numbers: dict[str, Any] = {
        "mean": entry.mean,
        "std": entry.std,
        "interval": list(entry.interval) if entry.interval else None,
        "per_clip": dict(entry.per_clip),
        "pooled": entry.pooled,
    }
    if metric.better == "ideal":
        card["ideal"] = metric.ideal  # type: ignore[assignment]
    if entry.sums:
        numbers["sums"] = {name: list(values) for name, values in entry.sums.items()}
    if entry.absent:
        numbers["not_computed"] = entry.absent
    return card | numbers | ({"note": metric.note} if metric.note else {})


def _mean(values: Mapping[str, float]) -> float | None:
    return float(np.mean(list(values.values()))) if values else None


def _std(values: Mapping[str, float]) -> float | None:
    return float(np.std(list(values.values()))) if values else None
