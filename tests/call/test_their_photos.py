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
        photos.keep(photo, photos.prepare(photo, SIZE))
    assert [photos.person(epoch) is not None for epoch in range(KEPT + 2)] == [False] * 2 + [True] * KEPT
    assert photos.newest is photo
    photos.forget()
    assert photos.newest is None
    assert photos.person(KEPT + 1) is None


def test_a_photo_of_another_size_is_refused() -> None:
    photos = TheirPhotos(StandInEngine())
    with pytest.raises(MediaError):
        photos.prepare(_photo(1, SIZE // 2), SIZE)
    with pytest.raises(MediaError):
        photos.prepare(IncomingPhoto(1, bytes(32), b"no picture", avatar=False), SIZE)


def test_a_photo_is_at_most_as_large_as_this_side_shows_and_square() -> None:
    photos = TheirPhotos(StandInEngine())
    for side in (SIZE, SIZE + 2, 4 * SIZE):
        photos.prepare(_photo(1, side), 4 * SIZE)
    with pytest.raises(MediaError, match="pixels"):
        photos.prepare(_photo(1, 4 * SIZE + 2), 4 * SIZE)
    for height, width in ((2 * SIZE, SIZE), (SIZE, 2 * SIZE), (SIZE - 2, SIZE - 2), (SIZE + 1, SIZE + 1)):
        _, picture = encode_still(np.zeros((height, width, 3), np.uint8), "webp", 95)
        with pytest.raises(MediaError, match="square"):
            photos.prepare(IncomingPhoto(1, bytes(32), picture, avatar=False), 4 * SIZE)
    photos.prepare(_photo(1), 0)  # whoever says less than the networks make still shows that
