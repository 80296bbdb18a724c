"""What the receiver measures of the line: losses and their length, waiting, rate."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facewire.call.line.line_meter import WINDOW, LineMeter

PACKET = 1920


def meter(came: list[bool], wait: float = 0.0) -> LineMeter:
    """Return a meter that heard packets of 40 ms, each after 50 ms; the newest half a second waits longer."""
    out = LineMeter()
    for step, here in enumerate(came):
        if here:
            late = wait if step > len(came) - 12 else 0.0
            out.sound_came(step * PACKET, PACKET, 0.04 * (step + 1) + 0.05 + late)
    return out


def test_nothing_is_known_at_first() -> None:
    report = LineMeter().report(0.0)
    assert (report.loss, report.run, report.wait, report.kbit_per_s) == (0.0, 0.0, 0.0, math.inf)


def test_losses_and_how_long_they_last() -> None:
    report = meter([True, False, True, False, False, False] * 10 + [True]).report(3.0)
    assert report.loss == pytest.approx(40 / 61)
    assert report.run == pytest.approx(0.08)  # of 40 and 120 ms


@given(st.lists(st.booleans(), min_size=2, max_size=200))
def test_loss_is_what_is_missing_in_the_last_seconds(came: list[bool]) -> None:
    came = [True, *came, True]
    newest = [here for here in came for _ in range(2)][-WINDOW:]
    assert meter(came).loss == pytest.approx(newest.count(False) / len(newest))


@given(st.permutations(range(20)))
def test_the_order_of_arrival_does_not_matter(order: list[int]) -> None:
    out = LineMeter()
    for step in [0, *(1 + number for number in order if number != 7)]:
        out.sound_came(step * PACKET, PACKET, 1.0)
    assert out.loss == pytest.approx(1 / 21 if max(order) > 7 else 0)
    assert not out.came(8 * PACKET)
    assert out.came(9 * PACKET)


def test_packets_of_any_length_count_by_their_sound() -> None:
    out = LineMeter()
    out.sound_came(0, 5760, 0.2)
    out.sound_came(5760 + 2880, 1920, 0.4)
    assert out.loss == pytest.approx(3 / 11)
    assert [out.came(960 * unit) for unit in range(11)] == [True] * 6 + [False] * 3 + [True] * 2


@pytest.mark.parametrize("wait", [0.0, 0.1, 0.5])
def test_waiting_is_told_without_clocks_that_agree(wait: float) -> None:
    assert meter([True] * 100, wait).wait == pytest.approx(wait)


def test_one_late_packet_is_no_queue() -> None:
    out = meter([True] * 50)
    out.sound_came(50 * PACKET, PACKET, 0.04 * 51 + 0.6)
    assert out.wait == pytest.approx(0.0)


def test_rate_and_the_other_side_away() -> None:
    out = meter([True] * 50)
    for step in range(50):
        out.bytes_came(100, 1.0 + 0.02 * step)
    assert out.report(2.0).kbit_per_s == pytest.approx(40, rel=0.1)
    out.sound_came(10_000 * PACKET, PACKET, 400.0)
    assert out.loss == 0.0


def test_the_first_photo_says_what_the_line_carries() -> None:
    out = LineMeter()
    out.photo_begins(1.0)
    for step in range(2):
        out.photo_piece(1000, 1.5 + 0.5 * step)
    assert out.photo_ends()
    assert out.report(2.0).kbit_per_s == pytest.approx(16.0)
    out.photo_begins(3.0)
    out.photo_piece(1000, 30.0)
    assert not out.photo_ends()
    assert out.photo_kbit_per_s == pytest.approx(16.0)


def test_a_piece_of_the_photo_that_was_sent_again_does_not_make_the_line_slow() -> None:
    out = LineMeter()
    out.photo_begins(1.0)
    for now in (1.08, 2.16, 2.24):
        out.photo_piece(1000, now)
    assert out.photo_kbit_per_s == pytest.approx(100.0)


def test_a_photo_that_comes_at_once_says_nothing() -> None:
    out = LineMeter()
    out.photo_begins(1.0)
    out.photo_piece(2000, 1.02)
    assert out.report(2.0).kbit_per_s == math.inf
