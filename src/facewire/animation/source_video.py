"""A video as the source: every frame keeps its pose, background and light, and takes the chosen regions of a driver.

    pass 1  clip    -> square of the head -> own motion of every frame, and whether there is a head
            driver  -> motions at the clip's times
            both    -> the driver's changes on what is usual for the clip's person, in the chosen regions
    pass 2  every frame is its own photo -> whole picture -> file, with the clip's times

What a region shows is the driver's alone, not the sum of both: lips that speak would else speak twice. The clip's
frame that looks most like all of them is where the driver's changes start from. Frames without a head stay as they
are. The result ends where the shorter of both ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice, takewhile
from pathlib import Path

import numpy as np

from facewire.animation.animate import BEST, FIRST, AnimateOptions, AnimateReport, shaped, viewed
from facewire.animation.animator import BATCH, Animator
from facewire.animation.composer import Composer
from facewire.animation.driving import (
    NO_MOTION,
    RecordedMotion,
    head_square,
    held_rows,
    read_squares,
    rows_of,
)
from facewire.animation.person import OWN, Size, checked_size, head_alone, limited, whole
from facewire.animation.reference import best_reference
from facewire.animation.survey import CropPlan, Progress, survey
from facewire.animation.transfer import Face, Transfer, transfer_of
from facewire.base.batches import in_batches
from facewire.base.errors import ConfigError, MediaError
from facewire.face.crop import CropBox, crop
from facewire.geometry.arrays import Numbers, as_array, library, like
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.pose import orthonormal
from facewire.media.frame import Frame, Pixels
from facewire.media.video import VideoReader, opened_sink

SUFFIXES = frozenset(
    {".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".wmv", ".ogv"}
)
"""Names of videos; whatever else is given as a source is a photo."""

Place = Callable[[Frame], CropBox]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipOptions:
    """How the clip is taken and shown."""

    face: int = 0
    span: Span = ALL_OF_IT
    head: bool = False
    size: Size = None


@dataclass(frozen=True, slots=True)
class _Clip:
    """What pass 1 read.

    motions  (T) what the head does by itself
    seconds  T moments, from the span's beginning on
    present  which frames show the head
    """

    motions: HeadMotion
    seconds: list[float]
    present: list[bool]


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
        raise MediaError(name, f"has nothing from {span.start:g} s on: choose --from and --to inside it")
    part = slice(rows[0], rows[-1] + 1)
    return replace(
        recorded,
        motions=recorded.motions[part],
        times=recorded.times[part],
        stretches=recorded.stretches[part],
        openness=None if recorded.openness is None else recorded.openness[part],
    )


def edit_video(
    animator: Animator,
    clip: str | Path,
    driver: RecordedMotion,
    output: str | Path,
    options: AnimateOptions | None = None,
    shown: ClipOptions | None = None,
    *,
    audio_from: str | Path | None = None,
    audio_start: Fraction | None = None,
    progress: Progress | None = None,
) -> AnimateReport:
    """Write a clip in which a head does what a driver does.

    Args:
        animator: whose networks render.
        clip: the video to edit.
        driver: how the head moves, with its own times; the first frame of both is shown together.
        output: .mp4, .mov, .mkv, .webm or .gif; written atomically.
        options: how motion is carried over.
        shown: how the clip is taken and shown.
        audio_from: a file whose sound goes along.
        audio_start: see `VideoWriter`.
        progress: told after every frame.

    Raises:
        MediaError: the clip cannot be read, or holds nothing in the span.
        NoFaceFound: it shows no face.
        OutputError: the output cannot be written.
    """
    chosen, shown = options or AnimateOptions(), shown or ClipOptions()
    checked_size(shown.size)
    plan = survey(animator.finder, clip, shown.face, progress, framing=animator.framing)
    place = _placed(plan)
    own = _read(animator, clip, plan, shown.span, length(driver), progress)
    motions, reference = _wanted(own, driver, chosen, transfer_of(animator.foreign))
    if chosen.edit or chosen.keys:
        face = _face(animator, clip, place, shown.span, usual(own.motions))
        motions = shaped(animator.foreign, face, motions, chosen, own.seconds)
    else:
        motions = viewed(motions, chosen.view)
    begin = time.perf_counter()
    with VideoReader(clip) as reader:
        size = _size(reader, _first_side(plan), shown, animator.size)
        with opened_sink(
            output,
            size,
            reader.rate,
            audio_from=audio_from,
            audio_start=audio_start,
            crf=chosen.crf,
            overwrite=chosen.overwrite,
            synthetic=chosen.marked,
        ) as writer:
            for row, (frame, _) in zip(range(len(motions)), _in_span(reader, shown.span), strict=False):
                composer = _composer(frame.pixels, place(frame), shown, size)
                if own.present[row]:
                    small = crop(frame.pixels, place(frame), animator.size)
                    parts, layers = animator.frame_parts(small, motions[row : row + 1], kept=chosen.kept)
                    if layers is not None:
                        composer.separate(*layers)
                    picture = composer.square(parts) if shown.head else composer.whole(parts)
                else:
                    picture = composer.own if shown.head else composer.photo
                writer.write(Frame(chosen.finished(picture), frame.pts, frame.time_base))
                if progress is not None:
                    progress("rendering", row + 1, len(motions))
    seconds = time.perf_counter() - begin
    return AnimateReport(
        output=str(output),
        frames=len(motions),
        missing=own.present.count(False),
        problem=driver.problem,
        reference=reference,
        references=() if reference is None else (reference,),
        seconds=seconds,
        frames_per_second=len(motions) / seconds,
        width=size[0],
        height=size[1],
    )


def length(driver: RecordedMotion) -> float:
    """Return how long a recorded motion lasts, in seconds."""
    return float((driver.times[-1] - driver.times[0]) * driver.time_base + 1 / driver.rate)


def resampled(driver: RecordedMotion, seconds: list[float]) -> HeadMotion:
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


def _wanted(
    own: _Clip, driver: RecordedMotion, options: AnimateOptions, transfer: Transfer
) -> tuple[HeadMotion, int | None]:
    """Return the motions to show, and which of the driver's frames is its reference."""
    rest = usual(own.motions)
    base = own.motions[rest : rest + 1]
    index = _reference(driver.motions, base, options) if options.relative else None
    first = None if index is None else driver.motions[index : index + 1]
    moved = transfer(resampled(driver, own.seconds), first, base, options.regions, own.motions)
    return moved, index


def _face(animator: Animator, clip: str | Path, place: Place, span: Span, row: int) -> Face:
    """Return the clip's person as one frame shows it."""
    with VideoReader(clip) as reader:
        frame, _ = next(islice(_in_span(reader, span), row, None))
    picture = crop(frame.pixels, place(frame), animator.size)
    return Face(
        animator.canonical(picture),
        lambda: animator.identity(picture),
        lambda: animator.openness(picture),
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


def _placed(plan: CropPlan) -> Place:
    """Return what says where the head's square of a frame lies; in the middle where there is no head."""

    def place(frame: Frame) -> CropBox:
        time, (width, height) = float(frame.time), frame.size
        stretch = plan.stretches[plan.stretch(time)]
        if stretch.path is None:
            return CropBox.middle(height, width)
        return stretch.path.at(time, width / stretch.width)

    return place


def _first_side(plan: CropPlan) -> int:
    """Return the side of the first square that holds a head, pixels."""
    path = next(stretch.path for stretch in plan.stretches if stretch.path is not None)
    return path.at(float(path.times[0])).side


def _read(
    animator: Animator,
    clip: str | Path,
    plan: CropPlan,
    span: Span,
    seconds: float,
    progress: Progress | None,
) -> _Clip:
    """Return what the clip's head does by itself, as long as the driver lasts."""
    motions: list[HeadMotion] = []
    present: list[bool] = []
    at: list[float] = []
    with VideoReader(clip) as reader:
        moments = takewhile(lambda one: one[1] < seconds, _in_span(reader, span))
        for batch in in_batches(moments, BATCH):
            squares = [head_square(frame, plan, animator.size) for frame, _ in batch]
            motion, seen = read_squares(animator, squares)
            motions.append(motion)
            present += seen
            at += [moment for _, moment in batch]
            if progress is not None:
                progress("reading the clip", len(at), reader.frame_count)
    if not at:
        raise MediaError(clip, f"has nothing from {span.start:g} s on: choose --from and --to inside it")
    rows = held_rows(present, clip, NO_MOTION)
    return _Clip(rows_of(HeadMotion.cat(motions), rows), at, present)


def _in_span(reader: VideoReader, span: Span) -> Iterator[tuple[Frame, float]]:
    """Yield the frames of a span, with the seconds since its beginning."""
    first: Fraction | None = None
    for frame in reader:
        first = frame.time if first is None else first
        seconds = float(frame.time - first)
        if span.end is not None and seconds >= span.end:
            return
        if span.holds(seconds):
            yield frame, seconds - span.start


def _size(reader: VideoReader, side: int, shown: ClipOptions, usual_side: int) -> tuple[int, int]:
    """Return width and height of what is shown."""
    if not shown.head:
        return limited(*reader.size, shown.size)
    length_ = side if shown.size == OWN else int(shown.size or usual_side)
    return length_, length_


def _composer(pixels: Pixels, box: CropBox, shown: ClipOptions, size: tuple[int, int]) -> Composer:
    if shown.head:
        return head_alone(pixels, box, size[0], size[0])
    return whole(pixels, box, shown.size)
