"""The main job: a photo and a driving video (or a recorded motion) become a video.

photo   -> Person                                            once
driving -> RecordedMotion                                    one or two streaming passes
RecordedMotion -> relative to the best reference -> turned   per frame
               -> render -> (beside source and driver) -> VideoWriter, with the driver's times and sound
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from facewire.animation.animator import BATCH, Animator, Person, Pixels
from facewire.animation.driving import Progress, RecordedMotion, driving_squares
from facewire.animation.reference import best_reference
from facewire.animation.view import ViewPath
from facewire.base.batches import in_batches
from facewire.base.errors import ConfigError
from facewire.geometry.head_motion import HeadMotion
from facewire.media.frame import Frame
from facewire.media.video import VideoWriter

FIRST = "first"
BEST = "best"
OWN_VIEW = ViewPath()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimateOptions:
    """How motion is carried over and shown."""

    relative: bool = True
    """The source's own pose and expression plus the driver's changes; False takes the driver's as they are."""
    reference: str = BEST
    """Which driving frame corresponds to the source in relative motion: best, first, or a frame number."""
    view: ViewPath = OWN_VIEW
    """Offsets that the receiver adds to the driver's pose."""
    kept: int | None = None
    """Keypoints used of the ordered list; None means all."""
    crf: int = 18
    """Quality of the output, 0 (best) to 51."""
    overwrite: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimateReport:
    """What was done."""

    output: str
    frames: int
    missing: int
    """Frames without a face; they hold the motion before."""
    problem: str
    """Why the motion ends before its file says, "" if it does not."""
    reference: int | None
    """Index of the driving frame taken as the source's own; None for absolute motion."""
    seconds: float
    """Of rendering and writing."""
    frames_per_second: float


def animate(
    animator: Animator,
    person: Person,
    recorded: RecordedMotion,
    output: str | Path,
    options: AnimateOptions | None = None,
    *,
    audio_from: str | Path | None = None,
    beside: Iterator[Pixels] | None = None,
    progress: Progress | None = None,
) -> AnimateReport:
    """Render a person in a recorded motion into a video file.

    Args:
        animator: whose networks render.
        person: who.
        recorded: how, with its times.
        output: .mp4, .mov, .mkv, .webm or .gif; written atomically.
        options: how the motion is carried over.
        audio_from: a file whose sound goes along.
        beside: driving pictures to show between source and result, one per frame.
        progress: told after every batch.

    Raises:
        OutputError: the output cannot be written.
    """
    chosen = options or AnimateOptions()
    motions, reference = transferred(recorded.motions, person.identity.motion, chosen)
    motions = viewed(motions, chosen.view)
    size = animator.size if beside is None else 3 * animator.size
    begin = time.perf_counter()
    with VideoWriter(
        output,
        (size, animator.size),
        recorded.rate,
        audio_from=audio_from,
        crf=chosen.crf,
        overwrite=chosen.overwrite,
    ) as writer:
        for rows in in_batches(range(len(motions)), BATCH):
            pictures = animator.render_batch(person, motions[rows[0] : rows[-1] + 1], kept=chosen.kept)
            for row, picture in zip(rows, pictures, strict=True):
                shown = picture if beside is None else np.hstack((person.picture, next(beside), picture))
                writer.write(Frame(np.ascontiguousarray(shown), recorded.times[row], recorded.time_base))
            if progress is not None:
                progress("rendering", rows[-1] + 1, len(motions))
    seconds = time.perf_counter() - begin
    return AnimateReport(
        output=str(output),
        frames=len(motions),
        missing=recorded.missing,
        problem=recorded.problem,
        reference=reference,
        seconds=seconds,
        frames_per_second=len(motions) / seconds,
    )


def beside_frames(video: str | Path, animator: Animator, *, crop_mode: str, face: int) -> Iterator[Pixels]:
    """Yield the driving head crops again, for `animate(beside=...)`."""
    return driving_squares(video, animator, crop_mode, face)


def transferred(
    motions: HeadMotion, source: HeadMotion, options: AnimateOptions
) -> tuple[HeadMotion, int | None]:
    """Return the motions to render and the index of the reference frame (None for absolute motion).

    Raises:
        ConfigError: the reference is not best, first or a frame number.
    """
    if not options.relative:
        return motions, None
    index = _reference(motions, source, options.reference)
    return motions.relative(motions[index : index + 1], source), index


def viewed(motions: HeadMotion, view: ViewPath) -> HeadMotion:
    """Return the motions turned along a view path."""
    if view.is_still:
        return motions
    steps = max(1, len(motions) - 1)
    turns = torch.stack([view.rotation(index / steps) for index in range(len(motions))])
    return motions.turned_at_neck(turns.to(motions.rotation.device))


def still(person: Person, frames: int, rate: Fraction = Fraction(25)) -> RecordedMotion:
    """Return the source's own motion held for a number of frames: what a sweep turns."""
    times = tuple(range(frames))
    return RecordedMotion(person.identity.motion.expand(frames), times, 1 / rate, rate)


def _reference(motions: HeadMotion, source: HeadMotion, wanted: str) -> int:
    if wanted == BEST:
        return best_reference(motions, source)
    if wanted == FIRST:
        return 0
    if wanted.isdecimal() and int(wanted) < len(motions):
        return int(wanted)
    raise ConfigError("reference", wanted, f"best, first, or a frame from 0 to {len(motions) - 1}")
