"""How large the pictures of a talk or a call may be (docs/bitstream.md section 11)."""

from __future__ import annotations

from typing import Final

from facewire.base.errors import ConfigError

LEAST_SIDE: Final = 256
MOST_SIDE: Final = 1024
"""Of a picture that is put together, in pixels; the networks' own size is always possible."""
MOST_SOURCE_PIXELS: Final = MOST_SIDE**2
"""Of a source picture or a patch: more is not even decoded."""


def can_be_shown(side: int, own: int) -> bool:
    """Say whether pictures with this side can be made by networks whose own pictures have the side `own`."""
    return side == own or LEAST_SIDE <= side <= MOST_SIDE


def checked_side(side: int | None, own: int) -> int:
    """Return the side that is asked for; None asks for the networks' own.

    Raises:
        ConfigError: pictures of that size cannot be made.
    """
    if side is None:
        return own
    if not can_be_shown(side, own):
        raise ConfigError("size", side, f"{LEAST_SIDE} to {MOST_SIDE} pixels")
    return side
