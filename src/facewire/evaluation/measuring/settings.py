"""What a user chooses; part of every report and of the key under which results are kept."""

from __future__ import annotations

from dataclasses import dataclass

from facewire.base.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a protocol runs.

    Raises:
        ConfigError: a number is out of range.
    """

    stride: int = 1
    """Every how many frames pictures are rendered and measured."""
    identity_stride: int = 10
    """Every how many measured frames the identity network looks."""
    kept: int | None = None
    """Keypoints used of the ordered list; None means all."""
    looks: int = 2
    """How often the sender looks at a frame of the source's own person: 1 reads its motion, each further time
    corrects it by what the receiver would show (animation/second_look.py), as `facewire encode` does."""
    clips: int | None = None
    """Only so many clips, spread over the folder; None means all."""

    def __post_init__(self) -> None:
        for name in ("stride", "identity_stride", "looks"):
            value = getattr(self, name)
            if value < 1:
                raise ConfigError(name, value, "1 or more")
        for name, given in (("kept", self.kept), ("clips", self.clips)):
            if given is not None and given < 1:
                raise ConfigError(name, given, "1 or more")
