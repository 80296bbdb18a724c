"""Numbers that wrap, as they come off the wire, and the numbers that they stand for."""

from __future__ import annotations


def unwrap(value: int, near: int, modulus: int) -> int:
    """Return the number that agrees with `value` modulo `modulus` and lies nearest to `near`."""
    half = modulus // 2
    return near + (value - near + half) % modulus - half
