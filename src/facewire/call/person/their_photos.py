"""The other side's photos, prepared to be drawn."""

from __future__ import annotations

from facewire.base.errors import MediaError
from facewire.call.conversation.source_photo import IncomingPhoto
from facewire.call.person.engine import FaceEngine
from facewire.call.person.portrait import Portrait
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
        self._people: dict[int, Portrait] = {}
        self.newest: IncomingPhoto | None = None
        """The last one that was kept, which a new connection need not send again."""

    def prepare(self, photo: IncomingPhoto, shows: int) -> Portrait:
        """Decode and prepare a photo, a square of the networks' size up to what this side shows, of an even number of
        pixels, since ordinary video has no others. Slow: any thread may do it.

        Args:
            photo: as it came.
            shows: side of the largest face that this side said it shows, pixels.

        Raises:
            MediaError: it is no such picture.
        """
        least, most = self._engine.size, max(self._engine.size, shows)
        picture = decode_photo(photo.picture, most * most, "the other side's photo")
        height, width = picture.shape[:2]
        if height != width or width % 2 or not least <= width <= most:
            raise MediaError(
                "the other side's photo", f"is no square of {least} to {most} pixels, an even number"
            )
        return self._engine.person(picture)

    def keep(self, photo: IncomingPhoto, person: Portrait) -> None:
        """Keep a prepared photo and drop the oldest."""
        self._people[photo.epoch] = person
        for old in [epoch for epoch in self._people if epoch <= photo.epoch - KEPT]:
            del self._people[old]
        self.newest = photo

    def person(self, epoch: int) -> Portrait | None:
        """Return the person of an epoch, None if there is no photo of it."""
        return self._people.get(epoch)

    def forget(self) -> None:
        """Drop all of them."""
        self._people.clear()
        self.newest = None
