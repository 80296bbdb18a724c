"""The link model does what its settings say, and the same every time."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import Any

import pytest

from facewire.base.errors import ConfigError
from facewire.transport.link import Link, LinkSettings

COUNT = 20_000


def fates(settings: LinkSettings, seed: int = 1, count: int = COUNT) -> list[float | None]:
    link = Link(settings, seed)
    return [link.send(0.04 * step, 120) for step in range(count)]


def test_a_perfect_link_delivers_at_once() -> None:
    assert fates(LinkSettings(), count=100) == [0.04 * step for step in range(100)]


def test_the_same_seed_gives_the_same_fate() -> None:
    settings = LinkSettings(loss=0.2, burst=3, delay_ms=20, jitter_ms=5, reorder=0.05)
    assert fates(settings, 7) == fates(settings, 7)
    assert fates(settings, 7) != fates(settings, 8)


@pytest.mark.parametrize("burst", [1.0, 2.0, 5.0])
def test_loss_and_bursts(burst: float) -> None:
    lost = [fate is None for fate in fates(LinkSettings(loss=0.1, burst=burst))]
    assert sum(lost) / COUNT == pytest.approx(0.1, abs=0.012)
    runs = [len(list(group)) for gone, group in groupby(lost) if gone]
    expected = burst if burst > 1 else 1 / 0.9
    assert sum(runs) / len(runs) == pytest.approx(expected, rel=0.08)


@pytest.mark.parametrize("burst", [2.0, 5.0])
def test_bursts_end_where_they_are_told_to(burst: float) -> None:
    link = Link(LinkSettings(loss=0.2, burst=burst, longest_burst=5), 1)
    lost = [link.send(0.04 * number, 100) is None for number in range(20_000)]
    assert link.longest_run == 5
    assert sum(lost) / len(lost) == pytest.approx(0.2, abs=0.02)


def test_losses_in_a_row_are_counted_and_cuts_are_not() -> None:
    link = Link(LinkSettings(loss=0.1, burst=3, cut_start_s=40.0, cut_s=20.0), 1)
    lost = [(link.send(0.04 * step, 120) is None, link.cut(0.04 * step)) for step in range(5000)]
    runs = [len(list(group)) for fate, group in groupby(lost) if fate == (True, False)]
    assert link.longest_run == max(runs)
    assert link.lost == sum(gone for gone, _ in lost)


def test_delay_and_jitter_keep_the_order() -> None:
    arrivals = [fate for fate in fates(LinkSettings(delay_ms=30, jitter_ms=10)) if fate is not None]
    delays = [arrival - 0.04 * step for step, arrival in enumerate(arrivals)]
    assert min(delays) >= 0.03
    assert sum(delays) / COUNT == pytest.approx(0.0405, abs=0.001)
    assert arrivals == sorted(arrivals)


def test_reordered_packets_are_overtaken_by_the_next() -> None:
    arrivals = [fate for fate in fates(LinkSettings(reorder=0.1)) if fate is not None]
    overtaken = sum(b < a for a, b in pairwise(arrivals))
    assert overtaken / COUNT == pytest.approx(0.09, abs=0.01)


def test_a_bottleneck_queues_and_then_drops() -> None:
    link = Link(LinkSettings(rate_kbit_per_s=80, queue_ms=100), 0)
    arrivals = [link.send(0.0, 100) for _ in range(20)]  # 10 ms each
    assert arrivals[:11] == pytest.approx([0.01 * (step + 1) for step in range(11)])
    assert arrivals[11:] == [None] * 9
    assert link.lost == 9


def test_a_cut_lets_nothing_through() -> None:
    arrivals = fates(LinkSettings(cut_start_s=2.0, cut_s=1.0), count=100)
    assert [step for step, fate in enumerate(arrivals) if fate is None] == list(range(50, 75))


@pytest.mark.parametrize("setting", [{"loss": 1.0}, {"burst": 0.5}, {"delay_ms": -1.0}, {"reorder": 0.6}])
def test_impossible_settings(setting: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        LinkSettings(**setting)
