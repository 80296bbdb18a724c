"""Costs by hand: every kind by the frame and by the second, and sums that leave nothing out."""

from __future__ import annotations

from fractions import Fraction

import pytest

from facewire.codec.costs import Costs


def test_shares_and_sums() -> None:
    costs = Costs.of(motion=1000, refreshes=5000, first=6000, sound=3000, frames=100, fps=Fraction(25))
    assert costs.motion.bytes_per_frame == pytest.approx(10)
    assert costs.motion.kbit_per_s == pytest.approx(2)
    assert costs.refreshes.kbit_per_s == pytest.approx(10)
    assert costs.after_first.bytes == 6000
    assert costs.after_first.kbit_per_s == pytest.approx(12)
    assert costs.pictures.bytes == 12000
    assert costs.pictures.kbit_per_s == pytest.approx(24)
    assert costs.sound.bytes_per_frame == pytest.approx(30)


def test_the_table_names_sound_only_if_there_is_some() -> None:
    def names(sound: int) -> list[str]:
        costs = Costs.of(motion=1, refreshes=2, first=3, sound=sound, frames=1, fps=25)
        return [line.split("  ")[0] for line in costs.lines()[1:]]

    assert names(0) == ["motion", "refreshes", "both", "first picture", "all pictures"]
    assert names(4)[-1] == "sound"


def test_no_frames_cost_nothing_a_frame() -> None:
    assert Costs.of(motion=5, refreshes=0, first=0, sound=0, frames=0, fps=25).motion.bytes_per_frame == 0
