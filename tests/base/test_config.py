"""Strict settings: what goes out comes back, and nothing unknown passes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from facewire.base.config import from_dict, to_dict
from facewire.base.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class Inner:
    rate: float = 0.5
    mode: Literal["slow", "fast"] = "slow"

    def __post_init__(self) -> None:
        if self.rate < 0:
            raise ConfigError("rate", self.rate, "0 or more")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outer:
    name: str
    count: int = 3
    on: bool = False
    sizes: tuple[int, ...] = (1, 2)
    pair: tuple[int, float] = (1, 1.0)
    limit: int | None = None
    inner: Inner = field(default_factory=Inner)


FULL = Outer(
    name="a", count=4, on=True, sizes=(7,), pair=(2, 0.5), limit=9, inner=Inner(rate=1.5, mode="fast")
)


@pytest.mark.parametrize("settings", [FULL, Outer(name="b")])
def test_round_trip_through_json(settings: Outer) -> None:
    assert from_dict(Outer, json.loads(json.dumps(to_dict(settings)))) == settings


def test_absent_fields_take_their_defaults() -> None:
    assert from_dict(Outer, {"name": "b"}) == Outer(name="b")


def test_a_whole_number_will_do_for_a_real_one() -> None:
    rate = from_dict(Inner, {"rate": 2}).rate
    assert rate == 2.0
    assert isinstance(rate, float)


@pytest.mark.parametrize(
    ("data", "at"),
    [
        ({"name": "a", "cuont": 3}, "cuont"),
        ({"name": "a", "inner": {"speed": 1}}, "inner.speed"),
        ({}, "name"),
        ({"name": 5}, "name"),
        ({"name": "a", "count": True}, "count"),
        ({"name": "a", "count": 3.0}, "count"),
        ({"name": "a", "count": "3"}, "count"),
        ({"name": "a", "on": 1}, "on"),
        ({"name": "a", "sizes": 3}, "sizes"),
        ({"name": "a", "sizes": [1, "2"]}, r"sizes\[1\]"),
        ({"name": "a", "pair": [1]}, "pair"),
        ({"name": "a", "limit": "no"}, "limit"),
        ({"name": "a", "inner": None}, "inner"),
        ({"name": "a", "inner": {"mode": "medium"}}, "inner.mode"),
        ({"name": "a", "inner": {"rate": -1}}, "rate"),
    ],
)
def test_what_does_not_fit_is_named(data: dict[str, Any], at: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{at} = "):
        from_dict(Outer, data)


def test_only_settings_classes_are_accepted() -> None:
    with pytest.raises(TypeError):
        to_dict({"name": "a"})
    with pytest.raises(TypeError):
        from_dict(int, {})


def test_a_type_that_settings_cannot_hold_is_a_programming_mistake() -> None:
    @dataclass(frozen=True)
    class Wrong:
        things: Any = None

    with pytest.raises(TypeError, match="cannot hold"):
        from_dict(Wrong, {"things": 1})
