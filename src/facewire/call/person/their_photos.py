"""The other side's photos, prepared to be drawn."""

from __future__ import annotations

from facewire.base.errors import MediaError
from facewire.call.conversation.source_photo import IncomingPhoto
from facewire.call.person.engine import FaceEngine
from facewire.engines.engine import Prepared
from facewire.media.still import decode_photo

KEPT = 4
"""Photos at most: as many epochs as a stream can tell apart."""


class TheirPhotos:
    """The newest photos of the other side, by epoch.

    Args:
        engine: the networks.
    """

    def __init__(self, engine: FaceEngine) -> None:
        self._engine = engine
        self._people: dict[int, Prepared] = {}
        self.newest: IncomingPhoto | None = None
        """The last one that was kept, which a new connection need not send again."""

    def prepare(self, photo: IncomingPhoto) -> Prepared:
        """Decode and prepare a photo, which must be a picture of the agreed size. Slow: any thread may do it.

        Raises:
            MediaError: it is not.
        """
        size = self._engine.size
        picture = decode_photo(photo.picture, size * size, "the other side's photo")
        if picture.shape != (size, size, 3):
            raise MediaError("the other side's photo", f"is not {size}x{size} pixels")
        return self._engine.person(picture)

    def keep(self, photo: IncomingPhoto, person: Prepared) -> None:
        """Keep a prepared photo and drop the oldest."""
        self._people[photo.epoch] = person
        for old in [epoch for epoch in self._people if epoch <= photo.epoch - KEPT]:
            del self._people[old]
        self.newest = photo

    def person(self, epoch: int) -> Prepared | None:
        """Return the person of an epoch, None if there is no photo of it."""
        return self._people.get(epoch)

    def forget(self) -> None:
        """Drop all of them."""
        self._people.clear()
        self.newest = None
