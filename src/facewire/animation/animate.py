"""The main job: a photo and a driving video (or a recorded motion) become a video.

photo   -> Person                                            once
driving -> RecordedMotion                                    one or two streaming passes
RecordedMotion -> relative to the best reference of each shot -> chosen regions -> edited -> turned    per frame
               -> whole picture -> (beside source and driver) -> VideoWriter, with the driver's times and sound
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facewire.animation.animator import Animator, Person, Pixels
from facewire.animation.driving import RecordedMotion, driving_squares, rows_of
from facewire.animation.edits import Edit
from facewire.animation.keyframes import Keys, keyed
from facewire.animation.reference import best_reference
from facewire.animation.regions import EVERYTHING, carried_over
from facewire.animation.strength import scaled
from facewire.animation.survey import Progress
from facewire.animation.transfer import Face, Transfer, edited_as, resting, retargeted_as, transfer_of
from facewire.animation.view import ViewPath
from facewire.base.errors import ConfigError
from facewire.geometry.arrays import like
from facewire.geometry.head_motion import HeadMotion
from facewire.media.frame import Frame
from facewire.media.image import resize
from facewire.media.marks.caption import Caption
from facewire.media.video import opened_sink

if TYPE_CHECKING:
    from facewire.networks.relatives.model import RelativeTalkingHead

FIRST = "first"
BEST = "best"
OWN_VIEW = ViewPath()
NO_EDIT = Edit()
NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimateOptions:
    """How motion is carried over and shown."""

    relative: bool = True
    """The source's own pose and expression plus the driver's changes; False takes the driver's as they are."""
    reference: str = BEST
    """Which driving frame corresponds to the source in relative motion: best, first, or a frame number."""
    view: ViewPath = OWN_VIEW
    """Offsets that the receiver adds to the driver's pose."""
    regions: frozenset[str] = EVERYTHING
    """What of the driver is carried over (animation/regions.py)."""
    strength: float = 1.0
    """How far the driver's motion goes: times its turns, shifts and expressions on top of the source's own."""
    edit: Edit = NO_EDIT
    """What is added to the expression (animation/edits.py)."""
    retarget: frozenset[str] = NOTHING
    """What is open as far as the driver's own, eyes or lips: LivePortrait only (animation/transfer.py)."""
    keys: Keys = ()
    """Sliders and angles that change along the clip (animation/keyframes.py)."""
    kept: int | None = None
    """Keypoints used of the ordered list; None means all."""
    crf: int = 18
    """Quality of the output, 0 (best) to 51."""
    full_colour: bool = False
    """Colours of all pixels, not of one in four; see `VideoWriter`."""
    overwrite: bool = True
    caption: Caption | None = None
    """What stands on every picture."""
    marked: bool = True
    """The file says that a model made its pictures."""

    def finished(self, picture: Pixels) -> Pixels:
        """Return a picture as it is written."""
        return np.ascontiguousarray(picture if self.caption is None else self.caption.on(picture))


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
    """Index of the driving frame taken as the source's own in the first shot; None for absolute motion."""
    references: tuple[int, ...]
    """The same for each part of the video that has its own: shots, and the parts between which the head was away."""
    seconds: float
    """Of rendering and writing."""
    frames_per_second: float
    width: int
    height: int


def animate(
    animator: Animator,
    person: Person | Sequence[Person],
    recorded: RecordedMotion,
    output: str | Path,
    options: AnimateOptions | None = None,
    *,
    audio_from: str | Path | None = None,
    beside: Iterator[Pixels] | None = None,
    progress: Progress | None = None,
) -> AnimateReport:
    """Render a person, or several people of one photo, in a recorded motion into a video file.

    Args:
        animator: whose networks render.
        person: who; several move alike, each from their own pose.
        recorded: how, with its times.
        output: .mp4, .mov, .mkv, .webm, .gif, or numbered pictures such as frame-%04d.png; written atomically.
        options: how the motion is carried over.
        audio_from: a file whose sound goes along.
        beside: driving pictures to show between source and result, one per frame.
        progress: told after every batch.

    Raises:
        OutputError: the output cannot be written.
    """
    chosen = options or AnimateOptions()
    people = [person] if isinstance(person, Person) else list(person)
    moved = [moved_as(animator, one, recorded, chosen) for one in people]
    frames, references = len(recorded), moved[0][1]
    pictures = rendered(animator, people, [motions for motions, _ in moved], chosen.kept)
    width, height = people[0].size
    begin = time.perf_counter()
    with opened_sink(
        output,
        (width if beside is None else 2 * width + height, height),
        recorded.rate,
        audio_from=audio_from,
        crf=chosen.crf,
        full_colour=chosen.full_colour,
        overwrite=chosen.overwrite,
        synthetic=chosen.marked,
    ) as writer:
        for row, picture in enumerate(pictures):
            shown = picture if beside is None else side_by_side(people[0].shown, next(beside), picture)
            writer.write(Frame(chosen.finished(shown), recorded.times[row], recorded.time_base))
            if progress is not None:
                progress("rendering", row + 1, frames)
    passed = time.perf_counter() - begin
    return AnimateReport(
        output=str(output),
        frames=frames,
        missing=recorded.missing,
        problem=recorded.problem,
        reference=references[0] if references else None,
        references=references,
        seconds=passed,
        frames_per_second=frames / passed,
        width=width,
        height=height,
    )


def moved_as(
    animator: Animator, person: Person, recorded: RecordedMotion, options: AnimateOptions
) -> tuple[HeadMotion, tuple[int, ...]]:
    """Return a person's motions as a driver moves, and the indices of the reference frames (none: absolute).

    Raises:
        ConfigError: the reference is not best, first or a frame number; regions, an edit or retargeting that the
            model cannot do.
    """
    moved, references = transferred(
        recorded.motions,
        person.identity.motion,
        options,
        recorded.stretches,
        transfer_of(animator.foreign),
        person.reach,
        resting(animator.foreign, recorded.motions, options.regions),
    )
    face = face_of(animator, person)
    if options.retarget:
        if recorded.openness is None:
            raise ConfigError("retarget", ",".join(sorted(options.retarget)), "a driving video")
        wanted = like(recorded.openness, moved.rotation)
        moved = retargeted_as(animator.foreign, face, moved, wanted, options.retarget)
    return shaped(animator.foreign, face, moved, options, recorded.seconds), references


def face_of(animator: Animator, person: Person) -> Face:
    """Return whose expression is changed."""
    own = person.identity.motion.rotation
    return Face(
        person.identity.canonical,
        lambda: animator.identity_of(person),
        lambda: like(animator.openness(person.picture), own),
    )


def shaped(
    foreign: RelativeTalkingHead | None,
    face: Face,
    motions: HeadMotion,
    options: AnimateOptions,
    seconds: Sequence[float],
) -> HeadMotion:
    """Return a person's motions (T) with sliders and angles; keyframes are looked up at T `seconds`.

    Raises:
        ConfigError: the model's keypoints allow no such edit.
    """
    if options.keys:
        edit = partial(edited_as, foreign, face)
        return keyed(motions, edit, options.edit, options.view, options.keys, seconds)
    return viewed(edited_as(foreign, face, motions, options.edit), options.view)


def rendered(
    animator: Animator, people: Sequence[Person], motions: Sequence[HeadMotion], kept: int | None
) -> Iterator[Pixels]:
    """Yield the pictures of one person, or of several in one photo."""
    if len(people) == 1:
        return animator.render(people[0], motions[0], kept=kept)
    return animator.render_together(people, motions, kept=kept)


def side_by_side(source: Pixels, driver: Pixels, result: Pixels) -> Pixels:
    """Return source, driver's head crop and result as one picture, as high as the result."""
    height = len(result)
    crop = driver if len(driver) == height else resize(driver, (height, height))
    return np.hstack((source, crop, result))


def beside_frames(video: str | Path, animator: Animator, *, crop_mode: str, face: int) -> Iterator[Pixels]:
    """Yield the driving head crops again, for `animate(beside=...)`."""
    return driving_squares(video, animator, crop_mode, face)


def transferred(
    motions: HeadMotion,
    source: HeadMotion,
    options: AnimateOptions,
    stretches: Sequence[int] = (),
    transfer: Transfer = carried_over,
    reach: float = 1.0,
    rest: HeadMotion | None = None,
) -> tuple[HeadMotion, tuple[int, ...]]:
    """Return the motions to render and the indices of the reference frames (none for absolute motion).

    Args:
        motions: (T) driving motions.
        source: (1) the source's own.
        options: how they are carried over. A frame number as reference holds in its own stretch.
        stretches: (T) the stretch of each motion, see `RecordedMotion`; each has its own reference. Empty: one.
        transfer: how motions are carried over, see `transfer_of`.
        reach: how large the source is in its square, see `Person`; relative motion reaches as far.
        rest: (1) what relative motion is counted from, where that is no frame of the driver.

    Raises:
        ConfigError: the reference is not best, first or a frame number.
    """
    check_reference(options.reference, len(motions))
    strength = options.strength
    if not options.relative:
        return scaled(transfer(motions, None, source, options.regions), source, strength, strength), ()
    if rest is not None:
        return scaled(transfer(motions, rest, source, options.regions), source, strength, strength), ()
    numbers = np.array(stretches) if stretches else np.zeros(len(motions), int)
    moved: list[HeadMotion] = []
    order: list[int] = []
    references: list[int] = []
    for number in dict.fromkeys(numbers.tolist()):
        rows = np.flatnonzero(numbers == number).tolist()
        own = rows_of(motions, rows)
        index = _reference(own, source, options.reference, rows)
        first = own[index : index + 1]
        carried = transfer(own, first, source, options.regions)
        moved.append(scaled(carried, source, strength, strength * reach))
        order += rows
        references.append(rows[index])
    return rows_of(HeadMotion.cat(moved), np.argsort(order).tolist()), tuple(references)


def check_reference(wanted: str, frames: int) -> None:
    """Raise ConfigError unless a reference is best, first or one of so many frames."""
    if wanted not in (BEST, FIRST) and not (wanted.isdecimal() and int(wanted) < frames):
        raise ConfigError("reference", wanted, f"best, first, or a frame from 0 to {frames - 1}")


def viewed(motions: HeadMotion, view: ViewPath) -> HeadMotion:
    """Return the motions turned along a view path."""
    if view.is_still:
        return motions
    steps = max(1, len(motions) - 1)
    return motions.turned_at_neck(np.stack([view.rotation(index / steps) for index in range(len(motions))]))


def still(person: Person, frames: int, rate: Fraction = Fraction(25)) -> RecordedMotion:
    """Return the source's own motion held for a number of frames: what a sweep turns."""
    times = tuple(range(frames))
    return RecordedMotion(person.identity.motion.expand(frames), times, 1 / rate, rate)


def _reference(motions: HeadMotion, source: HeadMotion, wanted: str, rows: Sequence[int]) -> int:
    """Return which of the motions of a stretch, the frames `rows`, is its reference."""
    if wanted == FIRST:
        return 0
    if wanted != BEST and int(wanted) in rows:
        return rows.index(int(wanted))
    return best_reference(motions, source)
