"""Both directions of a line: who is told what, and when."""

from __future__ import annotations

import math

import pytest

from facewire.call.conversation.steering import ANNOUNCEMENTS, DRAWS_KEPT, DRAWS_SECONDS, QUICK, Steering
from facewire.call.line.steps import RICH, STEPS, THIN
from facewire.transport.line_report import LineReport

FULL = LineReport(wait=0.3, kbit_per_s=20.0)


def test_it_is_announced_until_the_other_side_is_heard_of() -> None:
    line = Steering(thin=True)
    said = [line.announcement(0.1 * step) for step in range(100)]
    assert sum(message is not None for message in said) == ANNOUNCEMENTS
    assert LineReport.parse_alone(said[0] or b"").thin
    assert line.step is STEPS[RICH]  # an older side is sent nothing else
    assert line.hear_alone(LineReport().alone(), 20.0)
    assert not line.hear_alone(LineReport().alone(), 20.1)
    assert line.step is STEPS[THIN]
    assert line.announcement(30.0) is None


def test_reports_come_now_and_then_and_in_every_packet_of_a_full_line() -> None:
    line = Steering(thin=False)
    assert line.due(0.0) is None
    line.hear(LineReport(), 0.1, 0.0)
    assert sum(line.due(0.04 * step) is not None for step in range(100)) in (11, 12)
    for step in range(20):
        line.meter.sound_came(1920 * step, 1920, 0.04 * step + (0.2 if step > 10 else 0.0))
    assert all(line.due(4.0 + 0.04 * step) is not None for step in range(5))


@pytest.mark.parametrize(("late", "rich"), [(0.0, False), (0.05, False), (0.3, True)])
def test_a_busy_machine_is_no_full_line(late: float, rich: bool) -> None:
    line = Steering(thin=False)
    line.hear(LineReport(), 0.1, 0.0)
    line.sent(late)
    line.hear(FULL, 0.1, 10.0)
    assert (line.step is STEPS[RICH]) == rich


def test_it_is_soon_forgotten() -> None:
    line = Steering(thin=False)
    line.sent(0.5)
    for _ in range(20):
        line.sent(-0.01)
    line.hear(FULL, 0.1, 10.0)
    assert line.step is not STEPS[RICH]


def test_the_first_photo_counts_only_before_there_is_sound() -> None:
    line = Steering(thin=False)
    line.hear_alone(LineReport(kbit_per_s=14.0).alone(), 0.0)
    assert line.step is STEPS[THIN]
    other = Steering(thin=False)
    other.hear(LineReport(), 0.1, 0.0)
    other.hear_alone(LineReport(kbit_per_s=14.0).alone(), 0.1)
    assert other.step is STEPS[RICH]
    assert other.controller.limit == math.inf


def test_a_side_that_draws_few_pictures_says_so_as_long_as_it_does() -> None:
    line, other = Steering(thin=False), Steering(thin=False)
    line.draws = QUICK - 1
    assert (line.announcement(0.0) or b"")[
        :2
    ] == b"\x4c\x01"  # whether an older side is there is not known yet
    line.hear_alone(LineReport().alone(), 1.0)
    said = [line.announcement(1.0 + 0.1 * step) for step in range(100)]
    assert sum(message is not None for message in said) == 10 / DRAWS_SECONDS
    assert other.their_draws(1.0) is None
    other.hear_alone(said[0] or b"", 1.0)
    assert other.their_draws(1.0 + DRAWS_KEPT) == QUICK - 1
    assert other.their_draws(1.1 + DRAWS_KEPT) is None
    for pace in (QUICK, None):
        line.draws = pace
        assert line.announcement(100.0) is None
