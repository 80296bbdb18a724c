"""From a driving video to motions: find the head, cut one square, read R, t and delta of every frame.

    pass 1  every few frames  -> faces -> squares of every shot   (animation/survey.py; skipped with crop "none")
    pass 2  every frame       -> square, lit -> face there? -> motion, or the one before

Frames stream through; only 66 numbers a frame are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facewire.animation.animator import BATCH, Animator, Pixels
from facewire.animation.survey import CropPlan, Progress, light_of, survey
from facewire.base.batches import in_batches
from facewire.base.errors import ConfigError, MediaError, NoFaceFound
from facewire.face.crop import CropBox, crop
from facewire.geometry.head_motion import HeadMotion
from facewire.media.frame import Frame
from facewire.media.image import resize
from facewire.media.timing.beginning import beginning
from facewire.media.video import VideoReader

UNCROPPED = "in no frame, each taken as a square crop of a head; without --crop none the head is looked for"
NO_MOTION = "in no frame a face that can be read; use a video in which it is larger and seen from the front"
"""What to do about a video in which no frame shows a face."""
DIM, DARK = 0.75, 0.5
"""Brightness of a face relative to its usual one below which it is lit up a little, and wholly: in a fade the
networks read another expression than in the light."""


@dataclass(frozen=True, slots=True)
class HeadSquare:
    """A frame's head crop.

    picture  (S, S, 3) as it is
    lit      (S, S, 3) the same with the brightness that the face has most of the time: what motion is read from
    frame    (H, W, 3) what it is cut from
    box      where; None where the frame as a whole is the square
    stretch  number of the stretch of the video that it belongs to
    shows    False where the survey saw that no head is there
    """

    picture: Pixels
    lit: Pixels
    frame: Pixels
    box: CropBox | None = None
    stretch: int = 0
    shows: bool = True

    @property
    def own_side(self) -> int:
        """How many pixels of the frame the square is wide."""
        return min(self.frame.shape[:2]) if self.box is None else self.box.side

    def at(self, side: int) -> Pixels:
        """Return the crop at another size, (side, side, 3), cut from the frame itself."""
        if side == len(self.picture):
            return self.picture
        if self.box is None:
            return resize(self.frame, (side, side))
        return crop(self.frame, self.box, side)


@dataclass(frozen=True, slots=True)
class RecordedMotion:
    """The motions of a clip with its time.

    motions    (T)
    times      T presentation times in units of `time_base`
    rate       frames per second, exact
    missing    frames without a face, which hold the motion before
    following  True if the square followed the head
    stretches  (T) number of the stretch that each motion comes from; in each, relative motion has its own reference
    shots      how many shots show a face
    people     how many people are seen at once
    problem    why it ends before its file says, "" if it does not
    openness   (T, 3) how far left eye, right eye and lips are open, where that was measured
    """

    motions: HeadMotion
    times: tuple[int, ...]
    time_base: Fraction
    rate: Fraction
    missing: int = 0
    following: bool = False
    stretches: tuple[int, ...] = ()
    shots: int = 1
    people: int = 1
    problem: str = ""
    openness: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.times)

    @property
    def seconds(self) -> list[float]:
        """Return when each frame is shown, in seconds from the first one on."""
        return [float((at - self.times[0]) * self.time_base) for at in self.times]


def record(
    animator: Animator,
    video: str | Path,
    *,
    crop_mode: str = "auto",
    face: int = 0,
    progress: Progress | None = None,
    until: float | None = None,
    measured: bool = False,
) -> RecordedMotion:
    """Return the motions of a driving video.

    Args:
        animator: whose networks read them.
        video: any file that VideoReader takes.
        crop_mode: "auto" finds and cuts the head; "none" takes frames that are square head crops already.
        face: which person, the most prominent first.
        progress: told after every batch.
        until: seconds after the first frame at which it ends; None is its end.
        measured: measures eyes and lips, too; takes longer.

    Raises:
        MediaError: the video cannot be read or has no frame.
        NoFaceFound: no frame shows a face, or none shows so many.
    """
    plan = plan_of(animator, video, crop_mode, face, progress, until)
    times: list[int] = []
    motions: list[HeadMotion] = []
    presence: list[bool] = []
    stretches: list[int] = []
    open_: list[NDArray[np.float32]] = []
    with VideoReader(video, own_sizes=True) as reader:
        for frames in in_batches(beginning(reader, until), BATCH):
            squares = [head_square(frame, plan, animator.size) for frame in frames]
            motion, present = read_squares(animator, squares)
            motions.append(motion)
            presence += present
            if measured:
                open_ += [
                    animator.openness(square.lit) if seen else np.zeros(3, np.float32)
                    for square, seen in zip(squares, present, strict=True)
                ]
            stretches += [square.stretch for square in squares]
            times += [frame.pts for frame in frames]
            time_base = frames[0].time_base
            if progress is not None:
                progress("reading motion", len(times), reader.frame_count)
        rate, problem = reader.rate, "the video is cut off" if reader.truncated else ""
    if not times:
        raise MediaError(video, "has no frames")
    rows = held_rows(presence, video, UNCROPPED if crop_mode == "none" else NO_MOTION)
    return RecordedMotion(
        rows_of(HeadMotion.cat(motions), rows),
        tuple(times),
        time_base,
        rate,
        presence.count(False),
        plan is not None and plan.following,
        tuple(stretches[row] for row in rows),
        1 if plan is None else plan.shots,
        1 if plan is None else plan.people,
        problem,
        np.stack(open_)[rows] if measured else None,
    )


def plan_of(
    animator: Animator,
    video: str | Path,
    crop_mode: str,
    face: int,
    progress: Progress | None = None,
    until: float | None = None,
) -> CropPlan | None:
    """Return where the square of a video lies; None if its frames are head crops already.

    Raises:
        ConfigError: the crop mode is unknown.
    """
    if crop_mode not in ("auto", "none"):
        raise ConfigError("crop", crop_mode, "auto or none")
    if crop_mode == "none":
        return None
    return survey(animator.finder, video, face, progress, until, animator.framing)


def driving_squares(video: str | Path, animator: Animator, crop_mode: str, face: int) -> Iterator[Pixels]:
    """Yield the head crops of a driving video again, for showing beside the result."""
    plan = plan_of(animator, video, crop_mode, face)
    with VideoReader(video, own_sizes=True) as reader:
        for frame in reader:
            yield head_square(frame, plan, animator.size).picture


def head_square(frame: Frame, plan: CropPlan | None, size: int) -> HeadSquare:
    """Return the head crop of a frame; where there is no head, the largest square in the middle of the frame."""
    if plan is None:
        picture = resize(frame.pixels, (size, size))
        return HeadSquare(picture, picture, frame.pixels)
    time, (width, height) = float(frame.time), frame.size
    place = plan.stretch(time)
    stretch, number = plan.stretches[place], plan.first + place
    if stretch.path is None:
        box = CropBox.middle(height, width)
        picture = crop(frame.pixels, box, size)
        return HeadSquare(picture, picture, frame.pixels, box, number, shows=False)
    box = stretch.path.at(time, width / stretch.width)
    picture = crop(frame.pixels, box, size)
    shows = stretch.shows(time)
    return HeadSquare(picture, lit(picture, stretch.light), frame.pixels, box, number, shows)


def lit(square: Pixels, usual: float) -> Pixels:
    """Return a head crop whose face has its usual brightness if it is in the dark, else the crop itself."""
    share = max(light_of(square), 1.0) / max(usual, 1.0)
    if share >= DIM:
        return square
    part = min(1.0, (DIM - share) / (DIM - DARK))
    return np.asarray((square * (1 + part * (1 / share - 1))).clip(0, 255), np.uint8)


def read_squares(animator: Animator, squares: Sequence[HeadSquare]) -> tuple[HeadMotion, list[bool]]:
    """Return the motion of head crops, and whether each shows a face."""
    motion, present = animator.read([square.lit for square in squares])
    return motion, [seen and square.shows for seen, square in zip(present, squares, strict=True)]


def held_rows(presence: Iterable[bool], name: str | Path, hint: str) -> list[int]:
    """Return for every frame the number of the frame whose motion it takes: its own, or where there is none the one
    before; at the start the first one.

    Raises:
        NoFaceFound: none is present.
    """
    shown = list(presence)
    if not any(shown):
        raise NoFaceFound(name, hint)
    last = shown.index(True)
    rows = []
    for position, present in enumerate(shown):
        last = position if present else last
        rows.append(last)
    return rows


def rows_of(motions: HeadMotion, rows: Sequence[int]) -> HeadMotion:
    """Return some of the motions, in any order."""
    return motions[list(rows)]
