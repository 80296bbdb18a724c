"""Pieces of picture that lie over the synthesised one (docs/bitstream.md section 9.5)."""

from __future__ import annotations

from facewire.animation.animator import Pixels
from facewire.base.errors import MediaError
from facewire.bitstream.sections import MIME_TYPES, Patch
from facewire.media.still import decode_still
from facewire.talks.picture_size import MOST_SOURCE_PIXELS

MOST_HELD = 64
"""Of more patches the oldest are dropped."""


class Patches:
    """The patches that a receiver holds, oldest first."""

    def __init__(self) -> None:
        self._held: list[tuple[Patch, Pixels]] = []

    def add(self, patch: Patch) -> None:
        """Take a patch.

        Raises:
            MediaError: its picture cannot be read or has another size than it says.
        """
        picture = decode_still(patch.picture, MIME_TYPES[patch.mime], "patch", MOST_SOURCE_PIXELS)
        if picture.shape[:2] != (patch.height, patch.width):
            raise MediaError("patch", f"says {patch.width}x{patch.height}, its picture has another size")
        self._held = [*self._held[1 - MOST_HELD :], (patch, picture)]

    def new_source(self) -> None:
        """Drop the patches that last until the next source."""
        self._held = [(patch, picture) for patch, picture in self._held if patch.duration]

    def over(self, shown: Pixels, number: int) -> Pixels:
        """Return the picture of frame `number` with its patches on it."""
        self._held = [(p, q) for p, q in self._held if not p.duration or p.frame + p.duration > number]
        due = [(patch, picture) for patch, picture in self._held if patch.frame <= number]
        if due:
            shown = shown.copy()
        for patch, picture in due:
            shown[patch.y : patch.y + patch.height, patch.x : patch.x + patch.width] = picture
        return shown
