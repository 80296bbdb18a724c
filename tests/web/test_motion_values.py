"""The values that the tests in JavaScript compare with are those that Python computes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .motion_values import FILE, values


def numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for key in sorted(value) for number in numbers(value[key])]
    if isinstance(value, list | tuple):
        return [number for item in value for number in numbers(item)]
    return [float("inf") if value is None else float(value)]


def test_the_file_is_up_to_date() -> None:
    held = json.loads(FILE.read_text(encoding="utf-8"))
    now = values()
    assert held.keys() == now.keys()
    for key in held:
        assert numbers(held[key]) == pytest.approx(numbers(now[key]), abs=1e-5), key
