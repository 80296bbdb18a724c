"""Keyframes: sliders and angles that change along a clip.

at 0 s    smile=0            between two keys of a slider its value goes straight from one to the other,
at 1.5 s  smile=0.8,yaw=20   before the first and after the last it is held; what has no key stays as it is
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from facewire.animation.edits import Edit, parse_edit
from facewire.animation.view import LIMITS, ViewPath
from facewire.base.errors import ConfigError
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.pose import turn_of_degrees


@dataclass(frozen=True, slots=True)
class Key:
    """Values at a moment.

    seconds  from the first frame that is shown
    edit     sliders
    angles   yaw, pitch or roll in degrees

    Raises:
        ConfigError: the moment is before the beginning, or an angle out of range.
    """

    seconds: float
    edit: Edit = field(default_factory=Edit)
    angles: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.seconds) and self.seconds >= 0):
            raise ConfigError("key", self.seconds, "seconds from 0 on")
        ViewPath(**{axis: (value,) for axis, value in self.angles.items()})

    @property
    def values(self) -> Mapping[str, float]:
        """All values by name; no slider is called like an axis."""
        return {**self.edit.values, **self.angles}


Keys = tuple[Key, ...]


def parse_key(seconds: str, text: str) -> Key:
    """Return the key of "1.5" and "smile=0.5,yaw=20".

    Raises:
        ConfigError: it is not written so, or a value is out of range.
    """
    parts = [part.strip() for part in text.split(",")]
    turned = [part for part in parts if part.partition("=")[0].strip() in LIMITS]
    sliders = ",".join(part for part in parts if part not in turned)
    try:
        at = float(seconds)
        angles = {part.partition("=")[0].strip(): float(part.partition("=")[2]) for part in turned}
    except ValueError:
        raise ConfigError("key", f"{seconds} {text}", "such as 1.5 smile=0.5,yaw=20") from None
    return Key(at, parse_edit(sliders) if sliders else Edit(), angles)


def values_at(keys: Iterable[Key], seconds: float) -> dict[str, float]:
    """Return what the keys say of a moment, by name; nothing of what has no key."""
    tracks: dict[str, list[tuple[float, float]]] = {}
    for key in sorted(keys, key=lambda key: key.seconds):
        for name, value in key.values.items():
            tracks.setdefault(name, []).append((key.seconds, value))
    return {
        name: float(np.interp(seconds, [at for at, _ in track], [value for _, value in track]))
        for name, track in tracks.items()
    }


def keyed(
    motions: HeadMotion,
    edited: Callable[[HeadMotion, Edit], HeadMotion],
    edit: Edit,
    view: ViewPath,
    keys: Keys,
    seconds: Sequence[float],
) -> HeadMotion:
    """Return motions of a person with sliders and angles as they are at each moment.

    Args:
        motions: (T).
        edited: returns one of them with sliders.
        edit: sliders where no key says otherwise.
        view: angles where no key says otherwise.
        keys: what changes.
        seconds: T moments from the first one shown on.

    Raises:
        ConfigError: the model's keypoints allow no such edit.
    """
    rows, turns = [], []
    for row, at in enumerate(seconds):
        now = values_at(keys, at)
        angles = dict(zip(LIMITS, view.angles(row / max(1, len(seconds) - 1)), strict=True))
        turns.append(turn_of_degrees(*(now.pop(axis, value) for axis, value in angles.items())))
        rows.append(edited(motions[row : row + 1], _with(edit, now)))
    return HeadMotion.cat(rows).turned_at_neck(np.stack(turns))


def _with(edit: Edit, now: Mapping[str, float]) -> Edit:
    """Return sliders with those of a moment in place of their own."""
    kept = dict(edit.values)
    if "blink" in kept and now.keys() & {"blink left", "blink right"}:
        both = kept.pop("blink")
        kept |= {"blink left": both, "blink right": both}
    return Edit({**kept, **now})
