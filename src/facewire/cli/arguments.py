"""The parser of the command line, and the numbers on it: a wrong word is refused while it is read.

--yaw -30:30     a value, not an option
--crf 99         one ConfigError, as for every wrong setting, and not a page of usage
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable
from typing import Any, NoReturn

from facewire.base.errors import ConfigError, UsageError

NEGATIVE = re.compile(r"-(?:\.?\d|inf|nan)", re.IGNORECASE)
"""How a negative value begins; no option does."""


class Parser(argparse.ArgumentParser):
    """Takes all that begins like a negative number as a value, and raises UsageError instead of leaving."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._negative_number_matcher = NEGATIVE

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        raise UsageError(f"{' '.join(message.split())}; see {self.prog} --help")


def whole(name: str, least: int, most: int | None = None) -> Callable[[str], int]:
    """Return what reads a whole number from `least` to `most`.

    Raises (what is returned):
        ConfigError: it is none, or outside.
    """
    bounds = f"of {least} or more" if most is None else f"from {least} to {most}"

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise ConfigError(name, text, f"a whole number {bounds}") from None
        if value < least or (most is not None and value > most):
            raise ConfigError(name, value, f"a whole number {bounds}")
        return value

    return read


def number(
    name: str, least: float, most: float = math.inf, *, unit: str = "", open_below: bool = False
) -> Callable[[str], float]:
    """Return what reads a finite number from `least` (with `open_below`: above it) to `most`.

    Raises (what is returned):
        ConfigError: it is none, or outside.
    """
    low = f"above {least:g}" if open_below else f"of {least:g} or more"
    bounds = low if math.isinf(most) else f"{low}, up to {most:g}"

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise ConfigError(name, text, f"a number {bounds}{unit}") from None
        if not least <= value <= most or math.isinf(value) or (open_below and value == least):
            raise ConfigError(name, value, f"a number {bounds}{unit}")
        return value

    return read
