"""Rows to curves and ratios: means, clips without an equal point, accounts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from facewire.evaluation.codecs.curves import OUR_METHOD, Curves
from facewire.evaluation.codecs.methods import DEFAULT_SETTING
from facewire.evaluation.codecs.rates import MOTION, WHOLE
from facewire.evaluation.measuring.panel import Panel
from facewire.evaluation.measuring.rows import Row
from facewire.metrics.psnr import PSNR

PANEL = cast(Panel, SimpleNamespace(available=lambda metrics: [PSNR]))


def row(clip: str, method: str, points: dict[str, tuple[int, int, float]]) -> Row:
    """Return a row of 10 s with (first bytes, rest bytes, PSNR) by setting."""
    found = [
        {
            "setting": setting,
            "first": first,
            "rest": rest,
            "seconds": 10.0,
            "refresh": 0,
            "values": {"psnr": psnr},
        }
        for setting, (first, rest, psnr) in points.items()
    ]
    return Row(name=f"{clip} {method}", detail={"clip": clip, "method": method, "points": found})


def curves() -> Curves:
    rows = [
        row("a", OUR_METHOD, {DEFAULT_SETTING: (5000, 2500, 30.0), "fine 20": (5000, 5000, 31.0)}),
        row("a", "x", {"30": (9000, 50000, 34.0), "50": (1000, 12500, 26.0)}),
        row("b", OUR_METHOD, {DEFAULT_SETTING: (5000, 2500, 20.0), "fine 20": (5000, 5000, 20.5)}),
        row("b", "x", {"30": (9000, 50000, 33.0), "50": (1000, 12500, 24.0)}),
        row("c", OUR_METHOD, {DEFAULT_SETTING: (5000, 2500, 20.0), "fine 20": (5000, 5000, 20.5)}),
    ]
    return Curves.of(rows, PANEL)


def test_only_clips_that_all_methods_finished_count() -> None:
    assert curves().clips == ["a", "b"]
    assert curves().anchors == ["x"]


def test_points_are_means_over_clips() -> None:
    (ours, _) = curves().points(OUR_METHOD, PSNR, MOTION)
    assert ours.rate == pytest.approx(2.0)
    assert ours.quality == pytest.approx(25.0)
    assert [p.quality for p in curves().points("x", PSNR, MOTION)] == pytest.approx([33.5, 25.0])


def test_ratio_per_clip_and_overall() -> None:
    ratio = curves().ratio("x", PSNR, MOTION)
    assert ratio is not None
    assert ratio.overall == pytest.approx(5.0)
    assert ratio.per_clip == {"a": pytest.approx(10.0)}
    assert ratio.better == {"b": pytest.approx(5.0)}
    assert ratio.worse == {}
    whole = curves().ratio("x", PSNR, WHOLE)
    assert whole is not None
    assert whole.overall == pytest.approx((12500 + 1000) / 2500)


def test_without_an_equal_point_there_is_a_reason() -> None:
    rows = [
        row("a", OUR_METHOD, {DEFAULT_SETTING: (0, 2500, 20.0), "fine 20": (0, 5000, 21.0)}),
        row("a", "x", {"30": (0, 50000, 34.0), "50": (0, 12500, 26.0)}),
    ]
    ratio = Curves.of(rows, PANEL).ratio("x", PSNR, MOTION)
    assert ratio is not None
    assert ratio.overall is None
    assert "below 5" in ratio.reason
    assert ratio.curve is None


def test_the_document_holds_every_point_and_ratio() -> None:
    document = curves().document()
    assert document["curves"]["x"]["50"]["kbit_per_s"][MOTION] == pytest.approx(10.0)
    ratio = document["ratios"]["psnr"]["x"][MOTION]
    assert ratio["overall"] == pytest.approx(5.0)
    assert ratio["clips_with_an_equal_point"] == 1
