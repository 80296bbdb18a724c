"""Heads that are tilted in their photo, and several heads in one photo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from facewire.animation.composition.composer import Changes, Composer, Place
from facewire.engines.parts import Parts
from facewire.face.crop import CropBox
from facewire.face.region import SquareRegion
from facewire.media.frame import Pixels
from facewire.networks.fading import Fading

_cv: Any = cv2  # its stubs know neither scalars nor None nor which type comes out


class TurnedComposer(Composer):
    """The composition of a head that is tilted in its photo, in a square that is tilted with it.

    The photo is turned once; what changes in it is turned back, so pixels that do not change stay the photo's own.

    Args:
        photo: (H, W, 3).
        region: the head's square in the photo, its angle the head's.
    """

    def __init__(self, photo: Pixels, region: SquareRegion) -> None:
        side = max(1, round(region.side))
        cosine, sine = np.cos(region.angle), np.sin(region.angle)
        turn = np.array(((cosine, -sine), (sine, cosine)))
        middle = np.array((region.x, region.y)) - 0.5
        # From pixels of the turned photo, three sides wide around the head, to those of the photo.
        away = np.column_stack((turn, middle - turn @ np.full(2, (3 * side - 1) / 2)))
        flags, border = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP, cv2.BORDER_REPLICATE
        upright = _cv.warpAffine(photo, away, (3 * side, 3 * side), flags=flags, borderMode=border)
        super().__init__(upright, CropBox(side, side, side), fading=Fading())
        self.upright, self.photo = upright, photo
        reach = side * (abs(cosine) + abs(sine)) / 2
        spans = [
            slice(max(0, int(at - reach)), min(length, int(at + reach) + 2))
            for at, length in ((middle[1], photo.shape[0]), (middle[0], photo.shape[1]))
        ]
        self._place: Place = (spans[0], spans[1])
        corner = np.array((spans[1].start, spans[0].start))
        self._back = np.column_stack((turn.T, turn.T @ (corner - middle) + (side - 1) / 2))

    def whole(self, parts: Parts) -> Pixels:
        """Return the photo with the head in it, (H, W, 3)."""
        return together([(self, parts)])

    def _with_square(self, square: Pixels, photo: Pixels | None = None) -> Pixels:
        """Return the photo, or another picture of its size, with something else in the head's square."""
        picture = (self.photo if photo is None else photo).copy()
        part, flags = picture[self._place], cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = part.shape[1], part.shape[0]
        there = _cv.warpAffine(np.ones(square.shape[:2], np.uint8), self._back, size, flags=flags) > 0
        part[there] = _cv.warpAffine(square, self._back, size, flags=flags)[there]
        return picture

    def change(self, parts: Parts) -> tuple[Place, Changes]:
        """Return where the photo changes, and by how much, int16 (h, w, 3)."""
        rows, columns = self._place
        size = columns.stop - columns.start, rows.stop - rows.start
        changed = self.square(parts).astype(np.int16) - self.own
        back: Changes = _cv.warpAffine(
            changed, self._back, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        )
        return self._place, back


def together(heads: Sequence[tuple[Composer, Parts]]) -> Pixels:
    """Return one photo with several heads in it, (H, W, 3).

    Where squares overlap the changes of both are added, each to the photo itself.

    Args:
        heads: composers of the same photo, at least one.
    """
    picture = heads[0][0].photo.astype(np.int16)
    for composer, parts in heads:
        place, changes = composer.change(parts)
        picture[place] += changes
    return np.clip(picture, 0, 255).astype(np.uint8)
