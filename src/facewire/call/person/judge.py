"""Is synthesis the right tool at this moment? A measured test on the sender's side (docs/call.md section 6).

    no face            the camera finds none, or the motion network sees none
    second person      another face at least a third as tall as the first
    turned too far     the head's yaw, pitch or roll is beyond what one photo can show
    looks different    the sender renders its own picture as the receiver will and compares it with the camera:
                       a hand before the face, glasses put on, a source that no longer fits

Comparison: both pictures become 32x32 blocks of grey. In windows of a quarter of the side, over the face, the
structure of one is sought in the other, a block to every side; 1 minus the best correlation says how little of it is
there, and the worst window counts. Brightness and contrast cancel in each window, so other light alone does not
count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from facewire.call.person.camera import Sight
from facewire.call.person.engine import Seen
from facewire.media.frame import Pixels

Blocks = NDArray[np.float32]
Reason = Literal["no face", "second person", "turned too far", "looks different", "another person"]

MOST_YAW, MOST_PITCH, MOST_ROLL = 45.0, 35.0, 45.0
"""Degrees."""
BLOCKS = 32
WINDOW, STEP, SHIFT = 8, 4, 1
"""Side of a window, distance between windows, how far structure may have moved; blocks."""
ROWS, COLUMNS = range(8, 21, STEP), range(8, 17, STEP)
"""First blocks of the windows that cover a face in the project's crop."""
FLAT = 4.0
"""Grey levels; a window with less contrast has no structure to look for."""
MOST_DIFFERENCE = 0.6
"""Of 271 frames of 12 people 3 % were above it, of hands before faces 72 to 96 % (docs/lab/2026-11-22-call.md)."""

GREY = np.array((0.299, 0.587, 0.114), np.float32)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is wrong, worst first, and the measured difference (None if it was not measured)."""

    reasons: tuple[Reason, ...]
    difference: float | None = None

    @property
    def good(self) -> bool:
        """True if synthesis is the right tool."""
        return not self.reasons

    @property
    def stale(self) -> bool:
        """True if a new source may be all that is needed."""
        return self.reasons == ("looks different",)


def judge(sight: Sight, reading: Seen, distance: float | None) -> Judgement:
    """Return what speaks against synthesis.

    Args:
        sight: what the camera sees.
        reading: what the motion network says of it.
        distance: `difference` between the camera and what the receiver sees; None if it is not known.
    """
    reasons: list[Reason] = []
    if not sight.found or not reading.present:
        reasons.append("no face")
    if sight.faces > 1:
        reasons.append("second person")
    yaw, pitch, roll = (abs(float(np.degrees(angle))) for angle in reading.motion.angles)
    if yaw > MOST_YAW or pitch > MOST_PITCH or roll > MOST_ROLL:
        reasons.append("turned too far")
    if distance is not None and distance > MOST_DIFFERENCE:
        reasons.append("looks different")
    return Judgement(tuple(reasons), distance)


def difference(crop: Pixels, rendered: Pixels) -> float:
    """Return how different two head crops of one size look: 0 for equal ones, 1 and more for unrelated ones."""
    ours, theirs = _blocks(crop), _blocks(rendered)
    return max((_missing(ours, theirs, y, x) for y in ROWS for x in COLUMNS), default=0.0)


def _missing(ours: Blocks, theirs: Blocks, y: int, x: int) -> float:
    """Return 1 minus the best correlation of our window with theirs nearby; 0 for a flat window."""
    window = ours[y : y + WINDOW, x : x + WINDOW]
    if float(window.std()) < FLAT:
        return 0.0
    shifts = range(-SHIFT, SHIFT + 1)
    nearby = (theirs[y + dy : y + dy + WINDOW, x + dx : x + dx + WINDOW] for dy in shifts for dx in shifts)
    return 1.0 - max(_correlation(window, other) for other in nearby)


def _correlation(first: Blocks, second: Blocks) -> float:
    spread = float(first.std() * second.std()) + 1e-3
    return float(((first - first.mean()) * (second - second.mean())).mean()) / spread


def _blocks(picture: Pixels) -> Blocks:
    """Return the mean grey of each block, (32, 32)."""
    side = picture.shape[0] // BLOCKS
    grey = picture[: side * BLOCKS, : side * BLOCKS].astype(np.float32) @ GREY
    blocks: Blocks = grey.reshape(BLOCKS, side, BLOCKS, side).mean(axis=(1, 3))
    return blocks
