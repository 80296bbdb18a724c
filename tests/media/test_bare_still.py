"""AVIF without its container and back: the same pixels, fewer bytes; what is otherwise stays in its file."""

from __future__ import annotations

import io
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from facewire.base.errors import MediaError
from facewire.media.bare_still import BARE, avif_of, bare_of
from facewire.media.frame import Pixels
from facewire.media.still import decode_still, encode_still


def picture_of(width: int, height: int) -> Pixels:
    """Return a smooth picture with an edge."""
    y, x = np.mgrid[:height, :width]
    picture = np.stack([x * 255 // width, y * 255 // height, np.where(x > y, 200, 40)], axis=2)
    return picture.astype(np.uint8)


def file_of(picture: Pixels, **options: object) -> bytes:
    """Return an AVIF file."""
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "AVIF", quality=50, max_threads=1, **options)
    return out.getvalue()


@pytest.mark.parametrize(("width", "height"), [(256, 256), (640, 640), (80, 48), (1023, 1025)])
def test_the_pixels_stay_and_the_boxes_go(width: int, height: int) -> None:
    picture = picture_of(width, height)
    kind, whole = encode_still(picture, "avif", 50)
    bare_kind, bare = encode_still(picture, "av1", 50)
    assert (kind, bare_kind) == ("image/avif", BARE)
    assert len(whole) - len(bare) == 273  # 275 of boxes and an empty delimiter less, 4 of size more
    assert bare[:4] == bytes((width & 255, width >> 8, height & 255, height >> 8))
    np.testing.assert_array_equal(decode_still(bare, BARE, "x"), decode_still(whole, kind, "x"))


def test_a_file_around_a_frame_loses_nothing_again() -> None:
    _, bare = encode_still(picture_of(64, 64), "av1", 50)
    assert bare_of(avif_of(bare)) == bare


def test_other_sampling_and_transparency_stay_in_their_file() -> None:
    assert bare_of(file_of(picture_of(64, 64), subsampling="4:4:4")) is None
    see_through = np.dstack([picture_of(64, 64), np.full((64, 64), 100, np.uint8)])
    assert bare_of(file_of(see_through, subsampling="4:2:0")) is None


@given(st.binary(max_size=400))
def test_any_bytes_are_a_picture_or_an_error(data: bytes) -> None:
    assert bare_of(data) is None
    with pytest.raises(MediaError):
        decode_still(data, BARE, "x")


def test_a_damaged_frame_is_an_error_or_a_picture_of_that_size() -> None:
    _, bare = encode_still(picture_of(64, 64), "av1", 50)
    for at in range(4, len(bare), 7):
        damaged = bytearray(bare)
        damaged[at] ^= 0x55
        with suppress(MediaError):
            assert decode_still(bytes(damaged), BARE, "x").shape == (64, 64, 3)
