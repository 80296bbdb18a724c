"""From rows of a comparison to curves and ratios.

Curves over all clips are means at each setting: of rates and of qualities. The overall ratio is taken between those
curves; beside it stands what happened clip by clip, where clips without an equal point are counted, not left out.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from facewire.evaluation.codecs.methods import DEFAULT_SETTING, OURS
from facewire.evaluation.codecs.rates import (
    ACCOUNTS,
    ALWAYS_BETTER,
    ALWAYS_WORSE,
    MOTION,
    Cost,
    Equal,
    Point,
    geometric_mean,
    mean_ratio,
    rate_at,
)
from facewire.evaluation.measuring.panel import Panel
from facewire.evaluation.measuring.rows import Row
from facewire.metrics.dists import DISTS
from facewire.metrics.identity import CSIM
from facewire.metrics.keypoint_distance import AKD
from facewire.metrics.lpips import LPIPS
from facewire.metrics.metric import Metric
from facewire.metrics.ms_ssim import MS_SSIM
from facewire.metrics.psnr import PSNR
from facewire.metrics.squeeze_perceptual import SQUEEZE_PERCEPTUAL
from facewire.metrics.ssim import SSIM

METRICS: Final = (LPIPS, DISTS, SQUEEZE_PERCEPTUAL, MS_SSIM, SSIM, PSNR, AKD, CSIM)
"""In the order of the report."""
OUR_METHOD: Final = f"{OURS} file"
"""Whose default setting ratios refer to."""
NO_OVERLAP: Final = "no overlap"


@dataclass(frozen=True, slots=True)
class Measurement:
    """A clip through a method at a setting."""

    cost: Cost
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Ratio:
    """An anchor's rate by ours at equal quality.

    overall   between the mean curves, None where they have no equal point; then why
    curve     mean over all qualities that both mean curves reach, None if there are none
    per_clip  clip -> ratio
    better    clips on which the anchor is better even at its lowest rate -> that rate by ours: the ratio is less
    worse     clips on which it is worse even at its highest rate -> that rate by ours: the ratio is more
    """

    overall: float | None
    reason: str
    curve: float | None
    per_clip: Mapping[str, float]
    better: Mapping[str, float]
    worse: Mapping[str, float]

    def document(self) -> dict[str, Any]:
        """Return what JSON holds."""
        return {
            "overall": self.overall,
            "reason": self.reason,
            "mean_over_common_qualities": self.curve,
            "geometric_mean_of_clips": geometric_mean(list(self.per_clip.values())),
            "clips_with_an_equal_point": len(self.per_clip),
            "per_clip": dict(self.per_clip),
            "anchor_better_even_at_its_lowest_rate": dict(self.better),
            "anchor_worse_even_at_its_highest_rate": dict(self.worse),
        }


@dataclass(frozen=True, slots=True)
class Curves:
    """All measurements: method -> setting -> clip; `account` is what the rates of curves are."""

    measured: Mapping[str, Mapping[str, Mapping[str, Measurement]]]
    metrics: Sequence[Metric]
    account: str = MOTION

    @classmethod
    def of(cls, rows: Sequence[Row], panel: Panel, account: str = MOTION) -> Curves:
        """Return the measurements of good rows, of the clips that every method has finished."""
        by_method: dict[str, dict[str, Row]] = {}
        for row in rows:
            by_method.setdefault(row.detail["method"], {})[row.detail["clip"]] = row
        common = set.intersection(*(set(found) for found in by_method.values())) if by_method else set()
        measured: dict[str, dict[str, dict[str, Measurement]]] = {}
        for method, found in by_method.items():
            for clip in sorted(common):
                for point in found[clip].detail["points"]:
                    cost = Cost(point["first"], point["rest"], point["seconds"], point["refresh"])
                    setting = measured.setdefault(method, {}).setdefault(point["setting"], {})
                    setting[clip] = Measurement(cost, point["values"])
        return cls(measured, panel.available(METRICS), account)

    @property
    def methods(self) -> list[str]:
        """Names, ours first."""
        return list(self.measured)

    @property
    def anchors(self) -> list[str]:
        """Names of the others."""
        return [method for method in self.measured if not method.startswith(OURS)]

    @property
    def clips(self) -> list[str]:
        """Names."""
        return sorted(
            {clip for settings in self.measured.values() for one in settings.values() for clip in one}
        )

    def points(self, method: str, metric: Metric, account: str, clip: str | None = None) -> list[Point]:
        """Return the points of a method's curve, of a clip or the mean of all, by setting."""
        found = (self.point(method, setting, metric, account, clip) for setting in self.measured[method])
        return [point for point in found if point is not None]

    def point(
        self, method: str, setting: str, metric: Metric, account: str, clip: str | None = None
    ) -> Point | None:
        """Return one point, None if the metric is not defined there."""
        per_clip = self.measured[method][setting]
        chosen = list(per_clip.values()) if clip is None else [per_clip[clip]] if clip in per_clip else []
        known = [one for one in chosen if metric.name in one.values]
        if not known:
            return None
        ours = method.startswith(OURS)
        rate = statistics.fmean(one.cost.kbit_per_s(account, ours=ours) for one in known)
        return Point(rate, statistics.fmean(one.values[metric.name] for one in known))

    def ratio(self, anchor: str, metric: Metric, account: str) -> Ratio | None:
        """Return how an anchor compares with our default; None if ours was not measured."""
        ours = self._default(metric, account)
        if ours is None:
            return None
        overall, reason = _divided(rate_at(self.points(anchor, metric, account), ours.quality, metric), ours)
        per_clip, better, worse = dict[str, float](), dict[str, float](), dict[str, float]()
        for clip in self.clips:
            mine = self._default(metric, account, clip)
            if mine is None:
                continue
            equal = rate_at(self.points(anchor, metric, account, clip), mine.quality, metric)
            if equal.rate is not None:
                per_clip[clip] = equal.rate / mine.rate
            elif equal.bound is not None:
                (better if equal.reason == ALWAYS_BETTER else worse)[clip] = equal.bound / mine.rate
        own = self.points(OUR_METHOD, metric, account)
        curve = mean_ratio(own, self.points(anchor, metric, account), metric)
        return Ratio(overall, reason, curve, per_clip, better, worse)

    def bjontegaard(self, anchor: str, metric: Metric) -> float | None:
        """Return how many per cent more bits than ours an anchor needs, mean over the qualities that both mean curves
        reach; None if they reach none in common."""
        ratio = mean_ratio(
            self.points(OUR_METHOD, metric, self.account) if OUR_METHOD in self.measured else [],
            self.points(anchor, metric, self.account),
            metric,
        )
        return None if ratio is None else 100 * (ratio - 1)

    def _default(self, metric: Metric, account: str, clip: str | None = None) -> Point | None:
        if DEFAULT_SETTING not in self.measured.get(OUR_METHOD, {}):
            return None
        return self.point(OUR_METHOD, DEFAULT_SETTING, metric, account, clip)

    def document(self) -> dict[str, Any]:
        """Return curves and ratios as JSON holds them."""
        curves = {
            method: {
                setting: {
                    "kbit_per_s": {account: _rate(self, method, setting, account) for account in ACCOUNTS},
                    "refresh_kbit_per_s": _refresh_rate(self, method, setting),
                    "values": {
                        metric.name: point.quality
                        for metric in self.metrics
                        if (point := self.point(method, setting, metric, MOTION)) is not None
                    },
                }
                for setting in settings
            }
            for method, settings in self.measured.items()
        }
        ratios = {
            metric.name: {
                anchor: {
                    account: ratio.document()
                    for account in ACCOUNTS
                    if (ratio := self.ratio(anchor, metric, account)) is not None
                }
                for anchor in self.anchors
            }
            for metric in self.metrics
        }
        bjontegaard = {
            metric.name: {
                anchor: NO_OVERLAP if (rate := self.bjontegaard(anchor, metric)) is None else rate
                for anchor in self.anchors
            }
            for metric in self.metrics
        }
        return {
            "clips": self.clips,
            "account": self.account,
            "curves": curves,
            "ratios": ratios,
            "bjontegaard_percent": bjontegaard,
        }


def _rate(curves: Curves, method: str, setting: str, account: str) -> float:
    ours = method.startswith(OURS)
    costs = [one.cost for one in curves.measured[method][setting].values()]
    return statistics.fmean(cost.kbit_per_s(account, ours=ours) for cost in costs)


def _refresh_rate(curves: Curves, method: str, setting: str) -> float:
    costs = [one.cost for one in curves.measured[method][setting].values()]
    return statistics.fmean(cost.refresh_kbit_per_s for cost in costs)


def _divided(equal: Equal, ours: Point) -> tuple[float | None, str]:
    """Return the ratio, or why there is none and what bounds it."""
    if equal.rate is not None:
        return equal.rate / ours.rate, ""
    if equal.bound is None:
        return None, equal.reason
    sign = {ALWAYS_BETTER: "below", ALWAYS_WORSE: "above"}[equal.reason]
    return None, f"{equal.reason}: {sign} {equal.bound / ours.rate:.3g}"
