"""The preview: what is chosen becomes a picture. One small interface, so that another engine may stand behind it.

    Wanted (project, moment, size) --picture--> Pixels

`NativePreview` renders with the same Animator, transfer and composition as the commands, so a render shows what the
preview showed. Used by one thread at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from facewire.animation.animate import face_of, rendered, shaped, transferred
from facewire.animation.animator import Animator, Person
from facewire.animation.clips.source_video import Clip, is_video, within
from facewire.animation.driving import RecordedMotion
from facewire.animation.transfer import resting, transfer_of
from facewire.geometry.head_motion import HeadMotion
from facewire.media.frame import Pixels
from facewire.media.image import load_image
from facewire.studio.preview.clip import ClipPreview, standing
from facewire.studio.preview.moment import Live, row_at
from facewire.studio.preview.page_engine import Head, head_of, milliseconds, square_of
from facewire.studio.preview.shelf import Shelf
from facewire.studio.project import Project, Show

KEPT_PEOPLE, KEPT_MOTIONS = 6, 6


@dataclass(frozen=True, kw_only=True, slots=True)
class FaceBox:
    """A face of a photo, in shares of its width and height."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A photo that was looked at: its size in pixels and its faces, the most prominent first."""

    width: int
    height: int
    faces: tuple[FaceBox, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A picture that is asked for.

    project   what is chosen
    photo     where the photo lies, or the video to change
    recorded  the driver's motion, or a webcam's
    seconds   the moment, of the driver, or of the keyframes where there is none
    size      longest side at most, pixels
    show      the result, or what helps to find faults in it
    clip      what the video's head does by itself; until that was read its first frame is a photo
    """

    project: Project
    photo: Path
    recorded: RecordedMotion | Live | None
    seconds: float
    size: int
    show: Show = "result"
    clip: Clip | None = None


class Preview(Protocol):
    """Makes pictures of what is chosen."""

    def open(self, photo: Path) -> Opened:
        """Return what a photo shows.

        Raises:
            NoFaceFound, MediaError: nobody can be animated.
        """

    def picture(self, wanted: Wanted) -> Pixels:
        """Return the picture (H, W, 3).

        Raises:
            FacewireError: what is chosen cannot be shown.
        """

    def reference(self, wanted: Wanted) -> int | None:
        """Return which frame of the driver stands for the photo, None if none does."""

    def heads(self, wanted: Wanted) -> tuple[Head, ...] | None:
        """Return what the page's engine needs for the picture; None where it cannot make it."""

    def square(self, wanted: Wanted, face: int) -> bytes:
        """Return what the page's engine makes a person of, see `square_of`."""

    def milliseconds(self) -> float:
        """Return how long this engine takes for a head."""


class NativePreview:
    """Renders on this machine.

    Args:
        animator: whose networks render, with the engine that the commands use.
    """

    def __init__(self, animator: Animator) -> None:
        self.animator = animator
        self._photos = Shelf(1)
        self._people = Shelf(KEPT_PEOPLE)
        self._motions = Shelf(KEPT_MOTIONS)
        self._clips = ClipPreview(animator)

    def open(self, photo: Path) -> Opened:
        """Return what a photo shows."""
        pixels = self._pixels(photo)
        found = self.animator.faces(pixels, photo.name)
        height, width = pixels.shape[:2]
        boxes = [
            (face.box[0] / width, face.box[1] / height, face.box[2] / width, face.box[3] / height)
            for face in found
        ]
        faces = tuple(FaceBox(left=a, top=b, right=c, bottom=d) for a, b, c, d in boxes)
        return Opened(width=width, height=height, faces=faces)

    def picture(self, wanted: Wanted) -> Pixels:
        """Return the picture (H, W, 3)."""
        if wanted.clip is not None:
            return self._clips.picture(
                wanted.clip,
                wanted.recorded,
                wanted.project,
                seconds=wanted.seconds,
                size=wanted.size,
                show=wanted.show,
            )
        people = [self._person(wanted, face) for face in wanted.project.faces]
        first = people[0]
        match wanted.show:
            case "before":
                return first.shown
            case "background":
                return first.composer.background
            case "matte":
                return first.composer.matte
        motions = [self._motion(person, wanted) for person in people]
        return next(rendered(self.animator, people, motions, None))

    def reference(self, wanted: Wanted) -> int | None:
        """Return which frame of the driver stands for the photo."""
        if not isinstance(wanted.recorded, RecordedMotion):
            return None
        if wanted.clip is not None:
            return self._clips.reference(wanted.clip, wanted.recorded, wanted.project)
        person = self._person(wanted, wanted.project.faces[0])
        moved = self._transferred(person, wanted.project, wanted.recorded)
        return moved.references[0] + moved.first if moved.references else None

    def heads(self, wanted: Wanted) -> tuple[Head, ...] | None:
        """Return what the page's engine needs for the picture; None for videos and views of layers, too."""
        if wanted.clip is not None or wanted.show != "result":
            return None
        people = [(self._person(wanted, face), face) for face in wanted.project.faces]
        heads = [head_of(person, face, self._motion(person, wanted)) for person, face in people]
        there = tuple(head for head in heads if head is not None)
        return there if len(there) == len(heads) else None

    def square(self, wanted: Wanted, face: int) -> bytes:
        """Return what the page's engine makes a person of."""
        return square_of(self._person(wanted, face))

    def milliseconds(self) -> float:
        """Return how long this engine takes for a head."""
        return milliseconds(self.animator)

    def _pixels(self, photo: Path) -> Pixels:
        key = photo, photo.stat().st_mtime_ns
        if is_video(photo):
            return self._photos.get(key, lambda: standing(self.animator, photo))
        return self._photos.get(key, lambda: load_image(photo))

    def _person(self, wanted: Wanted, face: int) -> Person:
        head = wanted.project.result.head and len(wanted.project.faces) == 1
        key = wanted.photo, wanted.photo.stat().st_mtime_ns, face, wanted.size, head
        pixels = self._pixels(wanted.photo)
        return self._people.get(
            key, lambda: self.animator.person(pixels, face=face, size=wanted.size, head=head)
        )

    def _motion(self, person: Person, wanted: Wanted) -> HeadMotion:
        options, own = wanted.project.options, person.identity.motion
        foreign = self.animator.foreign
        match wanted.recorded:
            case None:
                seconds = wanted.seconds
                base = own
            case Live(motion, reference):
                seconds = 0.0
                both = HeadMotion.cat([reference, motion])
                chosen = replace(options, reference="first")
                base = transferred(both, own, chosen, (), transfer_of(foreign), person.reach)[0][1:]
            case recorded:
                moved = self._transferred(person, wanted.project, recorded)
                row = row_at(moved.moments, wanted.seconds)
                seconds = moved.moments[row] - moved.moments[0]
                base = moved.motions[row : row + 1]
        return shaped(foreign, face_of(self.animator, person), base, options, [seconds])

    def _transferred(self, person: Person, project: Project, recorded: RecordedMotion) -> _Moved:
        """Return the motions of the chosen part before sliders and angles."""
        motion = project.motion
        transfer = transfer_of(self.animator.foreign)

        def make() -> tuple[Person, RecordedMotion, _Moved]:
            part = within(recorded, motion.span, project.driver)
            moved, references = transferred(
                part.motions,
                person.identity.motion,
                project.options,
                part.stretches,
                transfer,
                person.reach,
                resting(self.animator.foreign, part.motions, project.options.regions),
            )
            first = recorded.times.index(part.times[0])
            moments = recorded.seconds[first : first + len(part)]
            return person, recorded, _Moved(moved, tuple(moments), references, first)

        return self._motions.get((id(person), id(recorded), motion), make)[2]


@dataclass(frozen=True, slots=True)
class _Moved:
    """The chosen part of a driver, carried over.

    motions     (T)
    moments     T, seconds of the driver
    references  which of them stand for the photo
    first       number of the first in the driver
    """

    motions: HeadMotion
    moments: tuple[float, ...]
    references: tuple[int, ...]
    first: int
