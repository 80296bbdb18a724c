"""Rows to curves and ratios: means, clips without an equal point, accounts."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from facewire.base.errors import ConfigError
from facewire.evaluation.codecs.curves import NO_OVERLAP, OUR_METHOD, Curves
from facewire.evaluation.codecs.methods import DEFAULT_SETTING, Clip
from facewire.evaluation.codecs.protocol import GFVC, TALKS, protocol_of
from facewire.evaluation.codecs.rates import CLIP, MOTION, WHOLE
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


def test_bjontegaard_rates_are_taken_where_curves_overlap() -> None:
    rows = [
        row("a", OUR_METHOD, {DEFAULT_SETTING: (5000, 2500, 30.0), "fine 20": (5000, 5000, 32.0)}),
        row("a", "double", {"1": (10000, 5000, 30.0), "2": (10000, 10000, 32.0)}),
        row("a", "apart", {"1": (10000, 5000, 34.0), "2": (10000, 10000, 36.0)}),
    ]
    found = Curves.of(rows, PANEL, CLIP)
    assert found.bjontegaard("double", PSNR) == pytest.approx(100)
    assert found.bjontegaard("apart", PSNR) is None
    document = found.document()
    assert document["account"] == CLIP
    assert document["bjontegaard_percent"] == {"psnr": {"double": pytest.approx(100), "apart": NO_OVERLAP}}


def test_the_key_picture_counts_in_the_protocol_of_the_field() -> None:
    rows = [
        row("a", OUR_METHOD, {DEFAULT_SETTING: (5000, 2500, 30.0), "fine 20": (5000, 5000, 32.0)}),
        row("a", "more key", {"1": (15000, 2500, 30.0), "2": (15000, 5000, 32.0)}),
    ]
    motion, clip = Curves.of(rows, PANEL), Curves.of(rows, PANEL, CLIP)
    assert motion.bjontegaard("more key", PSNR) == pytest.approx(0)
    percent = clip.bjontegaard("more key", PSNR)
    assert percent is not None
    assert 100 * (20000 / 10000 - 1) < percent < 100 * (17500 / 7500 - 1)


def test_the_protocol_of_the_field_has_four_key_pictures_and_halves() -> None:
    assert len(GFVC.settings) == 12
    assert DEFAULT_SETTING in GFVC.settings
    names = [method.name for method in GFVC.anchors()]
    assert "x264 low delay 1/2 size" in names
    assert len(names) == 2 * len(TALKS.anchors())
    assert len(set(names)) == len(names)
    with pytest.raises(ConfigError):
        protocol_of("jvet")


def test_half_size_anchors_give_pictures_of_the_whole_size() -> None:
    method = next(one for one in GFVC.anchors() if one.name == "x264 low delay 1/2 size")
    y, x = np.mgrid[:64, :64]
    pictures = [np.stack([4 * x, 4 * y, np.full_like(x, 9 * t)], -1).astype(np.uint8) for t in range(4)]
    coded = method.code(Clip(pictures, Fraction(25)), "27", 2)
    shown = list(coded.pictures)
    assert [picture.shape for picture in shown] == [(64, 64, 3)] * 2
    assert np.abs(shown[1].astype(float) - pictures[2]).mean() < 6
    whole = next(one for one in TALKS.anchors() if one.name == "x264 low delay")
    assert coded.cost.first < whole.code(Clip(pictures, Fraction(25)), "27", 2).cost.first


def test_the_document_holds_every_point_and_ratio() -> None:
    document = curves().document()
    assert document["curves"]["x"]["50"]["kbit_per_s"][MOTION] == pytest.approx(10.0)
    ratio = document["ratios"]["psnr"]["x"][MOTION]
    assert ratio["overall"] == pytest.approx(5.0)
    assert ratio["clips_with_an_equal_point"] == 1
