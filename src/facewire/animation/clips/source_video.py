"""A video as the source: every frame keeps its pose, background and light, and takes the chosen regions of a driver.

    pass 1  clip    -> square of the head -> own motion of every frame, and whether there is a head
            driver  -> motions at the clip's times
            both    -> the driver's changes on what is usual for the clip's person, in the chosen regions
    pass 2  every frame is its own photo -> whole picture      (animation/clips/video_edit.py)

What a region shows is the driver's alone, not the sum of both: lips that speak would else speak twice. The clip's
frame that looks most like all of them is where the driver's changes start from. Frames without a head stay as they
are. The result ends where the shorter of both ends.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import dropwhile, islice
from pathlib import Path

import numpy as np

from facewire.animation.animate import BEST, FIRST, AnimateOptions
from facewire.animation.animator import BATCH, Animator
from facewire.animation.driving import (
    NO_MOTION,
    RecordedMotion,
    head_square,
    held_rows,
    read_squares,
    rows_of,
)
from facewire.animation.reference import best_reference
from facewire.animation.strength import scaled
from facewire.animation.survey import CropPlan, Progress, survey
from facewire.animation.transfer import Face, Transfer
from facewire.base.batches import in_batches
from facewire.base.errors import ConfigError, MediaError
from facewire.face.crop import CropBox, crop
from facewire.geometry.arrays import Numbers, as_array, library, like
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.pose import orthonormal
from facewire.media.frame import Frame
from facewire.media.timing.beginning import beginning
from facewire.media.video import VideoReader

SUFFIXES = frozenset(
    {".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".wmv", ".ogv"}
)
"""Names of videos; whatever else is given as a source is a photo."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in seconds from the first frame on; None is the end of the file."""

    start: float = 0.0
    end: float | None = None

    def __post_init__(self) -> None:
        if not self.start >= 0 or (self.end is not None and not self.end > self.start):
            raise ConfigError(
                "from and to", f"{self.start:g} and {self.end}", "0 or more, and --to after --from"
            )

    @property
    def is_all(self) -> bool:
        """True if nothing is left out."""
        return self.start == 0 and self.end is None

    def holds(self, seconds: float) -> bool:
        """Return whether a moment lies in it."""
        return self.start <= seconds and (self.end is None or seconds < self.end)


ALL_OF_IT = Span()


@dataclass(frozen=True, eq=False)
class Clip:
    """A video that was read once: what its head does by itself, and where the head's square lies.

    path     the file
    plan     the squares
    read     (T) the motion of every frame as it was read; of frames without a head it means nothing
    seconds  T moments, from the first frame on
    present  which frames show the head
    rate     frames per second, exact
    size     width and height of what is shown at its own size
    first    number of the first of these frames
    """

    path: Path
    plan: CropPlan
    read: HeadMotion
    seconds: tuple[float, ...]
    present: tuple[bool, ...]
    rate: Fraction
    size: tuple[int, int]
    first: int = 0

    def __len__(self) -> int:
        return len(self.seconds)

    @cached_property
    def motions(self) -> HeadMotion:
        """(T) what the head does by itself; frames without it hold the motion before.

        Raises:
            NoFaceFound: no frame shows it.
        """
        return rows_of(self.read, held_rows(self.present, self.path, NO_MOTION))

    def part(self, span: Span, seconds: float = math.inf) -> Clip:
        """Return what lies in a span, and no more than so many seconds of it; the moments count from its beginning.

        Raises:
            MediaError: nothing does.
        """
        rows = [row for row, at in enumerate(self.seconds) if span.holds(at) and at - span.start < seconds]
        if not rows:
            raise _nothing(self.path, span)
        part = slice(rows[0], rows[-1] + 1)
        return replace(
            self,
            read=self.read[part],
            seconds=tuple(at - span.start for at in self.seconds[part]),
            present=self.present[part],
            first=self.first + rows[0],
        )

    def place(self, frame: Frame) -> CropBox:
        """Return where the head's square of a frame lies; in the middle where there is no head."""
        time, (width, height) = float(frame.time), frame.size
        stretch = self.plan.stretches[self.plan.stretch(time)]
        if stretch.path is None:
            return CropBox.middle(height, width)
        return stretch.path.at(time, width / stretch.width)


def is_video(path: str | Path) -> bool:
    """Return whether a source is named like a video."""
    return Path(path).suffix.lower() in SUFFIXES


def within(recorded: RecordedMotion, span: Span, name: str | Path) -> RecordedMotion:
    """Return the part of a recorded motion that lies in a span.

    Raises:
        MediaError: nothing lies in it.
    """
    if span.is_all:
        return recorded
    first = recorded.times[0]
    rows = [
        row for row, at in enumerate(recorded.times) if span.holds(float((at - first) * recorded.time_base))
    ]
    if not rows:
        raise _nothing(name, span)
    part = slice(rows[0], rows[-1] + 1)
    return replace(
        recorded,
        motions=recorded.motions[part],
        times=recorded.times[part],
        stretches=recorded.stretches[part],
        openness=None if recorded.openness is None else recorded.openness[part],
    )


def length(driver: RecordedMotion) -> float:
    """Return how long a recorded motion lasts, in seconds."""
    return float((driver.times[-1] - driver.times[0]) * driver.time_base + 1 / driver.rate)


def resampled(driver: RecordedMotion, seconds: Sequence[float]) -> HeadMotion:
    """Return the motions at other times, in seconds from its first frame on: between two frames, a share of each."""
    times = np.array([float((at - driver.times[0]) * driver.time_base) for at in driver.times])
    places = np.interp(seconds, times, np.arange(len(times)))
    low = np.floor(places).astype(int)
    high = np.minimum(low + 1, len(times) - 1)
    share = like((places - low).astype(np.float32), driver.motions.rotation)

    def between(part: Numbers) -> Numbers:
        weight = share.reshape(-1, *(1,) * (part.ndim - 1))
        return part[low] * (1 - weight) + part[high] * weight

    turned = between(driver.motions.rotation)
    rotation = orthonormal(library(turned).concatenate((turned[..., 0], turned[..., 1]), -1))
    return HeadMotion(rotation, between(driver.motions.translation), between(driver.motions.expression))


def usual(motions: HeadMotion) -> int:
    """Return the index of the motion whose expression is nearest to the median of all."""
    expressions = as_array(motions.expression)
    middle = np.sort(expressions, axis=0)[(len(expressions) - 1) // 2]
    return int(np.square(expressions - middle).sum((1, 2)).argmin())


def clip_motions(
    clip: Clip, driver: RecordedMotion, options: AnimateOptions, transfer: Transfer
) -> tuple[HeadMotion, int | None]:
    """Return what a clip's head does (T) as a driver moves, before sliders and angles, and the number of the driver's
    frame that is its reference.

    Raises:
        ConfigError: the reference is not best, first or a frame number.
    """
    rest = usual(clip.motions)
    base = clip.motions[rest : rest + 1]
    index = _reference(driver.motions, base, options) if options.relative else None
    first = None if index is None else driver.motions[index : index + 1]
    moved = transfer(resampled(driver, clip.seconds), first, base, options.regions, clip.motions)
    return scaled(moved, clip.motions, options.strength, options.strength), index


def clip_face(animator: Animator, clip: Clip) -> Face:
    """Return a clip's person as the frame shows it in which it looks most like itself."""
    with VideoReader(clip.path) as reader:
        frame = next(islice(reader, clip.first + usual(clip.motions), None))
    picture = crop(frame.pixels, clip.place(frame), animator.size)
    return Face(
        animator.canonical(picture),
        lambda: animator.identity(picture),
        lambda: like(animator.openness(picture), clip.read.rotation),
    )


def _reference(motions: HeadMotion, base: HeadMotion, options: AnimateOptions) -> int:
    if options.reference == BEST:
        return best_reference(motions, base)
    index = 0 if options.reference == FIRST else int(options.reference)
    if index >= len(motions):
        raise ConfigError(
            "reference", options.reference, f"best, first, or a frame from 0 to {len(motions) - 1}"
        )
    return index


def read_clip(
    animator: Animator,
    path: str | Path,
    *,
    face: int = 0,
    span: Span = ALL_OF_IT,
    progress: Progress | None = None,
) -> Clip:
    """Return what a video's head does by itself.

    Args:
        animator: whose networks read it.
        path: the video.
        face: which person, the most prominent first.
        span: the part that is read.
        progress: told after every batch.

    Raises:
        MediaError: it cannot be read, or nothing lies in the span.
        NoFaceFound: no frame shows a face, or none shows so many.
    """
    plan = survey(animator.finder, path, face, progress, framing=animator.framing)
    motions: list[HeadMotion] = []
    present: list[bool] = []
    seconds: list[float] = []
    numbers: list[int] = []
    with VideoReader(path) as reader:
        timed = (
            (number, frame, float(frame.time - reader.start_time))
            for number, frame in enumerate(beginning(reader, span.end))
        )
        wanted = dropwhile(lambda one: one[2] < span.start, timed)
        for batch in in_batches(wanted, BATCH):
            squares = [head_square(frame, plan, animator.size) for _, frame, _ in batch]
            numbers += [number for number, *_ in batch]
            motion, seen = read_squares(animator, squares)
            motions.append(motion)
            present += seen
            seconds += [at for *_, at in batch]
            if progress is not None:
                progress("reading the clip", len(seconds), reader.frame_count)
        rate, size = reader.rate, reader.size
    if not seconds:
        raise _nothing(path, span)
    return Clip(
        Path(path), plan, HeadMotion.cat(motions), tuple(seconds), tuple(present), rate, size, numbers[0]
    )


def _nothing(path: str | Path, span: Span) -> MediaError:
    return MediaError(path, f"has nothing from {span.start:g} s on: choose --from and --to inside it")
