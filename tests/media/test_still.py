"""Still pictures as bytes: every writer is read back, damage is one error."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from facewire.base.errors import ConfigError, MediaError
from facewire.media.frame import Pixels
from facewire.media.still import WRITERS, decode_photo, decode_still, encode_still


def smooth() -> Pixels:
    y, x = np.mgrid[0:64, 0:48]
    return np.stack((4 * y, 5 * x, 2 * (x + y)), axis=2).astype(np.uint8)


@pytest.mark.parametrize("kind", WRITERS)
def test_round_trip(kind: str) -> None:
    mime, data = encode_still(smooth(), kind, 90)
    assert mime == f"image/{kind}"
    assert np.abs(decode_still(data, mime, "x").astype(int) - smooth()).mean() < 4


@pytest.mark.parametrize("kind", WRITERS)
def test_quality_costs_bytes(kind: str) -> None:
    assert len(encode_still(smooth(), kind, 95)[1]) > len(encode_still(smooth(), kind, 10)[1])


@pytest.mark.parametrize(("kind", "quality"), [("gif", 50), ("avif", 0), ("avif", 101)])
def test_wrong_settings(kind: str, quality: int) -> None:
    with pytest.raises(ConfigError):
        encode_still(smooth(), kind, quality)


def test_bytes_of_another_type_are_refused() -> None:
    _, data = encode_still(smooth(), "webp", 50)
    with pytest.raises(MediaError, match="source"):
        decode_still(data, "image/avif", "source")


@pytest.mark.parametrize("data", [b"", b"x", bytes(500)])
@pytest.mark.parametrize("mime", ["image/avif", "image/png", "image/webp", "image/jpeg", "image/jxl"])
def test_damage_is_a_media_error(mime: str, data: bytes) -> None:
    with pytest.raises(MediaError):
        decode_still(data, mime, "source")


@pytest.mark.parametrize("kind", WRITERS)
def test_cut_and_flipped_bytes_give_a_picture_or_a_media_error(kind: str) -> None:
    mime, data = encode_still(smooth(), kind, 60)
    rng = np.random.default_rng(1)
    for _ in range(30):
        broken = bytearray(data[: rng.integers(1, len(data))])
        broken[rng.integers(len(broken))] ^= 1 << rng.integers(8)
        try:
            assert decode_still(bytes(broken), mime, "source").ndim == 3
        except MediaError:
            continue


@pytest.mark.parametrize("kind", ["webp", "jpeg"])
def test_photos_of_people_are_read_whatever_their_kind(kind: str) -> None:
    photo = decode_photo(encode_still(smooth(), kind, 90)[1], 64 * 48)
    assert np.abs(photo.astype(int) - smooth()).mean() < 4


def test_photos_of_people_are_upright() -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.fromarray(smooth()).save(out, "PNG", exif=exif)
    assert (decode_photo(out.getvalue(), 10_000) == np.rot90(smooth(), -1)).all()


@pytest.mark.parametrize("kind", ["avif", "webp"])
def test_photos_of_other_kinds_or_too_large_are_refused(kind: str) -> None:
    with pytest.raises(MediaError, match="photo"):
        decode_photo(encode_still(smooth(), kind, 50)[1], 64 * 48 if kind == "avif" else 64 * 48 - 1)
