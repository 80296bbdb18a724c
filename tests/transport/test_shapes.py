"""Lines as people have them: phases follow one another, and every one names its source."""

from __future__ import annotations

import pytest

from facewire.base.errors import ConfigError
from facewire.transport.link import Link, LinkSettings
from facewire.transport.shapes import SHAPES, LinkShape, shape

GOOD, WEAK = LinkSettings(delay_ms=10), LinkSettings(delay_ms=90)
TWO = LinkShape("", ((2.0, GOOD), (1.0, WEAK)))


@pytest.mark.parametrize(
    ("now", "settings"), [(0.0, GOOD), (1.99, GOOD), (2.0, WEAK), (3.0, GOOD), (5.5, WEAK)]
)
def test_phases_follow_one_another(now: float, settings: LinkSettings) -> None:
    assert TWO.at(now) is settings


def test_a_link_changes_with_its_phases() -> None:
    link = Link(TWO, 0)
    assert [link.send(at, 100) for at in (0.0, 2.5, 3.5)] == pytest.approx([0.01, 2.59, 3.51])
    assert link.bytes == 300


def test_a_tunnel_lets_nothing_through() -> None:
    link = Link(SHAPES["train"], 0)
    fates = [link.send(37.0 + 0.1 * step, 100) for step in range(31)]
    assert fates[:30] == [None] * 30
    assert fates[30] is not None


def test_every_line_says_whose_numbers_they_are() -> None:
    assert {"gprs", "edge", "congested-3g", "satellite", "lift", "train"} == set(SHAPES)
    assert all(len(one.about) > 40 for one in SHAPES.values())
    assert shape("edge") is SHAPES["edge"]


def test_unknown_lines() -> None:
    with pytest.raises(ConfigError, match="edge"):
        shape("5g")
