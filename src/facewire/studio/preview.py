"""The preview: what is chosen becomes a picture. One small interface, so that another engine may stand behind it.

    Wanted (project, moment, size) --picture--> Pixels

`NativePreview` renders with the same Animator, transfer and composition as the commands, so a render shows what the
preview showed. Used by one thread at a time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch

from facewire.animation.animate import face_of, rendered, shaped, transferred
from facewire.animation.animator import Animator, Person
from facewire.animation.driving import RecordedMotion
from facewire.animation.source_video import within
from facewire.animation.transfer import transfer_of
from facewire.geometry.head_motion import HeadMotion
from facewire.media.frame import Pixels
from facewire.media.image import load_image
from facewire.studio.project import Project, Show

KEPT_PEOPLE, KEPT_MOTIONS = 6, 6
Kept = TypeVar("Kept")


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


@dataclass(frozen=True, slots=True)
class Live:
    """What a webcam shows now, and what of it stands for the photo's own pose and expression."""

    motion: HeadMotion
    reference: HeadMotion


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A picture that is asked for.

    project   what is chosen
    photo     where the photo lies
    recorded  the driver's motion, or a webcam's
    seconds   the moment, of the driver, or of the keyframes where there is none
    size      longest side at most, pixels
    show      the result, or what helps to find faults in it
    """

    project: Project
    photo: Path
    recorded: RecordedMotion | Live | None
    seconds: float
    size: int
    show: Show = "result"


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


class _Shelf:
    """Keeps the last few of what was made."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Kept]) -> Kept:
        """Return what is kept under a key, made now if need be."""
        if key not in self._kept:
            self._kept[key] = make()
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        found: Kept = self._kept[key]
        return found


class NativePreview:
    """Renders on this machine.

    Args:
        animator: whose networks render, with the engine that the commands use.
    """

    def __init__(self, animator: Animator) -> None:
        self.animator = animator
        self._photos = _Shelf(1)
        self._people = _Shelf(KEPT_PEOPLE)
        self._motions = _Shelf(KEPT_MOTIONS)

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

    @torch.inference_mode()
    def picture(self, wanted: Wanted) -> Pixels:
        """Return the picture (H, W, 3)."""
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
        person = self._person(wanted, wanted.project.faces[0])
        _, references, first = self._transferred(person, wanted.project, wanted.recorded)
        return references[0] + first if references else None

    def _pixels(self, photo: Path) -> Pixels:
        key = photo, photo.stat().st_mtime_ns
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
                base = transferred(both, own, chosen, (), transfer_of(foreign))[0][1:]
            case recorded:
                moved, _, first = self._transferred(person, wanted.project, recorded)
                row = row_at(recorded, wanted.seconds, first, len(moved))
                seconds = recorded.seconds[first + row] - recorded.seconds[first]
                base = moved[row : row + 1]
        return shaped(foreign, face_of(self.animator, person), base, options, [seconds])

    def _transferred(
        self, person: Person, project: Project, recorded: RecordedMotion
    ) -> tuple[HeadMotion, tuple[int, ...], int]:
        """Return the motions of the chosen part before sliders and angles, its references, and its first row."""
        motion = project.motion
        key = id(person), id(recorded), motion
        transfer = transfer_of(self.animator.foreign)

        def make() -> tuple[Person, RecordedMotion, HeadMotion, tuple[int, ...], int]:
            part = within(recorded, motion.span, project.driver)
            moved, references = transferred(
                part.motions, person.identity.motion, project.options, part.stretches, transfer
            )
            return person, recorded, moved, references, recorded.times.index(part.times[0])

        return self._motions.get(key, make)[2:]


def row_at(recorded: RecordedMotion, seconds: float, first: int = 0, count: int | None = None) -> int:
    """Return which of `count` frames from `first` on is shown at a moment of the driver, counted from `first`."""
    rows = len(recorded) - first if count is None else count
    row = bisect_right(recorded.seconds, seconds + 1e-6) - 1 - first
    return min(max(row, 0), rows - 1)
