"""Strict conversion between frozen settings and plain dictionaries (as JSON holds them).

A settings class is a frozen, keyword-only dataclass whose fields are numbers, strings, booleans, literals,
tuples of those, optional ones, or further settings. Ranges are the class's own business (`__post_init__`);
this file checks names and types, so that a misspelt or outdated setting never passes silently.

Kept by hand: msgspec lets unknown names of a dataclass pass, pydantic would bring four packages into a room of the
standard library alone, and both say less about what to write instead (docs/lab/2026-11-29-libraries.md).
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from facewire.base.errors import ConfigError

Settings = TypeVar("Settings")


def to_dict(settings: object) -> dict[str, Any]:
    """Return the settings as nested dictionaries and lists that JSON can hold."""
    if not dataclasses.is_dataclass(settings) or isinstance(settings, type):
        raise TypeError(f"{settings!r} is not a settings object")
    return {field.name: _plain(getattr(settings, field.name)) for field in dataclasses.fields(settings)}


def from_dict(kind: type[Settings], data: Mapping[str, Any], at: str = "") -> Settings:
    """Return settings of class `kind` from a dictionary; absent fields take their defaults.

    Args:
        kind: the settings class.
        data: values by field name, nested for nested settings.
        at: path of `data` in a larger document, for error texts.

    Raises:
        ConfigError: a name is unknown, a value has the wrong type or is out of range, or a field without
            default is absent.
    """
    if not dataclasses.is_dataclass(kind):
        raise TypeError(f"{kind!r} is not a settings class")
    if not isinstance(data, Mapping):
        raise ConfigError(at or kind.__name__, data, "a table of settings")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    hints = _hints(kind)
    for name in data:
        if name not in fields:
            raise ConfigError(_path(at, name), data[name], f"one of: {', '.join(fields)}")
    for name, field in fields.items():
        has_default = (
            field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        )
        if name not in data and not has_default:
            raise ConfigError(_path(at, name), None, "a value; it has no default")
    return kind(**{name: _typed(hints[name], value, _path(at, name)) for name, value in data.items()})


_hints = cache(get_type_hints)
"""Types of a class by field name, which cost more to find than everything else here."""


def _path(at: str, name: object) -> str:
    return f"{at}.{name}" if at else str(name)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return to_dict(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _typed(hint: Any, value: Any, at: str) -> Any:
    """Return `value` as the annotated type, or raise ConfigError."""
    origin = get_origin(hint)
    if origin is Literal:
        if not any(value == choice and type(value) is type(choice) for choice in get_args(hint)):
            raise ConfigError(at, value, f"one of: {', '.join(map(str, get_args(hint)))}")
        return value
    if origin in (Union, types.UnionType):
        return _optional(hint, value, at)
    if origin is tuple:
        return _tuple(hint, value, at)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_dict(hint, value, at)
    return _scalar(hint, value, at)


def _optional(hint: Any, value: Any, at: str) -> Any:
    choices = [choice for choice in get_args(hint) if choice is not type(None)]
    if value is None and len(choices) < len(get_args(hint)):
        return None
    if len(choices) != 1:
        raise TypeError(f"{at}: settings cannot hold {hint}")
    return _typed(choices[0], value, at)


def _tuple(hint: Any, value: Any, at: str) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise ConfigError(at, value, "a list")
    items = get_args(hint)
    if len(items) == 2 and items[1] is Ellipsis:
        items = (items[0],) * len(value)
    if len(items) != len(value):
        raise ConfigError(at, value, f"a list of {len(items)}")
    return tuple(_typed(item, v, f"{at}[{i}]") for i, (item, v) in enumerate(zip(items, value, strict=True)))


def _scalar(hint: Any, value: Any, at: str) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint not in (int, float, str, bool):
        raise TypeError(f"{at}: settings cannot hold {hint}")
    if type(value) is not hint:
        names = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
        raise ConfigError(at, value, names[hint])
    return value
