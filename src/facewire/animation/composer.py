"""The fast composition: parts of a frame and the whole photo become the whole picture, on a CPU.

What networks/large_picture.py defines, in OpenCV: of everything tried on two cores (docs/lab) the only one that reads
a photo of 1024 pixels twice in the time of a frame. Pictures are bytes, coordinates are rounded to 1/32 of a pixel;
the result is within 1 of 255 of the reference on average over any frame's square, and within 8 at single pixels on
the sharpest edges.

Rows are put together in strips that fit into the cache, several at once; what has no share in a strip is not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facewire.base.processors import processors
from facewire.engines.parts import Layer, Parts
from facewire.face.crop import CropBox
from facewire.face.region import SquareRegion
from facewire.media.frame import Pixels
from facewire.networks.fading import Fading
from facewire.networks.sources import PERSON, PHOTO

Floats = NDArray[np.float32]
Changes = NDArray[np.int16]
Plate = NDArray[Any]
"""A photo as it is read: of bytes, or of a person's layer and matte."""
Place = tuple[slice, slice]
_cv: Any = cv2  # its stubs know neither scalars nor None nor which type comes out
STRIP_PIXELS = 1 << 15
"""Of a strip; with all that belongs to it about a megabyte."""
HIDDEN, SURE = 15, 0.05
"""Pixels around a person whose share of it, widened by that square, is above SURE show some of it, as
networks/compact/background.py has it."""
UNSEEN = 1 / 1024
"""Shares below this are not shown."""


@dataclass(frozen=True, slots=True, eq=False)
class Separated:
    """A photo in two layers, for models that move the person before a background that stands still.

    matte       (H, W) float32, share of the person in every pixel
    background  (H, W, 3), what stands behind, completed where the person hides it
    """

    matte: Floats
    background: Pixels

    def person(self, photo: Pixels) -> Changes:
        """Return the photo less what shines through from behind, and 255 times the matte: (H, W, 4) int16."""
        through = (1 - self.matte)[..., None] * self.background
        return np.dstack((np.rint(photo - through), np.rint(255 * self.matte))).astype(np.int16)


class Composer:
    """One photo and the square of one head in it; `own` is what the photo shows in the square, (side, side, 3).

    Args:
        photo: (H, W, 3).
        box: the head's square; it may reach beyond the photo.
        separated: the photo's layers, for models that read them, where they are known at its size; see `separate`.
        fading: where the picture fades into the photo; by default wherever the photo goes on beyond the square.
        threads: strips at once; None means all processors of this process.
    """

    def __init__(
        self,
        photo: Pixels,
        box: CropBox,
        *,
        separated: Separated | None = None,
        fading: Fading | None = None,
        threads: int | None = None,
    ) -> None:
        height, width = photo.shape[:2]
        self.photo, self.box = photo, box
        self._fading = fading or Fading.within(box.left, box.top, box.side, height, width)
        self._windows: dict[int, Floats] = {}
        self._mattes: dict[int, Floats] = {}
        self._threads = threads or processors()
        # A square that reaches beyond the photo sees its border repeated, as the crop does.
        around = _Around(box, height, width)
        self._corner = left, top = around.left, around.top
        self._square = slice(top, top + box.side), slice(left, left + box.side)
        self._plates: dict[str, Plate] = {PHOTO: around.cut(photo)}
        self.own: Pixels = self._plates[PHOTO][self._square]
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
        plate, side = self._plates[PHOTO], self.box.side
        hidden = np.clip(_cv.dilate(matte, np.ones((HIDDEN, HIDDEN))) / SURE, 0, 1)
        hides = _enlarged(np.ascontiguousarray(hidden, np.float32), side).clip(0, 1)[..., None]
        behind = plate.copy()
        behind[self._square] = np.rint(
            (1 - hides) * self.own + hides * _enlarged(background.astype(np.float32), side)
        ).clip(0, 255)
        rows, columns = self._square
        around = (
            rows.start,
            plate.shape[0] - rows.stop,
            columns.start,
            plate.shape[1] - columns.stop,
        )
        share = _cv.copyMakeBorder(_enlarged(matte, side).clip(0, 1), *around, cv2.BORDER_REPLICATE)
        layers = Separated(share, behind)
        self._plates[PERSON] = layers.person(plate)
        self._mattes.clear()
        self._behind = behind[self._square]

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
        share = self._plates[PERSON][self._square][..., 3].clip(0, 255).astype(np.uint8)
        return self._with_square(np.repeat(share[..., None], 3, axis=2), np.asarray(grey, np.uint8))

    def _with_square(self, square: Pixels, photo: Pixels | None = None) -> Pixels:
        """Return the photo, or another picture of its size, with something else in the head's square."""
        picture = (self.photo if photo is None else photo).copy()
        inside, place = self.inside()
        picture[place] = square[inside]
        return picture

    def square(self, parts: Parts) -> Pixels:
        """Return the head's square, (side, side, 3)."""
        side, window = self.box.side, self._window(parts.repair.shape[0])
        shares = parts.shares * window[..., None]
        stay = 1 - window
        first = parts.candidates[0] if parts.candidates else None
        if first is not None and first.of == PERSON and first.flow is not None:
            left = stay * self._left(first.flow, window)
            shares[..., 0] += left
            stay -= left
        readings = []
        for layer, share in zip(parts.candidates, np.moveaxis(shares, 2, 0), strict=True):
            if layer.flow is None and layer.of == PHOTO:
                stay += share
            else:
                behind = self._behind if layer.of == PERSON else None
                readings.append(_Reading(self._plates[layer.of], behind, layer, share, window, side))
        kept = _enlarged(stay, side)
        added = _enlarged(parts.repair * (255 * window[..., None]), side)
        result = np.empty((side, side, 3), np.uint8)

        def strip(rows: slice) -> None:
            sum_ = _cv.multiply(self.own[rows], _grey(kept[rows]), dtype=cv2.CV_32F)
            for reading in readings:
                reading.add_to(sum_, rows, self._corner)
            result[rows] = _cv.add(sum_, added[rows], dtype=cv2.CV_8U)

        _each(strip, list(_strips(side)), self._threads)
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

    def _left(self, flow: Floats, window: Floats) -> Floats:
        """Return where somebody was and is no longer, (S, S) in [0, 1]; see networks/large_picture.py."""
        size = len(window)
        if size not in self._mattes:
            share = self._plates[PERSON][..., 3][self._square].astype(np.float32) * np.float32(1 / 255)
            self._mattes[size] = _at_side(share, size, cv2.INTER_LINEAR)
        own = self._mattes[size]
        line = np.arange(size, dtype=np.float32)
        places = _displaced(flow, window, size)
        places[..., 0] += line
        places[..., 1] += line[:, None]
        now = _cv.remap(own, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        gone: Floats = own * (1 - now)
        return gone

    def _window(self, size: int) -> Floats:
        if size not in self._windows:
            self._windows[size] = self._fading.window(size)
        return self._windows[size]


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


class _Around:
    """The part of a photo that a square may read: one side of it in every direction, and whatever it lacks."""

    def __init__(self, box: CropBox, height: int, width: int) -> None:
        self._spans = [
            (
                max(0, min(start - box.side, length - 1)),
                min(length, max(start + 2 * box.side, 1)),
                length,
                start,
            )
            for start, length in ((box.top, height), (box.left, width))
        ]
        self._lacks = [
            (max(0, -start), max(0, start + box.side - length)) for _, _, length, start in self._spans
        ]
        (top, _, _, y), (left, _, _, x) = self._spans
        self.top, self.left = y - top + self._lacks[0][0], x - left + self._lacks[1][0]

    def cut(self, plate: Plate) -> Plate:
        """Return that part of a photo."""
        (top, bottom, *_), (left, right, *_) = self._spans
        part = plate[top:bottom, left:right]
        if any(map(any, self._lacks)):
            (above, below), (before, behind) = self._lacks
            part = _cv.copyMakeBorder(part, above, below, before, behind, cv2.BORDER_REPLICATE)
        whole: Plate = np.ascontiguousarray(part)
        return whole


class _Reading:
    """A candidate at the size of the square; `behind` is the square of what stands behind a person."""

    def __init__(
        self,
        plate: Plate,
        behind: Pixels | None,
        layer: Layer,
        share: Floats,
        window: Floats,
        side: int,
    ) -> None:
        self._plate, self._behind, self._side = plate, behind, side
        self._share = _enlarged(share, side)
        self._seen = share > UNSEEN
        self._moved = None if layer.flow is None else _moved(layer.flow, window, side)

    def add_to(self, sum_: Floats, rows: slice, corner: tuple[int, int]) -> None:
        """Add what the candidate shows in a strip."""
        columns = self._columns(rows)
        if columns.start == columns.stop:
            return
        shown = self._shown(rows, columns, corner)
        if self._behind is not None:
            through = _grey(1 - shown[..., 3] * np.float32(1 / 255))
            behind = _cv.multiply(self._behind[rows, columns], through, dtype=cv2.CV_32F)
            shown = _cv.add(shown[..., :3], behind, dtype=cv2.CV_32F)
        sum_[:, columns] += _cv.multiply(shown, _grey(self._share[rows, columns]), dtype=cv2.CV_32F)

    def _shown(self, rows: slice, columns: slice, corner: tuple[int, int]) -> Plate:
        left, top = corner
        if self._moved is None:
            return self._plate[top + rows.start : top + rows.stop, left + columns.start : left + columns.stop]
        places = self._moved[rows, columns] + _strip_grid(self._side)[: rows.stop - rows.start, columns]
        places = _cv.add(places, (left, top + rows.start, 0.0, 0.0))
        read: Plate = _cv.remap(self._plate, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return read

    def _columns(self, rows: slice) -> slice:
        """Return the columns of a strip in which the candidate is seen."""
        cells = self._seen.shape[0]
        first, last = rows.start * cells // self._side - 2, rows.stop * cells // self._side + 3
        seen = np.flatnonzero(self._seen[max(0, first) : last].any(axis=0))
        if not len(seen):
            return slice(0, 0)
        low, high = (int(seen[0]) - 2) * self._side // cells, (int(seen[-1]) + 3) * self._side // cells
        return slice(max(0, low), min(self._side, high))


def _moved(flow: Floats, window: Floats, side: int) -> Floats:
    """Return the faded displacements of a flow in pixels of the square, (side, side, 2)."""
    return _at_side(_displaced(flow, window, side), side, cv2.INTER_LINEAR)


def _displaced(flow: Floats, window: Floats, side: int) -> Floats:
    """Return the same in every cell of the window, (S, S, 2)."""
    cells = len(window)
    between = _between(len(flow), cells)
    scale = window * (side * (cells - 1) / (2 * cells))
    line = np.linspace(-1, 1, cells, dtype=np.float32)
    x = (between @ flow[..., 0] @ between.T - line) * scale
    y = (between @ flow[..., 1] @ between.T - line[:, None]) * scale
    moved: Floats = _cv.merge((x, y))
    return moved


@lru_cache(maxsize=4)
def _between(old: int, new: int) -> Floats:
    """Return the weights (new, old) of old cells in new ones when both reach from corner to corner."""
    places = np.arange(new)[:, None] * ((old - 1) / (new - 1))
    weights: Floats = np.maximum(0, 1 - np.abs(places - np.arange(old))).astype(np.float32)
    return weights


def _enlarged(maps: Floats, side: int) -> Floats:
    return _at_side(maps, side, cv2.INTER_CUBIC)


def _at_side(maps: Floats, side: int, filter_: int) -> Floats:
    """Return maps (S, S) or (S, S, C) at another size, as `networks.large_picture.resized`."""
    if side >= maps.shape[0]:
        larger: Floats = _cv.resize(np.ascontiguousarray(maps), (side, side), interpolation=filter_)
        return larger
    averages = _averages(maps.shape[0], side)
    rows = np.tensordot(averages, maps, (1, 0))
    return np.ascontiguousarray(np.tensordot(averages, rows, (1, 1)).swapaxes(0, 1), np.float32)


@lru_cache(maxsize=4)
def _averages(old: int, new: int) -> Floats:
    """Return the weights (new, old) of old cells in fewer new ones: a triangle over two new cells."""
    centre = (np.arange(new)[:, None] + 0.5) * (old / new)
    weights = np.maximum(0, 1 - np.abs(np.arange(old) + 0.5 - centre) * (new / old))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def _grey(share: Floats) -> Any:
    """Return a share for each of three channels."""
    return _cv.merge((share, share, share))


@lru_cache(maxsize=4)
def _strip_grid(side: int) -> Floats:
    """Return x and y of the first strip's pixels."""
    x, y = np.meshgrid(np.arange(side, dtype=np.float32), np.arange(_rows(side), dtype=np.float32))
    return np.stack((x, y), axis=-1)


def _rows(side: int) -> int:
    return max(1, STRIP_PIXELS // side)


def _strips(side: int) -> Iterable[slice]:
    rows = _rows(side)
    for start in range(0, side, rows):
        yield slice(start, min(start + rows, side))


def _each(work: Any, items: list[slice], threads: int) -> None:
    if threads == 1 or len(items) == 1:
        for item in items:
            work(item)
    else:
        list(_pool(threads).map(work, items))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="composer")
