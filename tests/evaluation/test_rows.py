"""Rows on disk, the loop over them: resuming, failing, several at once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from facewire.base.errors import MediaError
from facewire.evaluation.measuring.rows import Measured, Row, Store
from facewire.evaluation.measuring.workbench import Bench


@dataclass(frozen=True)
class Thing:
    name: str
    group: str = "g"
    bytes: str = "1"

    def identity(self) -> Mapping[str, str]:
        return {"bytes": self.bytes}


class Counter:
    """Measures things and counts how often it had to."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __call__(self, bench: Bench, thing: Thing) -> Measured:
        self.calls.append(thing.name)
        if thing.name == "broken":
            raise MediaError("clip.mp4", "is damaged")
        if thing.name == "bug":
            raise ZeroDivisionError("division by zero")
        if thing.name == "nan":
            return Measured(Row(name="nan", values={"l1": float("nan")}))
        row = Row(
            name=thing.name, group=thing.group, frames=3, values={"l1": 1.5}, sums={"c": (3.0, 1.0, 1.0, 0.5)}
        )
        return Measured(row, {"side/f": np.arange(6.0).reshape(3, 2)})


def test_rows_come_in_order_and_failures_carry_their_reason(bench: Bench) -> None:
    things = [Thing("a"), Thing("broken"), Thing("bug"), Thing("nan"), Thing("b")]
    told: list[tuple[int, int | None]] = []
    watched = replace(bench, workers=3, progress=lambda stage, done, total: told.append((done, total)))
    rows = list(watched.each(things, Counter()))
    assert [row.name for row in rows] == ["a", "broken", "bug", "nan", "b"]
    assert [row.failed for row in rows] == [False, True, True, True, False]
    assert rows[1].reason == "clip.mp4: is damaged"
    assert rows[2].reason == "ZeroDivisionError: division by zero"
    assert rows[3].reason == "ValueError: l1 is nan"
    assert told == [(done, 5) for done in range(1, 6)]


def test_finished_rows_are_taken_up_and_failed_ones_tried_again(bench: Bench) -> None:
    counter = Counter()
    things = [Thing("a"), Thing("broken")]
    first = list(bench.each(things, counter))
    again = list(bench.each(things, counter))
    assert counter.calls == ["a", "broken", "broken"]
    assert again[0].values == first[0].values
    assert tuple(again[0].sums["c"]) == (3.0, 1.0, 1.0, 0.5)
    np.testing.assert_array_equal(bench.store.arrays("a")["side/f"], np.arange(6.0).reshape(3, 2))


def test_whoever_stops_does_not_wait_for_what_is_queued(bench: Bench) -> None:
    counter = Counter()

    def slow(bench: Bench, thing: Thing) -> Measured:
        time.sleep(0.01)
        return counter(bench, thing)

    rows = replace(bench, workers=2).each([Thing(str(number)) for number in range(200)], slow)
    next(iter(rows))
    rows.close()  # type: ignore[attr-defined]
    assert len(counter.calls) < 100


def test_another_file_or_other_settings_are_measured_anew(bench: Bench, tmp_path: Path) -> None:
    counter = Counter()
    list(bench.each([Thing("a")], counter))
    list(bench.each([Thing("a", bytes="2")], counter))
    list(
        replace(bench, store=Store(tmp_path / "rows", {"weights": "other"})).each(
            [Thing("a", bytes="2")], counter
        )
    )
    assert len(counter.calls) == 3


@pytest.mark.parametrize("text", ["", "{", '{"key": "x"}', '{"key": 5, "row": {"nonsense": 1}}'])
def test_a_damaged_row_is_measured_anew(bench: Bench, text: str) -> None:
    counter = Counter()
    list(bench.each([Thing("a")], counter))
    (path,) = (bench.store._folder).glob("*.json")
    path.write_text(text)
    list(bench.each([Thing("a")], counter))
    assert counter.calls == ["a", "a"]


def test_names_become_plain_files_that_do_not_collide(tmp_path: Path) -> None:
    store = Store(tmp_path, {})
    names = ["a b", "a/b", "../a", "a_b"]
    for index, name in enumerate(names):
        store.put(store.key({"name": name}), Measured(Row(name=name, frames=index)))
    found = [store.get(name, store.key({"name": name})) for name in names]
    assert [row.frames for row in found if row is not None] == [0, 1, 2, 3]
    assert all(path.parent == tmp_path for path in tmp_path.rglob("*.json"))
