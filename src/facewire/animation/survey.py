"""Pass 1 over a driving video: whose head, and where its square lies at any time.

    frames -> shots               a cut begins one, and so does a frame of another shape
           -> every fifth frame   faces, each followed: tracks
           -> people of a shot    tracks one after the other may be one person, tracks side by side are not
           -> the one asked for   a stretch a track, each with a square that stands, or follows a head that travels

Frames stream through; a few numbers a look are kept.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median  # that of numpy loads its masked arrays first

import numpy as np
from numpy.typing import NDArray

from facewire.base.errors import ConfigError, MediaError, NoFaceFound
from facewire.face.advice import missed, turned
from facewire.face.crop import FACE_SHARE, UNION_SHARE, CropBox, crop, crop_box_from_boxes
from facewire.face.finder import Face, FaceFinder, prominence
from facewire.face.relatives.framing import Framing, row_of
from facewire.media.frame import Frame, Pixels
from facewire.media.timing.beginning import beginning
from facewire.media.timing.cuts import CutDetector
from facewire.media.video import VideoReader

SURVEY_EVERY = 5
"""Every fifth frame of a shot is looked at, and its first and its last."""
SEARCH_EVERY = 10
"""Looks between two searches of the whole picture while somebody is followed: people come in."""
MOST_TRACKS = 6
"""Faces followed at once; more are a crowd."""
TOO_WIDE = 1.7
"""A standing square larger than this many times the head's own makes the square follow the head."""
SIZES = (0.35, 0.8)
"""So does a face whose height is a smaller or larger share of it."""
HELD_SHARE = 0.85
"""The part of a following square that its face may reach: it moves between two looks, too."""
FOLLOW_SECONDS = 0.6
"""Standard deviation of the smoothing of a following square."""
NEAR = 1.0
"""A face belongs to a track that was lost if it is not farther away than this many times its height."""
SAME_SIZE = 2.0
"""... and not larger or smaller by more than this."""
SAME_FACE = 0.5
"""Boxes that share this part of the smaller one are one face."""
SAME_SHAPE = 0.01
"""Relative difference of aspect up to which frames of another size go on with the shot."""

LIGHT_SIDE = 32
"""Pixels along a square whose brightness is measured."""

Progress = Callable[[str, int, int | None], None]
"""Called with the stage, the frames done and the frames expected."""


@dataclass(frozen=True, slots=True)
class CropPath:
    """Where the square is at any time; a single row stands still.

    times  (N,) seconds; rows (N, 3) left, top, side in pixels
    """

    times: np.ndarray
    rows: np.ndarray

    @property
    def following(self) -> bool:
        """True if the square moves."""
        return len(self.rows) > 1

    def at(self, time: float, scale: float = 1.0) -> CropBox:
        """Return the square at a time in seconds, in pixels `scale` times as small."""
        left, top, side = (scale * float(np.interp(time, self.times, column)) for column in self.rows.T)
        return CropBox(round(left), round(top), max(1, round(side)))


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a video in which one square goes with one head.

    start   seconds: frames later than this belong to it, up to the next stretch
    width   of the frames that the path is for, pixels
    path    None where there is no face
    light   usual brightness of the face, 0 to 255
    sure    from when to when the head was seen; a frame outside shows no face yet, or none any more
    """

    start: float
    width: int
    path: CropPath | None
    light: float
    sure: tuple[float, float]

    def shows(self, time: float) -> bool:
        """Say whether a frame can show the head."""
        return self.path is not None and self.sure[0] <= time <= self.sure[1]


@dataclass(frozen=True, slots=True)
class CropPlan:
    """The square of a whole video.

    stretches  in order of time, the first one from the beginning
    shots      how many of the shots show a face
    people     how many people the shot with most of them shows
    first      number of the first stretch
    """

    stretches: tuple[Stretch, ...]
    shots: int
    people: int
    first: int = 0

    @property
    def following(self) -> bool:
        """True if the square moves within a stretch."""
        return any(stretch.path is not None and stretch.path.following for stretch in self.stretches)

    def stretch(self, time: float) -> int:
        """Return the place in `stretches` of the one that a frame belongs to."""
        return max(0, bisect_left(self.stretches, time, key=lambda stretch: stretch.start) - 1)


def survey(
    finder: FaceFinder,
    video: str | Path,
    face: int,
    progress: Progress | None = None,
    until: float | None = None,
    framing: Framing | None = None,
) -> CropPlan:
    """Return where the square of a driving video lies.

    Args:
        finder: finds faces.
        video: any file that VideoReader takes.
        face: which person of each shot, the most prominent first; a shot with fewer people shows its last.
        progress: told after every frame.
        until: seconds after the first frame at which it ends; None is its end.
        framing: how squares are laid; None: as ours.

    Raises:
        MediaError: the video cannot be read.
        ConfigError: `face` is negative.
        NoFaceFound: no frame shows a face, or no shot so many.
    """
    surveyor = Surveyor(finder, video, face, framing)
    with VideoReader(video, own_sizes=True) as reader:
        for number, frame in enumerate(beginning(reader, until), start=1):
            surveyor.see(frame)
            if progress is not None:
                progress("finding the face", number, reader.frame_count)
    return surveyor.plan()


class Surveyor:
    """Takes the frames of a video in order and makes the plan.

    Args:
        finder: finds faces.
        video: its name, for error texts.
        face: which person, see `survey`.
        framing: how squares are laid; None: as ours.
    """

    def __init__(
        self, finder: FaceFinder, video: str | Path, face: int, framing: Framing | None = None
    ) -> None:
        if face < 0:
            raise ConfigError("driving face", face, "0 or more; 0 is the most prominent person")
        self._finder, self._video, self._face, self._framing = finder, video, face, framing
        self._cuts = CutDetector()
        self._shot: _Shot | None = None
        self._stretches: list[Stretch] = []
        self._shots = self.people = 0
        """How many shots show a face so far, and how many people at once at most."""
        self._first: Pixels | None = None
        self._example: tuple[Pixels, Face] | None = None
        """The first face that was seen, in its picture."""
        self._last = -np.inf

    def see(self, frame: Frame) -> None:
        """Take the next frame."""
        time = float(frame.time)
        cut = self._cuts.begins(frame.pixels)
        if self._shot is None or cut or not self._shot.fits(frame.pixels):
            self._close()
            self._shot = _Shot(self._finder, (self._last + time) / 2, frame.pixels, self._framing)
            self._first = frame.pixels if self._first is None else self._first
        self._shot.see(frame.pixels, time)
        self._last = time

    def plan(self) -> CropPlan:
        """Return the plan of the frames so far; nothing is taken after it.

        Raises:
            NoFaceFound: they show no face, or not so many people at once.
            MediaError: the head is not upright.
        """
        self._close()
        if not self.people or self._example is None:
            hint = "" if self._first is None else f"; {missed(self._finder, self._first)}"
            raise NoFaceFound(self._video, f"in no frame{hint}")
        if mend := turned(self._finder, *self._example):
            raise MediaError(self._video, mend)
        if self._face >= self.people:
            raise NoFaceFound(
                self._video, f"number {self._face}: at most {self.people} found, the first one is number 0"
            )
        return CropPlan(tuple(self._stretches), self._shots, self.people)

    def _close(self) -> None:
        if self._shot is None:
            return
        self._shot.finish()
        people = self._shot.people()
        self._example = self._example or self._shot.example
        self.people = max(self.people, len(people))
        self._shots += bool(people)
        tracks = people[min(self._face, len(people) - 1)] if people else []
        self._stretches += self._shot.stretches(tracks)
        self._shot = None


@dataclass(slots=True, eq=False)
class _Track:
    """One face through a shot: where it was, in pixels of the shot's first frame; `last` while it is followed."""

    last: Face | None = None
    times: list[float] = field(default_factory=list)
    boxes: list[tuple[float, ...]] = field(default_factory=list)
    squares: list[tuple[float, ...]] = field(default_factory=list)
    """Left, top and side at each look; empty where squares are laid as ours."""
    lights: list[float] = field(default_factory=list)
    weight: float = 0.0

    def near(self, box: tuple[float, ...]) -> float | None:
        """Return how many heights away a box is from where the face was seen last; None if it cannot be the same."""
        last = self.boxes[-1]
        heights = last[3] - last[1], box[3] - box[1]
        if max(heights) > SAME_SIZE * min(heights):
            return None
        return math.dist(_middle(last), _middle(box)) / max(heights)


class _Shot:
    """Follows the faces of one shot."""

    def __init__(
        self, finder: FaceFinder, start: float, first: Pixels, framing: Framing | None = None
    ) -> None:
        self._finder, self.start, self._framing = finder, start, framing
        self.height, self.width = first.shape[:2]
        self._size = self.height, self.width
        self._frames = self._looks = 0
        self._tracks: list[_Track] = []
        self._look_times: list[float] = []
        self._newest: tuple[Pixels, float] | None = None
        self.example: tuple[Pixels, Face] | None = None
        """The first face that was seen, in its picture."""

    def fits(self, pixels: Pixels) -> bool:
        """Say whether a frame has the shape of the shot."""
        height, width = pixels.shape[:2]
        return math.isclose(width * self.height, height * self.width, rel_tol=SAME_SHAPE)

    def see(self, pixels: Pixels, time: float) -> None:
        """Take the next frame, and look at every fifth."""
        self._newest = (pixels, time)
        if self._frames % SURVEY_EVERY == 0:
            self.finish()
        self._frames += 1

    def finish(self) -> None:
        """Look at the newest frame, unless that was done."""
        if self._newest is not None:
            self._look(*self._newest)
            self._newest = None

    def people(self) -> list[list[_Track]]:
        """Return the tracks of each person in order of time, the most prominent person first."""
        people: list[list[_Track]] = []
        for track in sorted(self._tracks, key=lambda track: -track.weight):
            for person in people:
                if all(_apart(track, other) for other in person):
                    person.append(track)
                    break
            else:
                people.append([track])
        return [sorted(person, key=lambda track: track.times[0]) for person in people]

    def stretches(self, tracks: Sequence[_Track]) -> list[Stretch]:
        """Return a stretch for each track, or one without a face."""
        if not tracks:
            return [Stretch(self.start, self.width, None, 0.0, (np.inf, -np.inf))]
        found = []
        start = self.start
        for number, track in enumerate(tracks):
            path = path_of(
                np.array(track.times),
                np.array(track.boxes),
                self.height,
                self.width,
                np.array(track.squares) if track.squares else None,
            )
            found.append(Stretch(start, self.width, path, median(track.lights), self._sure(track)))
            if number + 1 < len(tracks):
                start = (track.times[-1] + tracks[number + 1].times[0]) / 2
        return found

    def _sure(self, track: _Track) -> tuple[float, float]:
        """Return from when to when a track can be believed: not beyond it where a look saw nothing there."""
        begins = track.times[0] if track.times[0] > self._look_times[0] else -np.inf
        ends = track.times[-1] if track.times[-1] < self._look_times[-1] else np.inf
        return float(begins), float(ends)

    def _look(self, pixels: Pixels, time: float) -> None:
        scale = self.width / pixels.shape[1]
        followed = [track for track in self._tracks if track.last is not None]
        if pixels.shape[:2] != self._size:
            self._size = pixels.shape[:2]
            for track in followed:
                track.last = None
        for track in followed:
            if track.last is not None:
                self._add(track, self._finder.track(pixels, track.last), pixels, time, scale)
        self._drop_doubles()
        live = sum(track.last is not None for track in self._tracks)
        if live < max(1, len(followed)) or self._looks % SEARCH_EVERY == 0:
            self._search(pixels, time, scale)
        self._look_times = [*self._look_times[:1], time]
        self._looks += 1

    def _search(self, pixels: Pixels, time: float, scale: float) -> None:
        live = [track for track in self._tracks if track.last is not None]
        new = [
            face
            for face in self._finder.find(pixels)
            if not any(
                _shared(face.box, track.last.box) > SAME_FACE for track in live if track.last is not None
            )
        ]
        for face in new[: max(0, MOST_TRACKS - len(live))]:
            track = self._lost(face, scale, only=len(new) == 1)
            if track is None:
                track = _Track()
                self._tracks.append(track)
            self._add(track, face, pixels, time, scale)

    def _lost(self, face: Face, scale: float, *, only: bool) -> _Track | None:
        """Return the track that a new face goes on with: the nearest, or the only one that was lost just now."""
        box = tuple(scale * value for value in face.box)
        lost = [(track, track.near(box)) for track in self._tracks if track.last is None]
        possible = [(away, number) for number, (_, away) in enumerate(lost) if away is not None]
        if not possible:
            return None
        away, number = min(possible)
        just_now = [track for track, _ in lost if track.times[-1] == self._look_times[-1]]
        track = lost[number][0]
        return track if away <= NEAR or (only and just_now == [track]) else None

    def _add(self, track: _Track, face: Face | None, pixels: Pixels, time: float, scale: float) -> None:
        track.last = face
        if face is not None:
            self.example = self.example or (pixels, face)
            track.times.append(time)
            track.boxes.append(tuple(scale * value for value in face.box))
            if self._framing is not None:
                track.squares.append(row_of(face, self._framing, scale))
            square = crop_box_from_boxes(np.array([face.box]), *pixels.shape[:2])
            track.lights.append(light_of(crop(pixels, square, LIGHT_SIDE)))
            track.weight += scale**2 * prominence(face, *pixels.shape[:2])

    def _drop_doubles(self) -> None:
        """Forget a younger track that went over to a face which another one follows."""
        live = [track for track in self._tracks if track.last is not None]
        for number, track in enumerate(live):
            assert track.last is not None
            for older in live[:number]:
                if older.last is not None and _shared(track.last.box, older.last.box) > SAME_FACE:
                    track.last = None
                    track.times.pop()
                    track.boxes.pop()
                    del track.squares[-1:]
                    track.lights.pop()
                    break
        self._tracks = [track for track in self._tracks if track.times]


def light_of(square: Pixels) -> float:
    """Return the brightness of the face in a head crop, 0 to 255: the mean of its middle."""
    side = len(square)
    middle = square[round(0.3 * side) : round(0.75 * side), round(0.3 * side) : round(0.7 * side)]
    return float(middle.mean())


def path_of(
    times: NDArray[np.float64],
    boxes: NDArray[np.float64],
    height: int,
    width: int,
    squares: NDArray[np.float64] | None = None,
) -> CropPath:
    """Return the square of a head: standing if one holds it all the time, else following.

    Args:
        times: (N,) seconds.
        boxes: (N, 4) of its face: left, top, right, bottom in pixels.
        height: of the picture.
        width: of the picture.
        squares: (N, 3) left, top, side as another family lays them; None: as ours.
    """
    fixed = crop_box_from_boxes(boxes, height, width)
    stands = len(boxes) == 1 or _stands(boxes, fixed)
    if squares is not None:
        if stands:
            return CropPath(np.zeros(1), squares.mean(axis=0)[None])
        own = squares
    elif stands:
        return CropPath(np.zeros(1), np.array([_row(fixed)]))
    else:
        own = np.array([_row(crop_box_from_boxes(box[None], height, width)) for box in boxes])
    centred = own + own[:, 2:] * (0.5, 0.5, 0.0)
    smooth = _smoothed(times, centred)
    smooth[:, :2] -= smooth[:, 2:] / 2
    rows = [holding(row, box, height, width) for row, box in zip(smooth, boxes, strict=True)]
    return CropPath(times, np.array(rows))


def holding(
    row: NDArray[np.float64], box: NDArray[np.float64], height: int, width: int
) -> NDArray[np.float64]:
    """Return a square (left, top, side), moved and resized as little as possible so that it holds a face well, and
    inside the picture where that has room.

    Args:
        row: the square.
        box: of the face: left, top, right, bottom.
        height: of the picture.
        width: of the picture.
    """
    size = np.array((width, height))
    low, high = np.clip(box[:2], 0, size), np.clip(box[2:], 0, size)
    side = float(np.clip(row[2], (box[3] - box[1]) / SIZES[1], (box[3] - box[1]) / SIZES[0]))
    side = max(side, float((high - low).max()) / HELD_SHARE)
    margin = (1 - HELD_SHARE) / 2 * side
    start = row[:2] + (row[2] - side) / 2
    start = np.clip(start, high + margin - side, low - margin)
    start = np.clip(start, np.minimum(0, size - side), np.maximum(0, size - side))
    return np.array((*start, side))


def _row(square: CropBox) -> tuple[float, float, float]:
    return float(square.left), float(square.top), float(square.side)


def _stands(boxes: NDArray[np.float64], square: CropBox) -> bool:
    """Say whether a square can stand: it is not much larger than the head's own, and no face leaves it."""
    tall: NDArray[np.float64] = boxes[:, 3] - boxes[:, 1]
    wanted = float((boxes[:, 2:].max(axis=0) - boxes[:, :2].min(axis=0)).max()) / UNION_SHARE
    if max(wanted, square.side) > TOO_WIDE * median(tall.tolist()) / FACE_SHARE:
        return False
    if float(tall.min()) < SIZES[0] * square.side or float(tall.max()) > SIZES[1] * square.side:
        return False
    return wanted <= square.side + 1


def _smoothed(times: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return rows (N, C) averaged over neighbouring times with a Gaussian, row block by row block."""
    result = np.empty_like(rows)
    for index, time in enumerate(times):
        first, last = np.searchsorted(times, (time - 3 * FOLLOW_SECONDS, time + 3 * FOLLOW_SECONDS))
        near = slice(first, max(last, first + 1))
        weight = np.exp(-0.5 * ((times[near] - time) / FOLLOW_SECONDS) ** 2)
        result[index] = weight @ rows[near] / weight.sum()
    return result


def _middle(box: tuple[float, ...]) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _apart(one: _Track, other: _Track) -> bool:
    """Say whether two tracks do not overlap in time."""
    return one.times[-1] < other.times[0] or other.times[-1] < one.times[0]


def _shared(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Return the intersection of two boxes relative to the smaller one."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return max(0.0, width) * max(0.0, height) / smaller
