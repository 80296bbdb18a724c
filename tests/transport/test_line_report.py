"""Reports on the line: golden bytes, limits, any bytes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facewire.base.errors import CorruptPacket
from facewire.transport.line_report import LineReport

GOLDEN = [
    (LineReport(), "000000ff"),
    (LineReport(loss=0.2, run=0.1, wait=0.12, kbit_per_s=16.0), "33050f20"),
    (LineReport(loss=1.0, run=2.54, wait=2.04, kbit_per_s=127.0, thin=True), "fffffffe"),
]


@pytest.mark.parametrize(("report", "data"), GOLDEN)
def test_golden(report: LineReport, data: str) -> None:
    assert report.to_bytes().hex() == data
    assert LineReport.parse(bytes.fromhex(data)) == report
    assert report.alone().hex() == "4c01" + data


@given(st.binary(min_size=4, max_size=4))
def test_all_bytes_are_a_report(data: bytes) -> None:
    assert LineReport.parse(data).to_bytes() == data
    assert LineReport.parse_alone(b"\x4c\x01" + data) == LineReport.parse(data)


def test_what_does_not_fit_is_cut() -> None:
    report = LineReport(loss=3.0, run=9.0, wait=-1.0, kbit_per_s=500.0)
    assert LineReport.parse(report.to_bytes()) == LineReport(1.0, 2.54, 0.0, math.inf)


def test_later_versions_may_say_more() -> None:
    assert LineReport.parse_alone(bytes.fromhex("4c03330500ff0102")) == LineReport(0.2, 0.1, draws=1)
    assert LineReport.parse_alone(bytes.fromhex("4c02330500ff")) == LineReport(0.2, 0.1)
    assert LineReport.parse_alone(bytes.fromhex("4c01330500ff05")) == LineReport(0.2, 0.1)


@pytest.mark.parametrize(("draws", "said"), [(0, 0), (5, 5), (300, 255)])
def test_alone_it_may_say_how_much_is_drawn(draws: int, said: int) -> None:
    message = LineReport(0.2, 0.1, draws=draws).alone()
    assert message.hex() == f"4c02330500ff{said:02x}"
    assert LineReport.parse_alone(message).draws == said


@pytest.mark.parametrize("data", ["", "4c01", "4c01000000", "4c00000000ff", "46010000ff00"])
def test_refused(data: str) -> None:
    with pytest.raises(CorruptPacket):
        LineReport.parse_alone(bytes.fromhex(data))
