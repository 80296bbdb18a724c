"""What can be seen of a video before its first frame is coded: of each stretch the motion of rest and the picture to
start from.

    every fifth frame -> motion -> one in the middle of what the talker does = rest      (of a pipe the first seconds)
      the frame with it, in the light -> seen again -> the stretch's first picture
    a photo of the talker is given -> rest is the motion most like the photo's own, and the photo is the picture

From a picture in the middle the way to all others is short: over ten seconds the distance to the truth is a quarter
less than from the first frame, and most later pictures are not needed (docs/lab/2026-11-30-first-picture.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import numpy as np

from facewire.animation.animator import BATCH, Animator
from facewire.animation.driving import HeadSquare, read_squares, rows_of
from facewire.animation.reference import best_reference, median_motion
from facewire.base.batches import in_batches
from facewire.geometry.head_motion import HeadMotion
from facewire.talks.squares import Squares

EVERY: Final = 5
"""Every fifth frame is looked at where nothing is compared with it."""

Still = Callable[[HeadSquare, bool], tuple[str, bytes]]
"""Codes a frame as a picture, the first of all or a later one: type and bytes."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known of a stretch.

    rest   (1) the motion of rest
    still  type and bytes of the picture to start from; None where a photo is given, or all of it is in the dark
    """

    rest: HeadMotion
    still: tuple[str, bytes] | None = None


@dataclass(slots=True)
class _Seen:
    """The frames of a stretch that were looked at: their motions, numbers, and whether they are in the light."""

    motions: list[HeadMotion] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    lit: list[bool] = field(default_factory=list)


def look_ahead(
    animator: Animator, squares: Squares, own: HeadMotion | None, still: Still | None
) -> dict[int, Outlook]:
    """Return what is known of each stretch of which something can be seen ahead.

    Args:
        animator: whose networks read.
        squares: the video.
        own: (1) the motion of a photo of another person, whom the motion is to suit; None: there is none.
        still: codes a stretch's picture; None where a photo is given.
    """
    seen = _look(animator, squares, 1 if own is not None else EVERY)
    if own is not None:
        return {
            number: Outlook(_row(one, best_reference(_motions(one), own))) for number, one in seen.items()
        }
    middle = {number: median_motion(_motions(one)) for number, one in seen.items()}
    stills = (
        {}
        if still is None
        else _stills(squares, {_in_light(one): number for number, one in seen.items()}, still)
    )
    return {number: Outlook(_row(one, middle[number]), stills.get(number)) for number, one in seen.items()}


def _look(animator: Animator, squares: Squares, every: int) -> dict[int, _Seen]:
    """Return the frames with a face by stretch."""
    seen: dict[int, _Seen] = {}
    at = 0
    for batch in in_batches(islice(squares.preview(), 0, None, every), BATCH):
        motions, present = read_squares(animator, batch)
        for row, square in enumerate(batch):
            if present[row]:
                one = seen.setdefault(square.stretch, _Seen())
                one.motions.append(rows_of(motions, [row]).arrays())
                one.numbers.append(at)
                one.lit.append(square.lit is square.picture)
            at += every
    return seen


def _in_light(seen: _Seen) -> int | None:
    """Return the number of the frame in the light that is nearest to all others; None without one."""
    rows = np.flatnonzero(seen.lit)
    if not len(rows):
        return None
    middle = median_motion(HeadMotion.cat([seen.motions[row] for row in rows]))
    return seen.numbers[int(rows[middle])]


def _stills(squares: Squares, chosen: dict[int | None, int], still: Still) -> dict[int, tuple[str, bytes]]:
    """Return the pictures of frames, chosen by number, by their stretch."""
    wanted = {frame: number for frame, number in chosen.items() if frame is not None}
    first = min(wanted, default=-1)
    return {
        wanted[frame]: still(square, frame == first)
        for frame, square in enumerate(islice(squares.preview(), max(wanted, default=-1) + 1))
        if frame in wanted
    }


def _motions(seen: _Seen) -> HeadMotion:
    return HeadMotion.cat(seen.motions)


def _row(seen: _Seen, row: int) -> HeadMotion:
    return seen.motions[row]
