"""Residuals as tokens: small ones directly, large ones as a class and plain bits (docs/bitstream.md 6.2)."""

from __future__ import annotations

TOKENS = 63
ZERO = 31
"""Token of residual 0."""
DIRECT = 7
"""Largest magnitude that is a token by itself."""


def class_of(magnitude: int) -> tuple[int, int]:
    """Return (class, number of plain bits) of a magnitude of 8 to 32767; the class is 8 to 31."""
    exponent = magnitude.bit_length() - 1
    half = magnitude >> exponent - 1 & 1
    return 8 + 2 * (exponent - 3) + half, exponent - 1


def smallest_of(token_class: int) -> tuple[int, int]:
    """Return (smallest magnitude, number of plain bits) of a class of 8 to 31."""
    exponent, half = 3 + (token_class - 8 >> 1), token_class & 1
    return (2 + half) << exponent - 1, exponent - 1


def token_of(residual: int) -> int:
    """Return the token of a residual of magnitude up to 32767."""
    magnitude = abs(residual)
    size = magnitude if magnitude <= DIRECT else class_of(magnitude)[0]
    return ZERO + size if residual > 0 else ZERO - size
