"""Rates at equal quality: interpolation inside measured curves, never beyond.

    points (rate, quality) of a codec -> where the curve has the quality of ours -> rate / our rate
    two curves -> mean ratio over the qualities that both reach (after Bjontegaard, piecewise linear in log rate)

Knows nothing about pictures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from facewire.metrics.metric import Metric

MINUTE: Final = 60.0
HORIZONS: Final = {"10 s": 10.0, "1 min": MINUTE, "10 min": 10 * MINUTE}
"""Seconds over which the first picture is spread."""
MOTION: Final = "after the first picture"
WHOLE: Final = "anchor whole, ours without source"
CLIP: Final = "whole clip"
ACCOUNTS: Final = (MOTION, *HORIZONS, CLIP, WHOLE)
"""How bytes are charged. After the first picture: neither our source image nor the anchor's key picture. 10 s, 1 min,
10 min: both, spread over that time; whole clip: over the clip's. The last is how the paper counts: nothing for our
source, all of the anchor."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The bytes of one coded clip.

    first    of the first picture: our source image, the anchor's key picture
    rest     of all else, refreshes included
    seconds  of the clip
    refresh  of the pictures that ours sent again, a part of `rest`
    """

    first: int
    rest: int
    seconds: float
    refresh: int = 0

    def kbit_per_s(self, account: str, *, ours: bool) -> float:
        """Return the rate under an account of `ACCOUNTS`."""
        rate = 8 * self.rest / self.seconds / 1000
        if account == MOTION or (account == WHOLE and ours):
            return rate
        return rate + 8 * self.first / HORIZONS.get(account, self.seconds) / 1000

    @property
    def refresh_kbit_per_s(self) -> float:
        """The share of the refreshes in every account's rate."""
        return 8 * self.refresh / self.seconds / 1000


@dataclass(frozen=True, slots=True)
class Point:
    """A rate, kbit/s, and what it looks like in one metric."""

    rate: float
    quality: float


@dataclass(frozen=True, slots=True)
class Equal:
    """Where a curve has a given quality.

    rate    kbit/s; None if it never has
    reason  why not: the whole curve is better, or worse
    bound   the nearest measured rate then
    """

    rate: float | None
    reason: str = ""
    bound: float | None = None


ALWAYS_BETTER: Final = "better even at its lowest rate"
ALWAYS_WORSE: Final = "worse even at its highest rate"
NOTHING: Final = "not measured"


def envelope(points: Sequence[Point], metric: Metric) -> list[Point]:
    """Return the points by rate, without those that a cheaper one matches or beats."""
    best: list[Point] = []
    for point in sorted(points, key=lambda p: (p.rate, -_good(p.quality, metric))):
        if not best or _good(point.quality, metric) > _good(best[-1].quality, metric):
            best.append(point)
    return best


def rate_at(points: Sequence[Point], quality: float, metric: Metric) -> Equal:
    """Return the lowest rate at which a curve has a quality, log rate linear in quality between points."""
    curve = envelope(points, metric)
    if not curve:
        return Equal(None, NOTHING)
    wanted = _good(quality, metric)
    if wanted < _good(curve[0].quality, metric):
        return Equal(None, ALWAYS_BETTER, curve[0].rate)
    for low, high in pairwise(curve):
        if wanted <= _good(high.quality, metric):
            return Equal(_between(low, high, wanted, metric))
    if wanted == _good(curve[-1].quality, metric):
        return Equal(curve[-1].rate)
    return Equal(None, ALWAYS_WORSE, curve[-1].rate)


def mean_ratio(
    ours: Sequence[Point], anchor: Sequence[Point], metric: Metric, steps: int = 100
) -> float | None:
    """Return the anchor's rate by ours, geometric mean over the qualities both curves reach; None if none."""
    a, b = envelope(ours, metric), envelope(anchor, metric)
    if len(a) < 2 or len(b) < 2:
        return None
    low = max(_good(curve[0].quality, metric) for curve in (a, b))
    high = min(_good(curve[-1].quality, metric) for curve in (a, b))
    if high <= low:
        return None
    logs = []
    for step in range(steps):
        wanted = low + (high - low) * (step + 0.5) / steps
        quality = wanted if metric.better == "higher" else -wanted
        mine, theirs = rate_at(a, quality, metric).rate, rate_at(b, quality, metric).rate
        if mine is not None and theirs is not None:
            logs.append(math.log(theirs / mine))
    return math.exp(sum(logs) / len(logs)) if logs else None


def geometric_mean(values: Sequence[float]) -> float | None:
    """Return the geometric mean; None of nothing."""
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def _good(quality: float, metric: Metric) -> float:
    """Return a quality so that more is better."""
    return quality if metric.better == "higher" else -quality


def _between(low: Point, high: Point, wanted: float, metric: Metric) -> float:
    start, end = _good(low.quality, metric), _good(high.quality, metric)
    share = (wanted - start) / (end - start)
    return math.exp(math.log(low.rate) + share * (math.log(high.rate) - math.log(low.rate)))
