"""Rates at equal quality: hand values, no extrapolation, curves that cross."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facewire.evaluation.codecs.rates import (
    ALWAYS_BETTER,
    ALWAYS_WORSE,
    CLIP,
    MOTION,
    NOTHING,
    WHOLE,
    Cost,
    Point,
    envelope,
    geometric_mean,
    mean_ratio,
    rate_at,
)
from facewire.metrics.psnr import PSNR
from facewire.metrics.squeeze_perceptual import SQUEEZE_PERCEPTUAL

CURVE = [Point(40, 1.0), Point(20, 2.0), Point(10, 3.0)]
"""A distance: lower is better."""


def test_between_points_log_rate_is_linear() -> None:
    assert rate_at(CURVE, 1.5, SQUEEZE_PERCEPTUAL).rate == pytest.approx(math.sqrt(20 * 40))
    assert rate_at(CURVE, 2.0, SQUEEZE_PERCEPTUAL).rate == pytest.approx(20)
    assert rate_at(CURVE, 3.0, SQUEEZE_PERCEPTUAL).rate == pytest.approx(10)
    assert rate_at([Point(10, 30), Point(100, 40)], 35, PSNR).rate == pytest.approx(math.sqrt(1000))


def test_outside_there_is_no_rate_but_a_reason_and_a_bound() -> None:
    worse = rate_at(CURVE, 0.9, SQUEEZE_PERCEPTUAL)
    assert (worse.rate, worse.reason, worse.bound) == (None, ALWAYS_WORSE, 40)
    better = rate_at(CURVE, 3.1, SQUEEZE_PERCEPTUAL)
    assert (better.rate, better.reason, better.bound) == (None, ALWAYS_BETTER, 10)
    assert rate_at([], 1.0, PSNR).reason == NOTHING


def test_points_that_a_cheaper_one_beats_do_not_count() -> None:
    noisy = [*CURVE, Point(25, 2.5), Point(30, 2.0)]
    assert envelope(noisy, SQUEEZE_PERCEPTUAL) == sorted(CURVE, key=lambda point: point.rate)


def test_mean_ratio_of_a_scaled_curve_is_its_scale() -> None:
    scaled = [Point(7 * point.rate, point.quality) for point in CURVE]
    assert mean_ratio(CURVE, scaled, SQUEEZE_PERCEPTUAL) == pytest.approx(7)
    assert mean_ratio(scaled, CURVE, SQUEEZE_PERCEPTUAL) == pytest.approx(1 / 7)


def test_curves_without_a_common_quality_have_no_mean_ratio() -> None:
    apart = [Point(1, 5.0), Point(2, 4.0)]
    assert mean_ratio(CURVE, apart, SQUEEZE_PERCEPTUAL) is None
    assert mean_ratio(CURVE, CURVE[:1], SQUEEZE_PERCEPTUAL) is None


@given(st.floats(1.0, 3.0), st.floats(0.1, 100))
def test_rates_scale_with_the_curve(quality: float, scale: float) -> None:
    one = rate_at(CURVE, quality, SQUEEZE_PERCEPTUAL).rate
    other = rate_at([Point(scale * p.rate, p.quality) for p in CURVE], quality, SQUEEZE_PERCEPTUAL).rate
    assert one is not None
    assert other == pytest.approx(scale * one)
    assert 10 - 1e-9 <= one <= 40 + 1e-9


def test_accounts_charge_the_first_picture_as_they_say() -> None:
    cost = Cost(first=5000, rest=2500, seconds=10.0)
    assert cost.kbit_per_s(MOTION, ours=True) == pytest.approx(2.0)
    assert cost.kbit_per_s(MOTION, ours=False) == pytest.approx(2.0)
    assert cost.kbit_per_s("10 s", ours=True) == pytest.approx(2.0 + 4.0)
    assert cost.kbit_per_s("1 min", ours=False) == pytest.approx(2.0 + 4.0 / 6)
    assert cost.kbit_per_s("10 min", ours=True) == pytest.approx(2.0 + 4.0 / 60)
    assert cost.kbit_per_s(CLIP, ours=True) == cost.kbit_per_s(CLIP, ours=False) == pytest.approx(6.0)
    assert cost.kbit_per_s(WHOLE, ours=True) == pytest.approx(2.0)
    assert cost.kbit_per_s(WHOLE, ours=False) == pytest.approx(6.0)


def test_geometric_mean() -> None:
    assert geometric_mean([2, 8]) == pytest.approx(4)
    assert geometric_mean([]) is None
