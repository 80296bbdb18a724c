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
from facewire.engines.parts import Parts
from facewire.face.crop import CropBox
from facewire.face.region import SquareRegion
from facewire.media.frame import Pixels
from facewire.networks.fading import Fading
from facewire.networks.sources import PERSON, PHOTO

Floats = NDArray[np.float32]
Changes = NDArray[np.int16]
Plate = NDArray[np.uint8]
"""A photo as it is read, (H, W, 4): colours, and how much of what stands behind they hide."""
Place = tuple[slice, slice]
_cv: Any = cv2  # its stubs know neither scalars nor None nor which type comes out
STRIP_PIXELS = 1 << 17
"""Of a strip; with all that belongs to it some megabytes. Shorter ones wait for each other at every step."""
ROUND = 0.36
"""Radius of a head's outline at its top, of the square's side."""
PAINTED = 7
"""Side, in cells, of the squares around what is read from above the photo in which nothing is painted."""
HIDDEN, SURE = 15, 0.05
"""Pixels around a person whose share of it, widened by that square, is above SURE show some of it, as
networks/compact/background.py has it."""
UNSEEN = 1 / 1024
"""Shares below this are not shown."""


@dataclass(frozen=True, slots=True, eq=False)
class Separated:
    """A photo in two layers, for models that move the person before a background that stands still.

    matte       (H, W) float32, share of the person in every pixel; at least so much that nothing of the photo is
                darker than what shines through
    background  (H, W, 3), what stands behind, completed where the person hides it
    """

    matte: Floats
    background: Pixels

    @classmethod
    def of(cls, photo: Pixels, matte: Floats, background: Pixels) -> Separated:
        """Return the layers of a photo; the matte grows where the photo is darker than it can be.

        Dark hair before a bright wall is that: there the photo knows the matte better than the network does.
        """
        brightest = np.maximum(background, 1).astype(np.float32)
        dark = 1 - (photo / brightest).min(axis=2)
        return cls(np.maximum(matte, dark, dtype=np.float32), background)

    def person(self, photo: Pixels) -> Plate:
        """Return the photo less what shines through from behind, and 255 times the matte: (H, W, 4)."""
        through = (1 - self.matte)[..., None] * self.background
        return np.dstack((np.rint(photo - through), np.rint(255 * self.matte))).clip(0, 255).astype(np.uint8)


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
        around = _Around(box, height, width, box.side // 3 if capped else 0)
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
        share[: self._above] *= _cap(share[self._above], self._above, self.box.side)
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
        stay, painted, readings = 1 - window, window, []
        for number, (layer, share) in enumerate(zip(parts.candidates, _planes(parts.shares), strict=True)):
            share = share * window
            if layer.flow is None and layer.of == PHOTO:
                stay = stay + share
                continue
            if number and share.max() <= UNSEEN:
                continue
            away = None if layer.flow is None else _away(layer.flow, window, side)
            if number == 0 and away is not None and layer.of == PERSON:
                behind = stay * self._nobody(away)
                share, stay = share + behind, stay - behind
                if self._above:
                    beyond = self._beyond(away)
                    painted = painted * (1 - beyond)
                    share = share + beyond * window * (1 - parts.shares.sum(axis=2))
            readings.append(_Reading(self._plates[layer.of], away, share, side))
        kept = _enlarged(stay, side)
        added = _enlarged(parts.repair * (255 * painted[..., None]), side)
        result = np.empty((side, side, 3), np.uint8)

        def strip(rows: slice) -> None:
            moved = np.zeros((rows.stop - rows.start, side, 4), np.float32)
            through = np.zeros(moved.shape[:2], np.float32)
            for reading in readings:
                reading.add_to(moved, through, rows, self._corner)
            through = _cv.scaleAdd(_cv.extractChannel(moved, 3), -1 / 255, through)
            sum_ = _cv.cvtColor(moved, cv2.COLOR_RGBA2RGB)
            _add_share(sum_, self._behind[rows], through)
            _add_share(sum_, self.own[rows], kept[rows])
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

    def _nobody(self, away: Floats) -> Floats:
        """Return where nobody is now, (S, S) in [0, 1]; see networks/large_picture.py.

        Args:
            away: (S, S, 2), how far away who is there now is read, in pixels of the square.
        """
        size = len(away)
        places = away * np.float32(size / self.box.side) + _pixels(size, size)
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
            self._mattes[size] = _at_side(share, size, cv2.INTER_LINEAR)
        return self._mattes[size]

    def window(self, size: int) -> Floats:
        """Return how far each cell of the square is shown, (size, size) in [0, 1]: it fades into the photo."""
        if size not in self._windows:
            self._windows[size] = self._fading.window(
                size, self._matte(size) if PERSON in self._plates else None
            )
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
    """The part of a photo that a square may read: one side of it in every direction, and whatever it lacks.

    Where that reaches the photo's upper border, `more` rows above it, too; with them everything beyond is mirrored.
    """

    def __init__(self, box: CropBox, height: int, width: int, more: int = 0) -> None:
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
        self._border = cv2.BORDER_REFLECT_101 if more else cv2.BORDER_REPLICATE
        (top, _, _, y), (left, _, _, x) = self._spans
        above, below = self._lacks[0]
        self._lacks[0] = above + (more if top == 0 else 0), below
        self.above = self._lacks[0][0]
        """Rows above the photo."""
        self.top, self.left = y - top + self._lacks[0][0], x - left + self._lacks[1][0]

    def cut(self, plate: Plate) -> Plate:
        """Return that part of a photo."""
        (top, bottom, *_), (left, right, *_) = self._spans
        part = plate[top:bottom, left:right]
        if any(map(any, self._lacks)):
            (above, below), (before, behind) = self._lacks
            part = _cv.copyMakeBorder(part, above, below, before, behind, self._border)
        whole: Plate = np.ascontiguousarray(part)
        return whole


class _Reading:
    """A candidate at the size of the square; `away` is how far away cells are read, in pixels of it."""

    def __init__(self, plate: Plate, away: Floats | None, share: Floats, side: int) -> None:
        self._plate, self._side = plate, side
        self._share = _enlarged(share, side)
        self._seen = share > UNSEEN
        self._away = None if away is None else _at_side(away, side, cv2.INTER_LINEAR)

    def add_to(self, sum_: Floats, shares: Floats, rows: slice, corner: tuple[int, int]) -> None:
        """Add what the candidate shows in a strip, (rows, side, 4), and its share, (rows, side)."""
        columns = self._columns(rows)
        if columns.start == columns.stop:
            return
        share = self._share[rows, columns]
        part = np.ascontiguousarray(sum_[:, columns])
        _add_share(part, self._shown(rows, columns, corner), share)
        sum_[:, columns] = part
        shares[:, columns] += share

    def _shown(self, rows: slice, columns: slice, corner: tuple[int, int]) -> Plate:
        left, top = corner
        if self._away is None:
            return self._plate[top + rows.start : top + rows.stop, left + columns.start : left + columns.stop]
        here = _pixels(_rows(self._side), self._side)[: rows.stop - rows.start, columns]
        places = _cv.add(self._away[rows, columns], here)
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


def _away(flow: Floats, window: Floats, side: int) -> Floats:
    """Return the faded displacements of a flow in pixels of the square, in every cell of the window, (S, S, 2)."""
    cells = len(window)
    scale = window * np.float32(side * (cells - 1) / (2 * cells))
    places = _between(_between(flow, cells), cells, axis=1)
    away: Floats = (places - _corner_to_corner(cells)) * scale[..., None]
    return away


def _between(flow: Floats, cells: int, axis: int = 0) -> Floats:
    """Return a flow at another number of cells along an axis, linearly, both reaching from corner to corner."""
    first, share = _places(flow.shape[axis], cells)
    share = share.reshape((-1, 1) if axis else (-1, 1, 1))
    low = flow.take(first, axis)
    between: Floats = low + (flow.take(first + 1, axis) - low) * share
    return between


@lru_cache(maxsize=4)
def _places(old: int, new: int) -> tuple[NDArray[np.intp], Floats]:
    """Return between which old cells new ones lie: the first of the two, and the share of the second."""
    places = np.arange(new) * ((old - 1) / (new - 1))
    first = np.minimum(places.astype(np.intp), old - 2)
    return first, (places - first).astype(np.float32)


@lru_cache(maxsize=4)
def _corner_to_corner(cells: int) -> Floats:
    """Return where cells are read that nothing moves, (cells, cells, 2)."""
    line = np.linspace(-1, 1, cells, dtype=np.float32)
    return np.stack(np.broadcast_arrays(line, line[:, None]), axis=-1)


def _enlarged(maps: Floats, side: int) -> Floats:
    return _at_side(maps, side, cv2.INTER_CUBIC)


def _at_side(maps: Floats, side: int, filter_: int) -> Floats:
    """Return maps (S, S) or (S, S, C) at another size, as `networks.large_picture.resized`."""
    if side >= maps.shape[0]:
        larger: Floats = _cv.resize(np.ascontiguousarray(maps), (side, side), interpolation=filter_)
        return larger
    return np.ascontiguousarray(_averaged(_averaged(maps, side, 0), side, 1))


def _averaged(maps: Floats, side: int, axis: int) -> Floats:
    """Return maps with fewer cells along an axis.

    Few weights are not 0, and a product of matrices would wake threads, which on a busy machine costs ten times more.
    """
    first, weights = _averages(maps.shape[axis], side)
    shape = [side if place == axis else 1 for place in range(maps.ndim)]
    averaged: Floats = maps.take(first, axis) * weights[0].reshape(shape)
    for tap, weight in enumerate(weights[1:], start=1):
        averaged += maps.take(np.minimum(first + tap, maps.shape[axis] - 1), axis) * weight.reshape(shape)
    return averaged


@lru_cache(maxsize=4)
def _averages(old: int, new: int) -> tuple[NDArray[np.intp], Floats]:
    """Return which old cell is the first in each of fewer new ones (new), and the weights of it and those after it,
    (taps, new): a triangle over two new cells."""
    centre = (np.arange(new)[:, None] + 0.5) * (old / new)
    weights = np.maximum(0, 1 - np.abs(np.arange(old) + 0.5 - centre) * (new / old))
    weights /= weights.sum(axis=1, keepdims=True)
    first = (weights > 0).argmax(axis=1)
    taps = np.arange(int((weights > 0).sum(axis=1).max()))[:, None]
    there = first + taps < old
    held = weights[np.arange(new), np.minimum(first + taps, old - 1)] * there
    return first, np.asarray(held, np.float32)


def _cap(border: Floats, rows: int, side: int) -> Floats:
    """Return what a round head shows of itself above a row that cuts it, (rows, W) in [0, 1].

    Args:
        border: (W,), share of the person in that row, the first below the rows.
        rows: how many.
        side: of the head's square, pixels.
    """
    cut = np.flatnonzero(border > 0.5)
    if not len(cut):
        return np.zeros((rows, len(border)), np.float32)
    radius = ROUND * side
    half, middle = min((len(cut) + 1) / 2, radius), (cut[0] + cut[-1]) / 2
    above = np.arange(rows, 0, -1)[:, None] + np.sqrt(radius**2 - half**2)
    inside = radius - np.hypot(np.arange(len(border)) - middle, above)
    return np.asarray((inside / 2 + 0.5).clip(0, 1), np.float32)


def _planes(maps: Floats) -> Floats:
    """Return maps (S, S, N) one behind the other, (N, S, S)."""
    return np.ascontiguousarray(np.moveaxis(maps, 2, 0))


def _add_share(sum_: Floats, picture: Pixels, share: Floats) -> None:
    """Add a share (H, W) of a picture (H, W, C) to a sum, (H, W, C) contiguous."""
    _cv.accumulateProduct(picture.astype(np.float32), _cv.merge((share,) * picture.shape[2]), sum_)


@lru_cache(maxsize=8)
def _pixels(rows: int, columns: int) -> Floats:
    """Return x and y of pixels, (rows, columns, 2)."""
    x, y = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
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
