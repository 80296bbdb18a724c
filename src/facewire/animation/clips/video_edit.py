"""An edited video: every frame of a clip is its own photo, with the motion that was read and changed before.

    Clip + driver --clip_motions--> motions     once     (animation/clips/source_video.py)
    frame --> ShownFrame --motion--> picture    each     --> file, with the clip's times

Frames without a head stay as they are.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

from facewire.animation.animate import AnimateOptions, AnimateReport, shaped, viewed
from facewire.animation.animator import Animator
from facewire.animation.clips import eyes_and_lips
from facewire.animation.clips.source_video import (
    ALL_OF_IT,
    Clip,
    Span,
    clip_face,
    clip_motions,
    length,
    read_clip,
)
from facewire.animation.composition.composer import Composer
from facewire.animation.driving import RecordedMotion
from facewire.animation.person import OWN, Size, checked_size, head_alone, limited, whole
from facewire.animation.survey import CropPlan, Progress
from facewire.animation.transfer import transfer_of
from facewire.face.crop import crop
from facewire.geometry.head_motion import HeadMotion
from facewire.media.frame import Frame, Pixels
from facewire.media.video import VideoReader, opened_sink


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipOptions:
    """How the clip is taken and shown."""

    face: int = 0
    span: Span = ALL_OF_IT
    head: bool = False
    size: Size = None

    def size_of(self, clip: Clip, usual: int) -> tuple[int, int]:
        """Return width and height of what is shown; `usual` is the side of a head of which no size is asked for."""
        if not self.head:
            return limited(*clip.size, self.size)
        side = _first_side(clip.plan) if self.size == OWN else int(self.size or usual)
        return side, side


class ShownFrame:
    """A frame of a clip, made ready to be shown in any motion.

    Args:
        animator: whose networks render.
        clip: what it is a frame of.
        row: which.
        frame: the frame itself.
        shown: how much of it, and how large.
    """

    def __init__(self, animator: Animator, clip: Clip, row: int, frame: Frame, shown: ClipOptions) -> None:
        box = clip.place(frame)
        if shown.head:
            side, _ = shown.size_of(clip, animator.size)
            self.composer: Composer = head_alone(frame.pixels, box, side, side)
        else:
            self.composer = whole(frame.pixels, box, shown.size)
        self._animator, self._head, self._present = animator, shown.head, clip.present[row]
        if self._present:
            self._ready, layers = animator.ready(crop(frame.pixels, box, animator.size))
            if layers is not None:
                self.composer.separate(*layers)

    @property
    def own(self) -> Pixels:
        """What the frame shows by itself, (H, W, 3)."""
        return self.composer.own if self._head else self.composer.photo

    def picture(self, motion: HeadMotion, kept: int | None = None) -> Pixels:
        """Return it with the head in a motion (1), (H, W, 3); unchanged where it shows no head."""
        if not self._present:
            return self.own
        parts = self._animator.ready_parts(self._ready, motion, kept=kept)
        return self.composer.square(parts) if self._head else self.composer.whole(parts)


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
    read = read_clip(animator, clip, face=shown.face, span=_as_long_as(driver, shown.span), progress=progress)
    own = read.part(shown.span, length(driver))
    motions, reference = clip_motions(own, driver, chosen, transfer_of(animator.foreign))
    if chosen.retarget:
        motions = eyes_and_lips.opened(animator, own, motions, driver, chosen.retarget, progress)
    motions = _shaped(animator, own, motions, chosen)
    begin = time.perf_counter()
    with VideoReader(clip) as reader:
        width, height = shown.size_of(own, animator.size)
        with opened_sink(
            output,
            (width, height),
            reader.rate,
            audio_from=audio_from,
            audio_start=audio_start,
            crf=chosen.crf,
            full_colour=chosen.full_colour,
            overwrite=chosen.overwrite,
            synthetic=chosen.marked,
        ) as writer:
            for row, frame in enumerate(islice(reader, own.first, own.first + len(own))):
                picture = ShownFrame(animator, own, row, frame, shown).picture(
                    motions[row : row + 1], chosen.kept
                )
                writer.write(Frame(chosen.finished(picture), frame.pts, frame.time_base))
                if progress is not None:
                    progress("rendering", row + 1, len(own))
    seconds = time.perf_counter() - begin
    return AnimateReport(
        output=str(output),
        frames=len(own),
        missing=own.present.count(False),
        problem=driver.problem,
        reference=reference,
        references=() if reference is None else (reference,),
        seconds=seconds,
        frames_per_second=len(own) / seconds,
        width=width,
        height=height,
    )


def _as_long_as(driver: RecordedMotion, span: Span) -> Span:
    """Return the part of a span that a driver fills."""
    end = span.start + length(driver)
    return Span(span.start, end if span.end is None else min(end, span.end))


def _shaped(animator: Animator, clip: Clip, motions: HeadMotion, options: AnimateOptions) -> HeadMotion:
    if not (options.edit or options.keys):
        return viewed(motions, options.view)
    return shaped(animator.foreign, clip_face(animator, clip), motions, options, clip.seconds)


def _first_side(plan: CropPlan) -> int:
    """Return the side of the first square that holds a head, pixels."""
    path = next(stretch.path for stretch in plan.stretches if stretch.path is not None)
    return path.at(float(path.times[0])).side
