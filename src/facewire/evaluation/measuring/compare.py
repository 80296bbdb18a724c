"""Two reports of the same protocol: what changed, and is it more than noise.

Only clips that both reports have are compared, each with itself; people are drawn with replacement (bootstrap.py).
A change counts if the 95 % interval of the difference leaves zero out. Many metrics are looked at together, so one in
twenty leaves it out by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from facewire.base.errors import ConfigError
from facewire.evaluation.measuring.bootstrap import FloatArray, correlation_statistic, interval

Verdict = Literal["better", "worse", "within noise", "no interval"]
Pairs = dict[str, tuple[float, ...]]
"""Clip -> numbers of both reports that add up."""
PairStatistic = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
"""From summed numbers to the value before and after."""
SUMS = 4
"""Numbers of a correlation's sums, see metrics.apertures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One metric in two reports.

    before, after  over the clips that both have (of the whole set where there is no number per clip); where the
                   metric has an ideal value, the mean distance from it
    difference     after minus before
    interval       95 % of the paired bootstrap
    """

    name: str
    title: str
    before: float
    after: float
    difference: float
    interval: tuple[float, float] | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Comparison:
    """All changes, the clips compared, and what makes the reports differ besides the model."""

    changes: list[Change]
    clips: int
    warnings: list[str]


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> Comparison:
    """Compare two documents as in report.json.

    Raises:
        ConfigError: they are of different protocols, or not reports.
    """
    if "protocol" not in before or before.get("protocol") != after.get("protocol") or "metrics" not in after:
        raise ConfigError(
            "compare", after.get("protocol"), f"two reports of one protocol ({before.get('protocol')})"
        )
    groups = {name: clip["person"] for report in (before, after) for name, clip in report["clips"].items()}
    changes = [
        change
        for name, card in before["metrics"].items()
        if (change := _change(name, card, after["metrics"].get(name, {}), groups)) is not None
    ]
    shared = before["clips"].keys() & after["clips"].keys()
    return Comparison(changes, len(shared), _warnings(before, after, len(shared)))


def _change(
    name: str, old: Mapping[str, Any], new: Mapping[str, Any], groups: Mapping[str, str]
) -> Change | None:
    if old.get("mean") is None or new.get("mean") is None:
        return None
    pairs, statistic = (
        _correlation_pairs(old, new) if "sums" in old and "sums" in new else _value_pairs(old, new)
    )
    before, after, difference, spread = old["mean"], new["mean"], new["mean"] - old["mean"], None
    if pairs:
        total = np.array([pairs[clip] for clip in sorted(pairs)], dtype=np.float64).sum(axis=0)
        before, after = (float(value) for value in statistic(total))
        spread = interval(pairs, groups, lambda sums: statistic(sums)[1] - statistic(sums)[0])
        difference = after - before
    return Change(
        name=name,
        title=old["title"],
        before=before,
        after=after,
        difference=difference,
        interval=spread,
        verdict=_verdict(spread, higher_is_better=old["better"] == "higher"),
    )


def _correlation_pairs(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Pairs, PairStatistic]:
    """Return each clip's sums of both reports side by side; distances from the ideal where there is one."""
    shared = old["sums"].keys() & new["sums"].keys()
    pairs = {clip: (*old["sums"][clip], *new["sums"][clip]) for clip in shared}

    def value(sums: FloatArray) -> FloatArray:
        correlation = correlation_statistic(sums)
        return np.abs(correlation - old["ideal"]) if old["better"] == "ideal" else correlation

    return pairs, lambda sums: (value(sums[..., :SUMS]), value(sums[..., SUMS:]))


def _value_pairs(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Pairs, PairStatistic]:
    """Return each clip's numbers of both reports and a one; distances from the ideal where there is one."""
    shared = old["per_clip"].keys() & new["per_clip"].keys()
    both = {clip: (old["per_clip"][clip], new["per_clip"][clip]) for clip in shared}
    if old["better"] == "ideal":
        both = {clip: (abs(a - old["ideal"]), abs(b - old["ideal"])) for clip, (a, b) in both.items()}
    pairs: Pairs = {clip: (a, b, 1.0) for clip, (a, b) in both.items()}
    return pairs, lambda sums: (sums[..., 0] / sums[..., 2], sums[..., 1] / sums[..., 2])


def _verdict(spread: tuple[float, float] | None, *, higher_is_better: bool) -> Verdict:
    if spread is None:
        return "no interval"
    low, high = spread
    if low <= 0 <= high:
        return "within noise"
    return "better" if (low > 0) == higher_is_better else "worse"


def _warnings(before: Mapping[str, Any], after: Mapping[str, Any], shared: int) -> list[str]:
    found = []
    if shared < max(len(before["clips"]), len(after["clips"])):
        found.append(
            f"only {shared} clips are in both reports ({len(before['clips'])} and {len(after['clips'])})"
        )
    for field in ("stride", "identity_stride", "kept", "looks", "clips", "facewire"):
        old, new = before["config"].get(field), after["config"].get(field)
        if old != new:
            found.append(f"{field} differs: {old} and {new}")
    if before["hashes"].get("nets") != after["hashes"].get("nets"):
        found.append("the metrics' networks differ")
    if (
        before["hashes"].get("data") != after["hashes"].get("data")
        and before["clips"].keys() == after["clips"].keys()
    ):
        found.append("clips of the same names have different bytes")
    return found
