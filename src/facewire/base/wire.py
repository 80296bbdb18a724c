"""Closed sets of JSON messages: a name, fields of known types, limits; anything else is a ProtocolError.

{"type": "hello", "version": 1, ...}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from facewire.base.config import from_dict, to_dict
from facewire.base.errors import ConfigError, ProtocolError

VERSION = 1
LONGEST_TEXT = 64 * 1024
"""Characters of a message; session descriptions are the longest."""

Message = TypeVar("Message")


class MessageSet(Generic[Message]):
    """The messages that one side may send on one kind of connection.

    Args:
        kinds: message classes (frozen settings, see base.config) by the name that stands in `type`.
    """

    def __init__(self, kinds: Mapping[str, type[Message]]) -> None:
        self._kinds = dict(kinds)
        self._names = {kind: name for name, kind in kinds.items()}

    def encode(self, message: Message) -> str:
        """Return the text of a message."""
        return json.dumps({"type": self._names[type(message)], **to_dict(message)}, separators=(",", ":"))

    def parse(self, text: str) -> Message:
        """Return the message of a text.

        Raises:
            ProtocolError: it is none of this set; the text says what is wrong, without quoting what was sent.
        """
        if len(text) > LONGEST_TEXT:
            raise ProtocolError(f"a message of {len(text)} characters: at most {LONGEST_TEXT}")
        try:
            data: Any = json.loads(text)
        except (ValueError, RecursionError):
            raise ProtocolError("a message that is not JSON") from None
        name = data.pop("type", None) if isinstance(data, dict) else None
        if not isinstance(name, str) or name not in self._kinds:
            raise ProtocolError("a message of an unknown type")
        try:
            return from_dict(self._kinds[name], data)
        except ConfigError as error:
            raise ProtocolError(f"in a message of type {name}, {error.field} is not as it must be") from None
        except (TypeError, ValueError, OverflowError, RecursionError):
            raise ProtocolError(f"a message of type {name} with impossible values") from None


def within(name: str, value: float, low: float, high: float) -> None:
    """Raise ConfigError unless low <= value <= high (NaN is not)."""
    if not low <= value <= high:
        raise ConfigError(name, value, f"{low:g} to {high:g}")


def short(name: str, value: str, longest: int) -> None:
    """Raise ConfigError for a text longer than `longest`."""
    if len(value) > longest:
        raise ConfigError(name, "(too long)", f"at most {longest} characters")


def hexadecimal(name: str, value: str, size: int) -> None:
    """Raise ConfigError unless a text is `size` lower-case hexadecimal digits."""
    if len(value) != size or not set(value) <= set("0123456789abcdef"):
        raise ConfigError(name, "(not hexadecimal)", f"{size} hexadecimal digits")
