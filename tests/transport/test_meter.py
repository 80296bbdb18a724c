"""Meters and permits, by hand values."""

from __future__ import annotations

import pytest

from facewire.transport.flood import Permits
from facewire.transport.meter import BUCKETS, LossMeter, RateMeter
from facewire.transport.overhead import channel_bytes, rtp_bytes
from facewire.transport.wrap import unwrap


def test_a_steady_rate_is_measured() -> None:
    meter = RateMeter(2.0)
    for step in range(500):
        meter.add(0.04 * step, 100)
    assert meter.kbit_per_s(19.98) == pytest.approx(20.0, rel=0.06)
    assert meter.per_s(19.98) == pytest.approx(25.0, rel=0.06)
    assert len(meter._buckets) <= BUCKETS + 1
    assert meter.kbit_per_s(30.0) == 0
    assert meter.total_bytes == 50_000


def test_losses() -> None:
    meter = LossMeter(modulus=512, span=100)
    for number in range(1000):
        if number % 10:
            meter.add(number % 512)
    assert meter.loss == pytest.approx(0.1, abs=0.01)


def test_overtaken_packets_are_no_losses() -> None:
    meter = LossMeter()
    for number in (0, 2, 1, 3, 5, 4):
        meter.add(number)
    assert meter.loss == 0


def test_permits() -> None:
    permits = Permits(rate=10, burst=3)
    assert [permits.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert permits.take(0.1)
    assert not permits.take(0.1)
    assert [permits.take(100.0) for _ in range(4)] == [True, True, True, False]
    assert not permits.take(50.0)  # a clock that goes back gives nothing


@pytest.mark.parametrize(
    ("value", "near", "whole"), [(0, 511, 512), (511, 512, 511), (10, 1034, 1034), (300, 0, -212)]
)
def test_unwrap(value: int, near: int, whole: int) -> None:
    assert unwrap(value, near, 512) == whole


def test_what_packets_cost() -> None:
    assert rtp_bytes(120) == 176
    assert channel_bytes(40) == 133
