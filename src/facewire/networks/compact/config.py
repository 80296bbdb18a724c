"""Settings of the compact model; the defaults are those of weights whose manifest states none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from facewire.base import config as strict
from facewire.base.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class CompactConfig:
    """How the compact model is made."""

    layers: bool = False
    """Person and background are separated once per source; only the person moves (composition.py)."""
    mirror: bool = False
    """Where the photo hides a part of the head that its mirror image shows, the mirror image is shown, moved as the
    head moves (compact_field.py). Needs layers."""
    inner32: int = 128
    """Channels between the two convolutions of a residual block of G at 32 x 32; at 64 and 128 likewise. Half and
    less of what is around them do as well, once they learned from a wider G (docs/lab)."""
    inner64: int = 64
    inner128: int = 32

    def __post_init__(self) -> None:
        for name in ("inner32", "inner64", "inner128"):
            if getattr(self, name) < 1:
                raise ConfigError(name, getattr(self, name), "a whole number of 1 or more")
        if self.mirror and not self.layers:
            raise ConfigError("mirror", True, "off without layers: its background would come along")


def to_dict(config: CompactConfig) -> dict[str, Any]:
    """Return the settings that are not the defaults, as JSON holds them."""
    plain = strict.to_dict(CompactConfig())
    return {name: value for name, value in strict.to_dict(config).items() if value != plain[name]}


def from_dict(data: Mapping[str, Any]) -> CompactConfig:
    """Return the settings of a dictionary.

    Raises:
        ConfigError: a name is unknown, or a value has the wrong type.
    """
    return strict.from_dict(CompactConfig, data)
