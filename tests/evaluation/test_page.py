"""Pages and plots: self-contained, well-formed, nothing unescaped."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ElementTree
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from facewire.base.errors import NotInstalled
from facewire.evaluation.measuring.rows import Row, Store
from facewire.evaluation.measuring.summary import Summary, summarise
from facewire.evaluation.reports.page import Block, Embedded, Page, Plots, Section, Table, Text, html
from facewire.evaluation.reports.pages import arrow, page, printed, shown
from facewire.evaluation.reports.plots import line_plot, number, scatter_plot, strip_plot
from facewire.evaluation.reports.published import (
    ABLATION,
    CANONICAL,
    FRONTALISATION,
    RECONSTRUCTION,
    TRANSFER,
)
from facewire.evaluation.reports.showcase import difference, extremes, film, spread_columns, strip
from facewire.media.video import VideoReader
from facewire.metrics.absolute_error import L1
from facewire.metrics.frechet import FID
from facewire.metrics.jitter import JITTER
from facewire.metrics.psnr import PSNR

VOID = {"meta", "img", "br", "hr"}


class Tags(HTMLParser):
    """Checks that every tag is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def check(text: str) -> set[str]:
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    assert "script" not in tags.seen
    for address in re.findall(r'(?:src|href)="([^"]*)"', text):
        assert address.startswith(("data:", "#"))
    return tags.seen


def test_a_page_of_every_block_is_one_file_without_script() -> None:
    blocks: list[Block] = [
        Text("a < b", warning=True),
        Table(["<head>", "n"], [["x&y", "1"], ["z", "2"]], frozenset({1}), "caption"),
        Plots([strip_plot("t", {"result": {"clip": 1.0, "other": 2.0}})]),
        Embedded(b"\x00jpg", ".jpg", 'say "cheese"'),
        Embedded(b"\x00mp4", ".mp4", "film"),
    ]
    text = html(Page("T <1>", "sub", [Section("S & T", blocks)]))
    assert {"table", "svg", "img", "video", "nav"} <= check(text)
    assert "a &lt; b" in text
    assert "T <1>" not in text
    assert "data:video/mp4;base64,AG1wNA==" in text


def summary(folder: Path) -> Summary:
    rows = [
        Row(
            name=f"clip{i}",
            group=f"p{i % 4}",
            frames=9,
            values={"l1": 5.0 + i, "psnr": 30.0 - i},
            baseline={"l1": 9.0},
        )
        for i in range(6)
    ]
    rows.append(Row(name="bad", reason="bad.mp4: is <damaged>"))
    return summarise("reconstruction", rows, [L1, PSNR, FID], {"fid": "no file"}, Store(folder, {}))


def test_a_report_shows_results_reasons_the_paper_and_hashes(tmp_path: Path) -> None:
    config, hashes = {"stride": 1}, {"weights": "w" * 64, "nets": {"n.safetensors": "f" * 64}}
    made = page(
        "Facewire: x", "sub", summary(tmp_path), [], RECONSTRUCTION, "the static picture", config, hashes
    )
    text = html(made)
    check(text)
    for part in (
        "7.50",
        "FID – no file",
        "1 of 7 failed",
        "bad.mp4: is &lt;damaged&gt;",
        "24.20",
        "the static picture",
    ):
        assert part in text
    assert "f" * 64 in text
    assert text.count("<svg") == 2


@pytest.mark.parametrize("table", [RECONSTRUCTION, TRANSFER, FRONTALISATION, ABLATION, CANONICAL])
def test_published_tables_are_rectangular(table: object) -> None:
    assert isinstance(table, type(RECONSTRUCTION))
    assert len(table.ours) == len(table.columns)
    assert all(len(numbers) == len(table.columns) for _, _, numbers in table.rows)
    assert len(table.apart) > 80


def titles(plot: str) -> list[str]:
    """Return what marks say when the pointer rests on them."""
    return [
        found.text or "" for found in ElementTree.fromstring(plot).iter("{http://www.w3.org/2000/svg}title")
    ]


def words(plot: str) -> list[str]:
    """Return what stands in the plot."""
    return [
        found.text or "" for found in ElementTree.fromstring(plot).iter("{http://www.w3.org/2000/svg}text")
    ]


def test_every_mark_has_its_title() -> None:
    strips = strip_plot("L1 <", {"result": {"a&b": 3.0, "c": 3.0}, "baseline": {"a&b": 9.5}}, unit="px")
    assert titles(strips) == ["a&b: 3", "c: 3", "mean 3", "a&b: 9.5", "mean 9.5"]
    assert {"L1 <", "px", "result", "baseline"} <= set(words(strips))
    lines = line_plot("p", {"x": [(0, 0), (1, 2)], "y": [(0, 1)]}, diagonal=True, level=(0.6, "limit"))
    assert titles(lines) == ["x: 0, 0", "x: 1, 2", "y: 0, 1"]
    assert {"p", "x", "y", "limit"} <= set(words(lines))
    dots = scatter_plot("s", {f"p{i}": [(i, -i, "clip")] for i in range(15)})
    assert titles(dots) == [f"p{i}: clip" for i in range(15)]


def test_nothing_to_draw_is_no_plot() -> None:
    assert strip_plot("t", {"result": {}}) == line_plot("t", {"a": []}) == scatter_plot("t", {}) == ""


def test_names_are_taken_as_they_are() -> None:
    names = ["_hidden", "$x^2$", "a\nb", "漢"]
    plot = line_plot("$t$", {name: [(1.0, 2.0)] for name in names})
    assert titles(plot) == [f"{name}: 1, 2" for name in names]
    assert {"$t$", "_hidden", "$x^2$", "漢"} <= set(words(plot))


def test_a_plot_is_the_same_text_every_time_and_has_no_id_that_repeats() -> None:
    def drawn(title: str) -> str:
        return line_plot(title, {"a": [(1, 2), (10, 3)]}, log_x=True)

    assert drawn("t") == drawn("t")
    assert set(re.findall(r' id="(\w+?)_?\d', drawn("t"))) <= {"m", "p"}  # shapes, named by what they are


def test_ticks_are_round_and_inside_of_what_is_possible() -> None:
    plot = strip_plot("share", {"ours": {"a": 0.13, "b": 0.92}}, limits=(0.0, 1.0))
    assert {"0.2", "0.4", "0.6", "0.8"} <= set(words(plot))
    plot = strip_plot("share", {"ours": {"a": 0.0, "b": 1.0}}, limits=(0.0, 1.0))
    assert {"0", "1"} < set(words(plot))
    assert not {"-0.2", "1.2"} & set(words(plot))
    plot = line_plot("rates", {"a": [(1.5, 1), (300, 2)]}, log_x=True)
    assert {"2", "5", "10", "20", "50", "100", "200"} <= set(words(plot))
    assert [number(v) for v in (0, 12345.6, 0.00123, 12.5, -3.0)] == ["0", "12346", "0.00123", "12.5", "-3"]


def test_without_matplotlib_one_line_says_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NotInstalled, match=r"matplotlib is not installed: pip install 'facewire\[eval\]'"):
        strip_plot("t", {"ours": {"a": 1.0}})


def test_numbers_have_digits_that_suit_them() -> None:
    assert [shown(v) for v in (None, 0.12345, -1.5, 24.3749, 401.23)] == [
        "–",
        "0.123",
        "-1.50",
        "24.37",
        "401.2",
    ]
    assert shown(-0.0001) == "0.000"
    assert [printed(v) for v in (None, 0.8, 0.593, 0.0026, 203.36)] == [
        "–",
        "0.80",
        "0.593",
        "0.0026",
        "203.36",
    ]
    assert [arrow(m) for m in (L1, PSNR, JITTER)] == ["↓", "↑", "→ 0"]


def test_best_median_and_worst_follow_the_direction() -> None:
    values = {"a": 1.0, "b": 5.0, "c": 3.0, "d": -4.0, "e": 2.0}
    assert extremes(L1, values) == [("best", "d"), ("median", "e"), ("worst", "b")]
    assert extremes(PSNR, values) == [("best", "b"), ("median", "e"), ("worst", "d")]
    assert extremes(JITTER, values) == [("best", "a"), ("median", "c"), ("worst", "b")]
    assert extremes(L1, {"only": 1.0}) == [("best", "only")]
    assert extremes(L1, {}) == []


def test_columns_are_spread_without_repeats() -> None:
    assert spread_columns(100, 3) == [0, 50, 99] or spread_columns(100, 3) == [0, 49, 99]
    assert spread_columns(2, 6) == [0, 1]


def test_strips_and_films_are_files_of_their_kind(tmp_path: Path) -> None:
    picture = np.full((32, 32, 3), 90, np.uint8)
    still = strip(tmp_path / "s.jpg", [[picture, picture]], ["row"], ["a", "b"], "caption")
    assert still.data[:2] == b"\xff\xd8"
    moving = film(tmp_path / "f.mp4", ([picture, picture] for _ in range(5)), Fraction(25), "film")
    assert moving is not None
    assert moving.suffix == ".mp4"
    with VideoReader(tmp_path / "f.mp4") as reader:
        assert reader.size == (64, 32)
        assert len(list(reader)) == 5
    assert film(tmp_path / "none.mp4", [], Fraction(25), "") is None
    assert not (tmp_path / "none.mp4").exists()


def test_a_difference_is_grey_where_there_is_none() -> None:
    a, b = np.full((1, 1, 3), 100, np.uint8), np.full((1, 1, 3), 110, np.uint8)
    assert difference(a, a)[0, 0, 0] == 128
    assert difference(a, b)[0, 0, 0] == 98
    assert difference(b, np.zeros_like(b))[0, 0, 0] == 255


@pytest.mark.parametrize(
    "values", [(1.0, 1.0 + 1e-7), (1.0 + 1e-7, 1.0 + 2e-7), (-1.0 - 1e-7, -1.0), (0.0, 0.0)]
)
def test_values_that_differ_by_rounding_at_a_limit_are_drawn(values: tuple[float, float]) -> None:
    plot = strip_plot("similarity", {"ours": dict(zip("ab", values, strict=True))}, limits=(-1.0, 1.0))
    ticks = set(words(plot)) - {"similarity", "ours"}
    assert len(ticks) >= 2
    assert all(-1 <= float(tick) <= 1 for tick in ticks)
