"""The preview of a video as the source: its frames with the motion that an edit of it has.

Clip + driver + project --> motions     once for what is chosen
moment --> frame, made ready --motion--> picture
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

from facewire.animation.animate import shaped, transferred
from facewire.animation.animator import Animator
from facewire.animation.clips.source_video import Clip, clip_face, clip_motions, length
from facewire.animation.clips.video_edit import ClipOptions, ShownFrame
from facewire.animation.driving import RecordedMotion
from facewire.animation.transfer import Face, transfer_of
from facewire.geometry.head_motion import HeadMotion
from facewire.media.frame import Frame, Pixels
from facewire.media.video import VideoReader
from facewire.studio.preview.moment import Live, row_at
from facewire.studio.preview.shelf import Shelf
from facewire.studio.project import Project, Show

KEPT_FRAMES, KEPT_MOTIONS, KEPT_READY = 24, 4, 4
NEAR_S = 2.0
"""Up to so far ahead frames are read as they come; further on a key frame is sought."""
ROUNDING_S = 1e-4
TICK = Fraction(1, 1_000_000)
LOOK_EVERY, LOOKED_AT = 12, 20
"""Frames in which a face is looked for before all of them are read: one in so many, and how many."""


class ClipPreview:
    """Shows edits of one clip after the other; used by one thread at a time.

    Args:
        animator: whose networks render.
    """

    def __init__(self, animator: Animator) -> None:
        self._animator = animator
        self._frames = _Frames()
        self._motions = Shelf(KEPT_MOTIONS)
        self._faces = Shelf(KEPT_MOTIONS)
        self._ready = Shelf(KEPT_READY)

    def picture(
        self,
        clip: Clip,
        driver: RecordedMotion | Live | None,
        project: Project,
        *,
        seconds: float,
        size: int,
        show: Show,
    ) -> Pixels:
        """Return the picture at a moment of the clip, (H, W, 3).

        Raises:
            FacewireError: what is chosen cannot be shown.
        """
        part, motions, _ = self._edit(clip, driver, project)
        row = row_at(part.seconds, seconds - project.motion.start)
        moment = clip.seconds[part.first + row - clip.first]
        shown = self._shown(part, row, moment, ClipOptions(head=project.result.head, size=size))
        match show:
            case "before":
                return shown.own
            case "background":
                return shown.composer.background
            case "matte":
                return shown.composer.matte
        options, base = project.options, motions[row : row + 1]
        if isinstance(driver, Live):
            both = HeadMotion.cat([driver.reference, driver.motion])
            chosen = replace(options, relative=True, reference="first")
            base = transferred(both, base, chosen, (), transfer_of(self._animator.foreign))[0][1:]
        moved = shaped(self._animator.foreign, self._face(part), base, options, [part.seconds[row]])
        return shown.picture(moved)

    def reference(self, clip: Clip, driver: RecordedMotion, project: Project) -> int | None:
        """Return which frame of the driver stands for the clip."""
        return self._edit(clip, driver, project)[2]

    def _edit(
        self, clip: Clip, driver: RecordedMotion | Live | None, project: Project
    ) -> tuple[Clip, HeadMotion, int | None]:
        """Return the chosen part, what its head does before sliders and angles, and the driver's reference frame."""
        moves = driver if isinstance(driver, RecordedMotion) else None

        def make() -> tuple[Clip, object, Clip, HeadMotion, int | None]:
            part = clip.part(project.motion.span, *(() if moves is None else (length(moves),)))
            if moves is None:
                return clip, moves, part, part.motions, None
            motions, reference = clip_motions(
                part, moves, project.options, transfer_of(self._animator.foreign)
            )
            return clip, moves, part, motions, reference

        key = id(clip), id(moves), project.motion
        return self._motions.get(key, make)[2:]

    def _face(self, part: Clip) -> Face:
        return self._faces.get(id(part), lambda: (part, clip_face(self._animator, part)))[1]

    def _shown(self, part: Clip, row: int, moment: float, options: ClipOptions) -> ShownFrame:
        def make() -> tuple[Clip, ShownFrame]:
            frame = self._frames.at(part.path, moment)
            return part, ShownFrame(self._animator, part, row, frame, options)

        return self._ready.get((id(part), row, options), make)[1]


class _Frames:
    """The frames of a video by their moments: as they come, or from the key frame before."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._last = 0.0
        self._coming: Iterator[tuple[float, Frame]] = iter(())
        self._kept = Shelf(KEPT_FRAMES)

    def at(self, path: Path, moment: float) -> Frame:
        """Return the frame of a moment, seconds from the first frame on."""
        return self._kept.get((path, path.stat().st_mtime_ns, moment), lambda: self._read(path, moment))

    def _read(self, path: Path, moment: float) -> Frame:
        if path != self._path or not 0 < moment - self._last < NEAR_S:
            self._path, self._coming = path, _frames(path, moment)
        self._last, frame = next((at, frame) for at, frame in self._coming if at > moment - ROUNDING_S)
        return frame


def standing(animator: Animator, path: Path) -> Pixels:
    """Return the first frame of a video that shows a face, of those that are looked at; if none does, the first.

    Raises:
        MediaError: it cannot be read.
    """
    first: Pixels | None = None
    with VideoReader(path) as reader:
        for frame in islice(reader, 0, LOOKED_AT * LOOK_EVERY, LOOK_EVERY):
            first = frame.pixels if first is None else first
            if animator.finder.find(frame.pixels):
                return frame.pixels
    assert first is not None
    return first


def _frames(path: Path, moment: float) -> Iterator[tuple[float, Frame]]:
    """Yield moments and frames, from one before a moment on."""
    with VideoReader(path) as reader:
        reader.seek(moment)
        for frame in reader:
            yield float(frame.time - reader.start_time), frame


def motion_of(clip: Clip) -> RecordedMotion:
    """Return what a clip's head does as a motion that was recorded, for its curves."""
    times = tuple(round(at / TICK) for at in clip.seconds)
    return RecordedMotion(clip.motions, times, TICK, clip.rate, clip.present.count(False))
