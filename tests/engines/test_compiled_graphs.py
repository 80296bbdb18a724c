"""Compiled graphs in the cache: whole or none, and never a reason to fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from facewire.engines.processor import compiled_graphs
from facewire.engines.processor.instruction_sets import VARIABLES


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FACEWIRE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_what_is_kept_is_read(cache: Path) -> None:
    file = compiled_graphs.place("render", "graph", "machine")
    assert file is not None
    assert file.is_relative_to(cache)
    assert compiled_graphs.read(file) is None
    compiled_graphs.keep(file, b"compiled")
    assert compiled_graphs.read(file) == b"compiled"


def test_another_graph_or_machine_is_kept_elsewhere() -> None:
    places = {compiled_graphs.place("render", *key) for key in (("a", "b"), ("a", "c"), ("c", "b"))}
    assert len(places) == 3


@pytest.mark.parametrize("damage", [b"", b"short", b"\0" * 60])
def test_a_damaged_file_is_as_good_as_none(damage: bytes) -> None:
    file = compiled_graphs.place("render", "graph", "machine")
    assert file is not None
    compiled_graphs.keep(file, b"compiled")
    file.write_bytes(damage)
    assert compiled_graphs.read(file) is None


def test_where_nothing_can_be_kept_nothing_is_said(cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    file = compiled_graphs.place("render", "graph", "machine")
    assert file is not None
    compiled_graphs.keep(file, b"compiled")
    assert compiled_graphs.read(file) is None
    assert cache.read_text() == "a file where the folder should be"


def test_graphs_for_fewer_instructions_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLES[1], "avx2")
    assert compiled_graphs.place("render", "graph", "machine") is None
    assert compiled_graphs.read(None) is None
