"""The sender's side of one person: camera pictures in; motions, ordinary pictures and decisions out.

    picture -> head crop -> motion network -> relative to the source -> Performance          every picture, quick
    picture -> where is the face, is it one person; judge, twice a second, with a look
               through the receiver's eyes -> ModeKeeper, perhaps a new source -> Reflection  when due, slow
               what the receiver will show, what is seen -> Looks                         five times a second at most

It knows no network. Agents run both in threads of their own, so that no motion waits for a reflection.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from facewire.animation.live.looks import Looks
from facewire.animation.second_look import corrections
from facewire.call.conversation.source_photo import OwnSource, SizedPicture, fitting
from facewire.call.person.camera import Camera, Sight
from facewire.call.person.engine import FaceEngine, Seen
from facewire.call.person.judge import Judgement, difference, judge
from facewire.call.person.modes import ModeKeeper, ModeSettings, Order
from facewire.call.person.pace import LARGE
from facewire.call.person.portrait import Portrait
from facewire.codec.state import MotionFrame
from facewire.face.crop import CropBox, crop
from facewire.face.finder import FaceFinder
from facewire.media.frame import Pixels
from facewire.media.still import decode_photo, encode_still
from facewire.transport.face_message import SYNTHESIS, VIDEO
from facewire.transport.pieces import LARGEST_PHOTO

JUDGE_SECONDS = 0.5
RENDER_EVERY = 2
"""Every second judgement looks at the rendered picture too: it costs as much as receiving."""
LOOK_SECONDS, LOOK_SHARE = 0.2, 0.2
"""Seconds from one look to the next at least, and the share of the time that looks may take at most."""
QUALITY = 85
"""Of the WebP picture that is sent as source."""
PREVIEW_BYTES = 2_000
PREVIEW_QUALITIES = (60, 40, 25, 15, 8, 3)
"""Tried in turn for the picture that is sent first."""


@dataclass(frozen=True, slots=True)
class Performance:
    """What one camera picture says.

    sight      head crop and faces
    reading    what the motion network says
    motion     what to send, relative to the source; None without a source
    """

    sight: Sight
    reading: Seen
    motion: MotionFrame | None


@dataclass(frozen=True, slots=True)
class Reflection:
    """What one camera picture leads to.

    judgement  of this picture, None if it was not judged
    order      what the judgement leads to
    source     the new source, if the order was to take one
    """

    judgement: Judgement | None
    order: Order
    source: OwnSource | None = None


class Performer:
    """One person before one camera. `perform` has a thread of its own; everything else shares another one.

    Args:
        engine: the networks.
        finder: the face finder.
        settings: what the user allows.
        same_person: says whether two pictures show one person; asked before a source is replaced.
        largest: side of the largest picture that is made of a source, pixels.
        clock: seconds, for what a look takes.
    """

    def __init__(
        self,
        engine: FaceEngine,
        finder: FaceFinder,
        settings: ModeSettings,
        same_person: Callable[[Pixels, Pixels], bool] = lambda first, second: True,
        largest: int = LARGE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.engine = engine
        self._same_person, self._largest = same_person, largest
        self.shows = engine.size
        """Side of the largest face that this machine shows, pixels."""
        self._face: Pixels | None = None
        """The head crop of the source, with which new ones are compared."""
        self.keeper = ModeKeeper(settings)
        self._start: tuple[OwnSource, MotionFrame | None] | None = None
        """The source, and the motion of the camera that corresponds to it once there is one; changed together."""
        self.person: Portrait | None = None
        """The source as this machine shows it; a receiver sees the same, larger or smaller."""
        self._camera = Camera(finder, engine.size, engine.framing)
        self._judged = float("-inf")
        self._judgements = 0
        self._difference: float | None = None
        """At the last look at the rendered picture; it holds until the next."""
        self._looks: Looks | None = None
        """What second looks taught; None where the source is no picture of this camera."""
        self._look_at, self._clock = float("-inf"), clock
        """When the next one is due."""

    def use(self, photo: Pixels, box: CropBox, *, from_camera: bool, avatar: bool = False) -> OwnSource:
        """Take the head in a picture as source and return it as it will be sent.

        Args:
            photo: (H, W, 3).
            box: the head's square in it.
            from_camera: it was seen by this camera just now, so motions fit it as they are; with a chosen
                photo the next motion is taken as the one that corresponds to it.
            avatar: the picture need not show the person.
        """
        pictures = self._coded(photo, box)
        shown = fitting(pictures, self.shows)
        person = self.engine.person(decode_photo(shown.data, shown.side**2))
        own = self.engine.own_motion(person)
        if self.person is None:  # what networks do only once takes a second: not while a call is being set up
            self.engine.render(person, own)
        self._face, self.person = crop(photo, box, self.engine.size), person
        source = OwnSource(pictures, own, avatar, _preview(photo, box, self.engine.size))
        self._start = source, own if from_camera else None
        self._looks = Looks() if from_camera and not avatar else None
        self._difference = None
        return source

    @property
    def source(self) -> OwnSource | None:
        """What is sent as source, None before the first."""
        return None if self._start is None else self._start[0]

    def perform(self, picture: Pixels, now: float) -> Performance:
        """Read the motion of a camera picture (H, W, 3) of the moment `now`, seconds."""
        sight = self._camera.cut(picture)
        reading = self.engine.read(sight.crop, now)
        motion, looks = self._relative(reading), self._looks
        if motion is not None and looks is not None and reading.present:
            motion = looks.corrected(motion)
        return Performance(sight, reading, motion)

    def due(self, now: float) -> bool:
        """Say whether it is time to reflect on a picture."""
        return now - self._judged >= JUDGE_SECONDS or self._camera.due(now) or self._look_due(now)

    def reflect(self, picture: Pixels, done: Performance, now: float) -> Reflection:
        """Look where the face of a camera picture is, and decide what to do.

        Args:
            picture: (H, W, 3), of the moment `now`.
            done: what it says.
            now: seconds.
        """
        self._camera.look(picture, now)
        if self._look_due(now):
            self._look_again(done, now)
        if now - self._judged < JUDGE_SECONDS:
            return Reflection(None, "none")
        self._judged = now
        sight = replace(done.sight, faces=self._camera.faces, found=self._camera.face is not None)
        judgement = self._judge(sight, done.reading, done.motion)
        order = self.keeper.hear(judgement, now)
        renews = order == "refresh" or (order == "to synthesis" and self.keeper.settings.refresh)
        source = None
        if renews and self._face is not None and not self._same_person(self._face, sight.crop):
            self.keeper.reject(now)
            order = "to video" if self.keeper.mode == VIDEO else "none"
        elif renews and done.reading.present:
            source = self.use(picture, sight.box, from_camera=True)
        return Reflection(judgement, order, source)

    def _look_due(self, now: float) -> bool:
        return self._looks is not None and self.keeper.mode == SYNTHESIS and now >= self._look_at

    def _look_again(self, done: Performance, now: float) -> None:
        """Compare what a receiver would show of a motion as it was read with what is seen."""
        self._look_at = now + LOOK_SECONDS
        person, looks, motion = self.person, self._looks, self._relative(done.reading)
        if person is None or looks is None or motion is None or not done.reading.present:
            return
        begin = self._clock()
        drawn = self.engine.draw(person.small, motion)
        if drawn is None:
            self._looks = None
            return
        looks.hear(motion, corrections(drawn.picture, done.sight.crop, drawn.masks))
        self._look_at = now + max(LOOK_SECONDS, (self._clock() - begin) / LOOK_SHARE)

    def preview(self, motion: MotionFrame) -> Pixels | None:
        """Return this person as a receiver will see them, (N, N, 3)."""
        return None if self.person is None else self.engine.render(self.person, motion)

    def _coded(self, photo: Pixels, box: CropBox) -> tuple[SizedPicture, ...]:
        """Return the head in the sizes that receivers may want, all even, none larger than the photo has it or than
        can be sent."""
        size, most = self.engine.size, min(self._largest, box.side) // 2 * 2
        sides = [size, *sorted({side for side in (min(most, LARGE), most) if side > size})]
        coded = (
            SizedPicture(side, encode_still(crop(photo, box, side), "webp", QUALITY)[1]) for side in sides
        )
        return tuple(one for one in coded if len(one.data) <= LARGEST_PHOTO)

    def _relative(self, reading: Seen) -> MotionFrame | None:
        start = self._start
        if start is None:
            return None
        source, reference = start
        if reference is None:
            if not reading.present:
                return None
            reference = reading.motion
            if self._start is start:
                self._start = source, reference
        return self.engine.relative(reading.motion, reference, source.motion)

    def _judge(self, sight: Sight, reading: Seen, motion: MotionFrame | None) -> Judgement:
        self._judgements += 1
        if self.keeper.settings.avatar:  # a picture of somebody else cannot look like the camera
            return judge(sight, reading, None)
        compares = self._judgements % RENDER_EVERY == 0
        if not compares:
            return judge(sight, reading, self._difference)
        rendered = None
        if self.person is not None and motion is not None and reading.present:
            rendered = self.engine.render(self.person.small, motion)
        self._difference = None if rendered is None else difference(sight.crop, rendered)
        return judge(sight, reading, self._difference)


def _preview(photo: Pixels, box: CropBox, side: int) -> bytes:
    """Return the head in some 2 kB of WebP, recognisable at once."""
    picture, data = crop(photo, box, side), b""
    for quality in PREVIEW_QUALITIES:
        data = encode_still(picture, "webp", quality)[1]
        if len(data) <= PREVIEW_BYTES:
            break
    return data
