"""The fast composition: parts of a frame and the whole photo become the whole picture, on a CPU.

What networks/large_picture.py defines, in OpenCV: of everything tried on two cores (docs/lab) the only one that reads
a photo of 1024 pixels twice in the time of a frame. Pictures are bytes, coordinates are rounded to 1/32 of a pixel;
the result is within 1 of 255 of the reference on average over any frame's square, and within 8 at single pixels on
the sharpest edges.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facewire.animation.composition.maps import Floats, at_side, displacements, enlarged, pixel_places, planes
from facewire.animation.composition.plates import Around, Plate, Separated, cap
from facewire.animation.composition.reading import UNSEEN, Reading, add_share, strips, together
from facewire.base.processors import processors
from facewire.engines.parts import Layer, Parts
from facewire.face.crop import CropBox
from facewire.media.frame import Pixels
from facewire.networks.fading import Fading
from facewire.networks.sources import PERSON, PHOTO

Changes = NDArray[np.int16]
Place = tuple[slice, slice]
_cv: Any = cv2  # its stubs know neither scalars nor None nor which type comes out
PAINTED = 7
"""Side, in cells, of the squares around what is read from above the photo in which nothing is painted."""
HIDDEN, SURE = 15, 0.05
"""Pixels around a person whose share of it, widened by that square, is above SURE show some of it, as
networks/compact/background.py has it."""


class Composer:
    """One photo and the square of one head in it; `own` is what the photo shows in the square, (side, side, 3).

    Args:
        photo: (H, W, 3).
        box: the head's square; it may reach beyond the photo.
        separated: the photo's layers, for models that read them, where they are known at its size; see `separate`.
        fading: where the picture fades into the photo; by default wherever the photo goes on beyond the square.
        capped: a head that the photo's upper border cuts off goes on above it as a cap, mirrored, and not for ever.
        threads: strips at once; None means all processors of this process.
    """

    def __init__(
        self,
        photo: Pixels,
        box: CropBox,
        *,
        separated: Separated | None = None,
        fading: Fading | None = None,
        capped: bool = False,
        threads: int | None = None,
    ) -> None:
        height, width = photo.shape[:2]
        self.photo, self.box = photo, box
        self._fading = fading or Fading.within(box.left, box.top, box.side, height, width)
        self._windows: dict[int, Floats] = {}
        self._mattes: dict[int, Floats] = {}
        self._threads = threads or processors()
        # A square that reaches beyond the photo sees its border repeated, as the crop does.
        around = Around(box, height, width, box.side // 3 if capped else 0)
        self._above = around.above if capped else 0
        self._corner = left, top = around.left, around.top
        self._square = slice(top, top + box.side), slice(left, left + box.side)
        self._plates: dict[str, Plate] = {PHOTO: _cv.cvtColor(around.cut(photo), cv2.COLOR_RGB2RGBA)}
        self.own: Pixels = np.ascontiguousarray(self._plates[PHOTO][self._square][..., :3])
        self._behind = self.own
        if separated is not None:
            self._plates[PERSON] = around.cut(separated.person(photo))
            self._behind = around.cut(separated.background)[self._square]

    def separate(self, matte: Floats, background: Pixels) -> None:
        """Take person and background apart, as a model that moves the person alone sees them in the square.

        Beyond the square the matte goes on as at its border, and the photo itself is the background.

        Args:
            matte: (S, S), share of the person in every pixel of the square.
            background: (S, S, 3), what stands behind; only where the person hides it the photo does not show it.
        """
        plate, side = self._plates[PHOTO][..., :3], self.box.side
        hidden = np.clip(_cv.dilate(matte, np.ones((HIDDEN, HIDDEN))) / SURE, 0, 1)
        hides = enlarged(np.ascontiguousarray(hidden, np.float32), side).clip(0, 1)[..., None]
        behind = plate.copy()
        behind[self._square] = np.rint(
            (1 - hides) * self.own + hides * enlarged(background.astype(np.float32), side)
        ).clip(0, 255)
        rows, columns = self._square
        around = (
            rows.start,
            plate.shape[0] - rows.stop,
            columns.start,
            plate.shape[1] - columns.stop,
        )
        share = _cv.copyMakeBorder(enlarged(matte, side).clip(0, 1), *around, cv2.BORDER_REPLICATE)
        share[: self._above] *= cap(share[self._above], self._above, self.box.side)
        self._plates[PERSON] = Separated.of(plate, share, behind).person(plate)
        self._mattes.clear()
        self._windows.clear()
        self._behind = np.ascontiguousarray(behind[self._square])

    @property
    def background(self) -> Pixels:
        """The photo without the person as far as the head's square reaches, (H, W, 3): for finding faults."""
        return self._with_square(self._behind)

    @property
    def matte(self) -> Pixels:
        """The share of the person in every pixel of the square, white for all of it, beside the square the photo in
        grey, (H, W, 3); for models without layers the photo in grey."""
        grey = _cv.cvtColor(_cv.cvtColor(self.photo, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB) // 3
        if PERSON not in self._plates:
            return np.asarray(grey, np.uint8)
        share = self._plates[PERSON][self._square][..., 3]
        return self._with_square(np.repeat(share[..., None], 3, axis=2), np.asarray(grey, np.uint8))

    def _with_square(self, square: Pixels, photo: Pixels | None = None) -> Pixels:
        """Return the photo, or another picture of its size, with something else in the head's square."""
        picture = (self.photo if photo is None else photo).copy()
        inside, place = self.inside()
        picture[place] = square[inside]
        return picture

    def square(self, parts: Parts) -> Pixels:
        """Return the head's square, (side, side, 3)."""
        side, window = self.box.side, self.window(parts.repair.shape[0])
        shares = planes(parts.shares) * window
        stay, painted, moving = 1 - window, window, []
        for number, (layer, share) in enumerate(zip(parts.candidates, shares, strict=True)):
            if layer.flow is None and layer.of == PHOTO:
                stay = stay + share
            elif number == 0 or share.max() > UNSEEN:
                moving.append((layer, share))
        ways = together([partial(_away, layer, window, side) for layer, _ in moving], self._threads)
        away = ways[0] if ways else None
        if away is not None and parts.candidates[0].of == PERSON:
            behind = (1 - window) * self._nobody(away)
            stay = stay - behind
            if self._above:
                beyond = self._beyond(away)
                painted = painted * (1 - beyond)
                shares[0] += beyond * (window - shares.sum(axis=0))
            shares[0] += behind
        readings = together(
            [
                partial(Reading, self._plates[layer.of], self._corner, away, share, side)
                for (layer, share), away in zip(moving, ways, strict=True)
            ],
            self._threads,
        )
        repair = parts.repair * (255 * painted[..., None])
        kept, added = together(
            [partial(enlarged, stay, side), partial(enlarged, repair, side)], self._threads
        )
        result = np.empty((side, side, 3), np.uint8)

        def strip(rows: slice) -> None:
            moved = np.zeros((rows.stop - rows.start, side, 4), np.float32)
            through = np.zeros(moved.shape[:2], np.float32)
            for reading in readings:
                reading.add_to(moved, through, rows)
            sum_ = _cv.cvtColor(moved, cv2.COLOR_RGBA2RGB)
            add_share(sum_, self._behind[rows], through * np.float32(1 / 255))
            add_share(sum_, self.own[rows], kept[rows])
            result[rows] = _cv.add(sum_, added[rows], dtype=cv2.CV_8U)

        together([partial(strip, rows) for rows in strips(side)], self._threads)
        return result

    def whole(self, parts: Parts) -> Pixels:
        """Return the photo with the head in it, (H, W, 3)."""
        picture = self.photo.copy()
        inside, place = self.inside()
        picture[place] = self.square(parts)[inside]
        return picture

    def change(self, parts: Parts) -> tuple[Place, Changes]:
        """Return where the photo changes, and by how much, int16 (h, w, 3)."""
        inside, place = self.inside()
        return place, self.square(parts)[inside].astype(np.int16) - self.photo[place]

    def inside(self) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """Return the part of the square that lies in the photo: in the square and in the photo."""
        of_square, of_photo = [], []
        for start, length in zip((self.box.top, self.box.left), self.photo.shape[:2], strict=True):
            low, high = max(start, 0), min(start + self.box.side, length)
            of_square.append(slice(low - start, high - start))
            of_photo.append(slice(low, high))
        return (of_square[0], of_square[1]), (of_photo[0], of_photo[1])

    def _nobody(self, away: Floats) -> Floats:
        """Return where nobody is now, (S, S) in [0, 1]; see networks/large_picture.py.

        Args:
            away: (S, S, 2), how far away who is there now is read, in pixels of the square.
        """
        size = len(away)
        places = away * np.float32(size / self.box.side) + pixel_places(size, size)
        person = _cv.remap(self._matte(size), places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        nobody: Floats = 1 - person
        return nobody

    def _beyond(self, away: Floats) -> Floats:
        """Return where a head is read from above the photo, and what is painted was meant for streaks, (S, S)."""
        size = len(away)
        scale = np.float32(size / self.box.side)
        reads = away[..., 1] * scale + np.arange(size, dtype=np.float32)[:, None]
        above = ((self._above - self._corner[1]) * scale - reads).clip(0, 1)
        beyond: Floats = _cv.blur(_cv.dilate(above, np.ones((PAINTED, PAINTED))), (PAINTED, PAINTED))
        return beyond

    def _matte(self, size: int) -> Floats:
        if size not in self._mattes:
            share = self._plates[PERSON][..., 3][self._square].astype(np.float32) * np.float32(1 / 255)
            self._mattes[size] = at_side(share, size, cv2.INTER_LINEAR)
        return self._mattes[size]

    def window(self, size: int) -> Floats:
        """Return how far each cell of the square is shown, (size, size) in [0, 1]: it fades into the photo."""
        if size not in self._windows:
            self._windows[size] = self._fading.window(
                size, self._matte(size) if PERSON in self._plates else None
            )
        return self._windows[size]


def _away(layer: Layer, window: Floats, side: int) -> Floats | None:
    """Return how far away a candidate is read, in pixels of the square, (S, S, 2); None where it is."""
    return None if layer.flow is None else displacements(layer.flow, window, side)
