"""Which picture the user is shown with, and whether it may be (docs/call.md section 8).

    file    -> head -> the person before the camera? -> source; somebody else only with --allow-avatar, as an avatar
    camera  -> head -> source

Everything here is slow: agents run it in their thread for sending.
"""

from __future__ import annotations

from collections.abc import Callable

from facewire.base.errors import CallError, MediaError, NoFaceFound
from facewire.call.conversation.source_photo import OwnSource
from facewire.call.person.engine import FaceEngine
from facewire.call.person.modes import ModeSettings
from facewire.call.person.pace import LARGE, side_kept
from facewire.call.person.performer import Performer
from facewire.call.person.same_person import Likeness, SamePerson
from facewire.call.settings import AgentSettings
from facewire.face.crop import CropBox, crop
from facewire.face.finder import FaceFinder
from facewire.face.relatives.framing import upright_box
from facewire.media.frame import Pixels
from facewire.media.still import decode_photo

MOST_PHOTO_PIXELS = 24_000_000
"""Of a photo that the user chooses."""


class PhotoChoice:
    """One user's choice.

    Args:
        engine: the networks.
        finder: the face finder.
        settings: what the command line decides.
        newest: returns the newest picture of the camera, or None.
    """

    def __init__(
        self,
        engine: FaceEngine,
        finder: FaceFinder,
        settings: AgentSettings,
        newest: Callable[[], Pixels | None],
    ) -> None:
        self._engine, self._finder, self._settings, self._newest = engine, finder, settings, newest
        self._same_person = SamePerson(finder)
        self._chosen: Pixels | None = None
        self.performer = Performer(
            engine, finder, self._mode_settings(False), self._is_same, settings.size or LARGE
        )
        """The one who is shown with it."""

    def from_file(self, data: bytes) -> OwnSource:
        """Take a photo file and return the source made of it.

        Raises:
            FacewireError: it cannot be used, or does not show the person before the camera.
        """
        photo = decode_photo(data, MOST_PHOTO_PIXELS)
        box = self._head_of(photo, "photo")
        likeness = self._likeness(photo)
        if not likeness.same and not self._settings.allow_avatar:
            raise CallError(_refusal(likeness))
        self._chosen = photo
        return self._use(photo, box, from_camera=False, avatar=not likeness.same)

    def from_camera(self) -> OwnSource:
        """Take what the camera shows now and return the source made of it.

        Raises:
            FacewireError: it shows nothing, or no face.
        """
        newest = self._newest()
        if newest is None:
            raise MediaError("camera", "no picture has come yet: allow the camera")
        box = self._head_of(newest, "camera")
        self._chosen = None
        return self._use(newest, box, from_camera=True, avatar=False)

    def check(self) -> None:
        """See before a call whether a chosen photo still shows the person before the camera.

        Raises:
            CallError: there is no photo, or it does not.
        """
        if self.performer.source is None:
            raise CallError("choose a photo first")
        if self._chosen is not None and not self.performer.keeper.settings.avatar:
            likeness = self._likeness(self._chosen)
            if not likeness.same:
                raise CallError(_refusal(likeness))

    def _use(self, photo: Pixels, box: CropBox, *, from_camera: bool, avatar: bool) -> OwnSource:
        performer = self.performer
        performer.keeper.settings = self._mode_settings(avatar)
        if performer.source is None:  # later ones may be chosen during a call, which would be measured too
            performer.shows = self._settings.size or side_kept(
                self._engine, crop(photo, box, self._engine.size)
            )
        return performer.use(photo, box, from_camera=from_camera, avatar=avatar)

    def _mode_settings(self, avatar: bool) -> ModeSettings:
        return ModeSettings(video=self._settings.video, refresh=not avatar, avatar=avatar)

    def _head_of(self, photo: Pixels, name: str) -> CropBox:
        """Return the head's square of the largest face.

        Raises:
            NoFaceFound: there is none.
        """
        faces = self._finder.find(photo)
        if not faces:
            raise NoFaceFound(name, "use a picture in which the face is larger and seen from the front")
        return upright_box(faces[0], self._engine.framing, *photo.shape[:2])

    def _likeness(self, photo: Pixels) -> Likeness:
        newest = self._newest()
        if newest is None:
            return Likeness(False, None, "the camera shows no picture to compare the photo with")
        return self._same_person.compare(photo, newest)

    def _is_same(self, source: Pixels, crop: Pixels) -> bool:
        """Say whether a picture from the camera may replace the source; where this cannot be measured, it may:
        it is of whoever sits before the camera."""
        return not self._same_person.available or self._same_person.compare(source, crop).same


def _refusal(likeness: Likeness) -> str:
    if likeness.problem:
        return (
            f"{likeness.problem}; without this check only `facewire call --allow-avatar` takes a chosen photo"
        )
    return (
        "the photo does not show the person before the camera: choose another, or start with --allow-avatar, "
        "which tells the other side"
    )
