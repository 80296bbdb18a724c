"""Engines that are opened before they are asked for: once, and what is wrong is said where they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from facewire.base.errors import ConfigError
from facewire.engines import ahead
from facewire.engines.choice import AUTO, OPENVINO, TORCH, Choice
from facewire.engines.engine import Engine
from facewire.networks.manifest import WeightsFile

FILE = WeightsFile.of()


class StandIn:
    """An engine that is only looked at."""


@pytest.fixture
def openings(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Count openings in place of opening."""
    done: list[str] = []

    def open_one(weights: WeightsFile, wanted: str) -> tuple[Engine, Choice]:
        done.append(wanted)
        return cast(Engine, StandIn()), Choice(OPENVINO, "for a test")

    monkeypatch.setattr(ahead, "open_shipped", open_one)
    monkeypatch.setattr(ahead, "choose", lambda wanted: Choice(OPENVINO, "for a test"))
    monkeypatch.setattr(ahead, "open_faces", lambda threads: f"begun after {len(done)}")
    monkeypatch.setattr(ahead, "face_networks", lambda engine: "opened now")
    yield done
    ahead._begun.clear()


def faces_of(engine: Engine) -> Any:
    return ahead.faces_beside(engine)


def test_what_was_begun_is_taken_once_with_its_face_finder(openings: list[str]) -> None:
    ahead.begin(FILE.path, AUTO)
    engine, choice = ahead.take(FILE, AUTO)
    assert openings == [AUTO]
    assert choice.name == OPENVINO
    assert faces_of(engine) == "begun after 0"
    other, _ = ahead.take(FILE, AUTO)
    assert faces_of(other) == "opened now"
    assert openings == [AUTO, AUTO]
    assert other is not engine


def test_nothing_is_begun_for_others(openings: list[str]) -> None:
    ahead.begin(FILE.path, TORCH)
    ahead.begin("no such weights", AUTO)
    assert not ahead._begun
    assert not openings


def test_what_cannot_be_opened_is_said_where_it_is_asked_for(
    openings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> Callable[[], None]:
        raise ConfigError("engine", OPENVINO, "another processor")

    monkeypatch.setattr(ahead, "open_shipped", refuse)
    ahead.begin(FILE.path, OPENVINO)
    with pytest.raises(ConfigError, match="another processor"):
        ahead.take(FILE, OPENVINO)
