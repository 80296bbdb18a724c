"""The table of steps: what each costs, which fits."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facewire.call.line.steps import COPY_BIT_RATES, NONE, RICH, STEPS, THIN, Protection, Step, fitting

protections = st.builds(Protection, st.booleans(), st.sampled_from((0, *COPY_BIT_RATES)), st.integers(1, 3))


def test_steps_go_from_rich_to_thin() -> None:
    assert STEPS[RICH].name == "rich"
    assert STEPS[THIN].name == "thin"
    for rich, thin in pairwise(STEPS):
        assert rich.kbit_per_s() > 1.15 * thin.kbit_per_s()
        assert rich.packet_ms <= thin.packet_ms


def test_the_rich_step_by_hand() -> None:
    size = 120 + 5 + 4 * 0.04 / 0.36 + 2 + 21 + 56  # sound, message, its share of a report, a face, headers
    assert STEPS[RICH].kbit_per_s() == pytest.approx(8 * size / 40)


def test_thin_fits_a_line_of_16_with_room_for_a_photo() -> None:
    assert STEPS[THIN].kbit_per_s() < 12.5
    assert STEPS[THIN].kbit_per_s(Protection(faces=True)) < 0.9 * 16


@given(st.floats(1, 200), protections)
def test_the_richest_that_fits(kbit_per_s: float, protection: Protection) -> None:
    place = fitting(kbit_per_s, protection)
    assert place == THIN or STEPS[place].kbit_per_s(protection) <= kbit_per_s
    assert all(step.kbit_per_s(protection) > kbit_per_s for step in STEPS[:place])


@given(protections, st.sampled_from(STEPS))
def test_protection_costs(protection: Protection, step: Step) -> None:
    assert (step.kbit_per_s(protection) > step.kbit_per_s()) == bool(protection.faces or protection.sound)
    assert step.kbit_per_s(NONE) == step.kbit_per_s()
