"""The choice of a step: down at once, up carefully, protected by what is lost, whatever is reported."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facewire.call.line.controller import LONGEST_HOLD, Controller
from facewire.call.line.steps import GUARDED, RICH, STEPS, THIN, Protection
from facewire.transport.line_report import LineReport

ROUND_TRIP = 0.2
CALM = LineReport(kbit_per_s=40.0)


class Bottleneck:
    """A line of some kbit/s, and the reports that its receiver would send."""

    def __init__(self, kbit_per_s: float, loss: float = 0.0) -> None:
        self.carries, self.loss, self.queue = kbit_per_s, loss, 0.0

    def pass_on(self, sent: float, seconds: float) -> LineReport:
        self.queue = max(0.0, self.queue + (sent / self.carries - 1) * seconds)
        came = self.carries if self.queue else sent
        return LineReport(self.loss, 0.04, self.queue, came * (1 - self.loss))


def drive(control: Controller, line: Bottleneck, seconds: float, begin: float = 0.0) -> list[int]:
    """Return the place at every report, which takes 100 ms; longest waiting is left in the line."""
    places, reports, now = [], [], begin
    while now < begin + seconds:
        now += 0.1
        reports.append(line.pass_on(control.media_kbit_per_s, 0.1))
        if len(reports) > 2:
            control.hear(reports[-3], ROUND_TRIP, now)
        places.append(control.place)
    return places


def test_a_good_line_stays_rich() -> None:
    control = Controller()
    assert set(drive(control, Bottleneck(1e6), 60)) == {RICH}
    assert control.spare_kbit_per_s == math.inf
    assert control.reason == ""


@pytest.mark.parametrize("carries", [14.0, 16.0, 20.0, 24.0, 32.0])
def test_a_full_line_is_left_within_seconds_and_hardly_ever_filled_again(carries: float) -> None:
    control, line = Controller(), Bottleneck(carries)
    drive(control, line, 15)
    assert STEPS[control.place].kbit_per_s() <= carries
    waits = []
    for second in range(600):
        drive(control, line, 1, 15.0 + second)
        waits.append(line.queue)
    assert max(waits) < 1.5
    assert sum(wait > 0.3 for wait in waits) < 0.06 * len(waits)


def test_a_line_that_recovers_is_used_again() -> None:
    control, line = Controller(), Bottleneck(16.0)
    drive(control, line, 20)
    assert control.place == THIN
    line.carries = 1e6
    assert drive(control, line, 4 * LONGEST_HOLD, 20.0)[-1] == RICH
    assert control.limit == math.inf


def test_failed_attempts_become_rarer() -> None:
    control, line = Controller(), Bottleneck(30.0)
    places = drive(control, line, 600)
    ups = [at for at, (before, after) in enumerate(itertools.pairwise(places)) if after < before]
    assert sum(at < 2000 for at in ups) > sum(at >= 4000 for at in ups)


@pytest.mark.parametrize(
    ("loss", "faces", "sound"), [(0.0, False, 0), (0.01, True, 0), (0.04, True, 6000), (0.2, True, 12_000)]
)
def test_losses_alone_are_protected_against_and_not_fled(loss: float, faces: bool, sound: int) -> None:
    control = Controller()
    assert set(drive(control, Bottleneck(1e6, loss), 30)) == {RICH}
    assert (control.protection.faces, control.protection.sound) == (faces, sound)


def test_copies_go_further_back_than_losses_last() -> None:
    control = Controller()
    for run, back in ((0.0, 1), (0.04, 1), (0.12, 5), (2.0, 9)):
        control.hear(LineReport(loss=0.2, run=run), ROUND_TRIP, 1.0)
        assert control.protection == Protection(faces=True, sound=12_000, back=back)


def test_copies_are_plainer_where_the_line_is_narrow() -> None:
    control = Controller()
    control.expect(64.0, 0.0)
    control.hear(LineReport(loss=0.2), ROUND_TRIP, 1.0)
    assert control.step is STEPS[RICH]
    assert control.protection.sound == 6000


def test_nothing_goes_twice_while_packets_wait_long() -> None:
    control = Controller()
    control.hear(LineReport(loss=0.2, wait=0.5), ROUND_TRIP, 1.0)
    assert control.protection == Protection()


def test_thin_by_hand_gives_faces_for_copies_of_sound_where_much_is_lost() -> None:
    control = Controller(thin=True)
    seen = []
    for now, loss in enumerate((0.05, 0.09, 0.04, 0.02)):
        control.hear(LineReport(loss=loss, run=0.36), ROUND_TRIP, float(now))
        seen.append((control.step, control.protection.sound))
        assert control.media_kbit_per_s <= 16
    assert seen == [(STEPS[THIN], 0), (GUARDED, 4000), (GUARDED, 4000), (STEPS[THIN], 0)]
    assert control.protection == Protection(faces=True, back=4)


def test_a_thin_line_that_was_full_has_no_room_for_them_until_it_was_calm() -> None:
    control = Controller(thin=True)
    control.hear(LineReport(loss=0.2, wait=0.2, kbit_per_s=15.0), ROUND_TRIP, 1.0)
    control.hear(LineReport(loss=0.2, kbit_per_s=12.0), ROUND_TRIP, 3.0)
    assert control.protection == Protection(faces=True)
    control.hear(LineReport(loss=0.2), ROUND_TRIP, 25.0)
    assert control.step is GUARDED
    control.hear(LineReport(loss=0.2, wait=0.07, kbit_per_s=12.0), ROUND_TRIP, 27.0)
    assert control.step is STEPS[THIN]


def test_what_the_photo_showed_decides_the_first_step() -> None:
    control = Controller()
    control.expect(math.inf, 0.0)
    assert control.place == RICH
    control.expect(16.0, 0.0)
    assert control.place == THIN
    assert control.spare_kbit_per_s == pytest.approx(0.85 * 16 - STEPS[THIN].kbit_per_s())
    assert "16 kbit/s" in control.reason


def test_thin_by_hand_on_either_side_stays() -> None:
    control = Controller(thin=True)
    assert set(drive(control, Bottleneck(1e6), 30)) == {THIN}
    assert control.reason == "thin mode was chosen"
    control.want(False)
    control.hear(LineReport(kbit_per_s=12.0, thin=True), ROUND_TRIP, 40.0)
    assert control.place == THIN
    assert "other side" in control.reason
    assert drive(control, Bottleneck(1e6), 300, 50.0)[-1] == RICH


def test_silence_is_no_good_sign() -> None:
    control = Controller()
    control.pass_time(100.0)
    assert control.place == RICH  # nothing was ever heard: perhaps an older program
    control.hear(CALM, ROUND_TRIP, 101.0)
    control.pass_time(102.0)
    assert control.place == RICH
    control.pass_time(104.0)
    assert control.place == THIN


reports = st.binary(min_size=4, max_size=4).map(LineReport.parse)


@given(st.lists(st.tuples(reports, st.floats(0.01, 5)), max_size=60), st.booleans())
def test_any_reports(heard: list[tuple[LineReport, float]], thin: bool) -> None:
    control, now = Controller(thin=thin), 0.0
    for report, pause in heard:
        now += pause
        control.pass_time(now)
        before = control.place
        control.hear(report, ROUND_TRIP, now)
        assert control.step in (STEPS[control.place], GUARDED)
        assert control.place >= before - 1  # one step up at most
        assert control.spare_kbit_per_s >= 0
        assert control.protection.back * control.step.packet_ms <= 255 * 20
        assert bool(control.reason) or control.place == RICH
