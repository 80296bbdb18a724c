"""The other side's photos: what is prepared, what is refused, how many are kept."""

from __future__ import annotations

import numpy as np
import pytest

from facewire.base.errors import MediaError
from facewire.call.conversation.source_photo import IncomingPhoto
from facewire.call.person.their_photos import KEPT, TheirPhotos
from facewire.media.still import encode_still
from tests.call.stand_ins import SIZE, StandInEngine


def _photo(epoch: int, side: int = SIZE) -> IncomingPhoto:
    _, picture = encode_still(np.full((side, side, 3), 10 * epoch, np.uint8), "webp", 95)
    return IncomingPhoto(epoch, bytes(32), picture, avatar=False)


def test_the_newest_photos_are_kept_until_they_are_forgotten() -> None:
    photos = TheirPhotos(StandInEngine())
    for epoch in range(KEPT + 2):
        photo = _photo(epoch)
        photos.keep(photo, photos.prepare(photo))
    assert [photos.person(epoch) is not None for epoch in range(KEPT + 2)] == [False] * 2 + [True] * KEPT
    assert photos.newest is photo
    photos.forget()
    assert photos.newest is None
    assert photos.person(KEPT + 1) is None


def test_a_photo_of_another_size_is_refused() -> None:
    photos = TheirPhotos(StandInEngine())
    with pytest.raises(MediaError):
        photos.prepare(_photo(1, SIZE // 2))
    with pytest.raises(MediaError):
        photos.prepare(IncomingPhoto(1, bytes(32), b"no picture", avatar=False))
