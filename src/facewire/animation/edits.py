"""Sliders: what a face does, added to its expression.

    smile=0.5,blink=1,gaze=-0.3:0.1,mouth=0.4,brows=0.2     each -1 to 1, 0 leaves the face as it is

    smile  corners out and up           1 is a broad smile          -1 corners in and down
    blink  lids towards each other      1 shuts the eyes            -1 opens them twice as wide; two numbers are the
                                        eyes at the image's left:right
    gaze   irises right:up              1 is as far as eyes look, on a diagonal, too; one number is to the right
    mouth  lips apart, chin down        1 is a mouth wide open      -1 the contrary: use it to close an open one
    brows  up                           1 is as far as brows go     -1 down

The directions were learned from 31727 nearly frontal frames of 223 labelled clips (scripts/learn_edits.py): for every
keypoint of the region the least-squares direction in the head's own axes that goes with what the face mesh measures
while all other measures stay the same; both sides averaged. 1 is the 99.5th percentile of what these people
did; for the brows 1.75 times, sideways looks twice and looks up and down four times that, because pictures follow
these keypoints by a fraction (docs/lab/2026-11-30-detail-at-512.md). Beyond, irises tear and lashes grow.
Eyes shut by as much as they are open, whoever they belong to.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from facewire.animation.regions import check_guided
from facewire.base.errors import ConfigError
from facewire.geometry.arrays import Numbers, library, like
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints
from facewire.geometry.precision import apply
from facewire.networks.compact.guides import EYES, GUIDES, MEAN_IRISES, UNIT

Direction = tuple[float, float, float]
LEFT, RIGHT = ", image left", ", image right"

# fmt: off
TABLE: Mapping[str, Mapping[str, Direction]] = {
    "smile": {
        "upper lip": (0.0, -0.028, 0.002),
        "mouth corner" + LEFT: (-0.049, -0.0324, 0.0028), "mouth corner" + RIGHT: (0.049, -0.0324, 0.0028),
    },
    "blink": {
        "upper lid" + LEFT: (0.0061, 0.0336, 0.0), "upper lid" + RIGHT: (-0.0061, 0.0336, 0.0),
        "lower lid" + LEFT: (0.0071, -0.0189, 0.0), "lower lid" + RIGHT: (-0.0071, -0.0189, 0.0),
    },
    "mouth": {
        "lower lip": (0.0, 0.1117, 0.0033), "upper lip": (0.0, -0.0312, 0.0), "chin": (0.0, 0.0343, 0.0016),
        "mouth corner" + LEFT: (-0.0089, 0.0095, 0.0017), "mouth corner" + RIGHT: (0.0089, 0.0095, 0.0017),
    },
    "brows": {"brow" + LEFT: (0.0, -0.0599, 0.0), "brow" + RIGHT: (0.0, -0.0599, 0.0)},
    "gaze right": {"iris" + LEFT: (0.076, 0.0, 0.0), "iris" + RIGHT: (0.076, 0.0, 0.0)},
    "gaze up": {
        "iris" + LEFT: (0.0, -0.0604, 0.0), "iris" + RIGHT: (0.0, -0.0604, 0.0),
        "upper lid" + LEFT: (0.0, -0.0216, 0.0), "upper lid" + RIGHT: (0.0, -0.0216, 0.0),
        "lower lid" + LEFT: (0.0, -0.0204, 0.0), "lower lid" + RIGHT: (0.0, -0.0204, 0.0),
    },
}
"""Slider -> keypoint -> which way it goes for a value of 1, in picture units of the mean head and its own axes:
x to the image's right, y down, z away. The brows' own way is counted from the eyes."""
# fmt: on
GAZE, BLINK = "gaze", "blink"
ROWS: Mapping[str, Mapping[str, Direction]] = {
    **TABLE,
    **{
        f"{BLINK} {side.rpartition(' ')[2]}": {
            name: way for name, way in TABLE[BLINK].items() if name.endswith(side)
        }
        for side in (LEFT, RIGHT)
    },
}
"""Those of TABLE, and one eye alone."""
PAIRS = {GAZE: ("gaze right", "gaze up"), BLINK: ("blink left", "blink right")}
"""Sliders that take two numbers."""
SLIDERS = ("smile", BLINK, GAZE, "mouth", "brows")
CLOSED = 0.0525
"""What `blink` takes away between the lids."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Values of ROWS; none leaves everything as it is.

    Raises:
        ConfigError: a row is unknown, or a value outside -1 to 1.
    """

    values: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in self.values.items():
            if name not in ROWS:
                raise ConfigError("edit", name, f"some of {', '.join(SLIDERS)}")
            if not (math.isfinite(value) and abs(value) <= 1):
                raise ConfigError(name, value, "-1 to 1")

    def __bool__(self) -> bool:
        return any(self.values.values())


def parse_edit(text: str) -> Edit:
    """Return the edit of "smile=0.5,gaze=-0.3:0.1".

    Raises:
        ConfigError: it is not written so, or a value is outside -1 to 1.
    """
    values: dict[str, float] = {}
    for part in text.split(","):
        name, _, given = (word.strip() for word in part.partition("="))
        rows = PAIRS.get(name, (name,))
        numbers = _numbers(part, given, len(rows))
        alone = name == BLINK and len(numbers) == 1
        values |= zip((BLINK,) if alone else rows, numbers, strict=False)
    return Edit(values)


def _numbers(part: str, given: str, most: int) -> Sequence[float]:
    words = given.split(":")
    try:
        if len(words) > most:
            raise ValueError
        return [float(word) for word in words]
    except ValueError:
        raise ConfigError(
            "edit", part, "such as smile=0.5,blink=1,gaze=-0.3:0.1,mouth=0.4,brows=0.2"
        ) from None


def edited(motions: HeadMotion, canonical: CanonicalKeypoints, edit: Edit) -> HeadMotion:
    """Return motions of a person with an edit.

    Args:
        motions: (T), compact model.
        canonical: (1) of the person.
        edit: what to add.

    Raises:
        ConfigError: the keypoints are not those of the compact model.
    """
    if not edit:
        return motions
    check_guided(motions)
    points, by = like(canonical.points, motions.expression), library(motions.expression)
    irises = by.linalg.norm(points[:, EYES[1][2]] - points[:, EYES[0][2]], axis=-1)
    size = irises[:, None, None] / (MEAN_IRISES * UNIT)
    added = by.zeros_like(motions.expression)
    for name, value in _in_sight(edit.values).items():
        way = value * size * _direction(name, added)
        if name.startswith(BLINK):
            way = way * _openness(motions, points)[:, :, None] / (size * CLOSED)
        added = added + way
    return motions.with_expression(motions.expression + apply(motions.rotation[:, None], added))


def _in_sight(values: Mapping[str, float]) -> Mapping[str, float]:
    """Return values that look no further on a diagonal than eyes do sideways."""
    gaze = {name: values[name] for name in PAIRS[GAZE] if name in values}
    far = max(1.0, math.hypot(*gaze.values()))
    return {**values, **{name: value / far for name, value in gaze.items()}}


def _direction(name: str, expression: Numbers) -> Numbers:
    """Return a row of the table, (K, 3)."""
    rows = [ROWS[name].get(guide.name, (0.0, 0.0, 0.0)) for guide in GUIDES]
    free = [(0.0, 0.0, 0.0)] * (expression.shape[1] - len(rows))
    return like(np.array(rows + free, np.float32), expression)


def _openness(motions: HeadMotion, points: Numbers) -> Numbers:
    """Return how far the lids of each eye are apart, at the keypoints of those lids, (T, K); 0 elsewhere."""
    back = motions.rotation.swapaxes(-1, -2)
    own = points + apply(back[:, None], motions.expression)
    apart = library(own).zeros_like(own[..., 0])
    for upper, lower, _ in EYES:
        apart[:, [upper, lower]] = (own[:, lower, 1] - own[:, upper, 1]).clip(0)[:, None]
    return apart
