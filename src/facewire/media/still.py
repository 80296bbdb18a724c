"""Still pictures as bytes inside other files: AVIF with and without its container, WebP, JPEG and PNG in, all but PNG
out; and both ways the key pictures of H.264 and H.265 streams.

Bytes may come from anywhere: their size is checked before anything is decoded. Knows nothing about faces.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
from PIL import Image, features

from facewire.base.errors import ConfigError, MediaError
from facewire.media.bare_still import BARE, avif_of, bare_of
from facewire.media.carrier.key_picture import KEY_CODECS, decode_key, encode_key
from facewire.media.frame import Pixels, check_pixels
from facewire.media.image import MAX_PIXELS, pillow_errors, to_rgb

READERS: Final = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP", "image/avif": "AVIF"}
"""Types that can be read here, and Pillow's names for them."""
PHOTOS: Final = ("JPEG", "PNG", "WEBP")
"""What is taken from people; nothing else is even tried."""
WRITERS: Final = ("av1", "avif", "webp", "jpeg")
AV1: Final = "av1"
"""AVIF without its container (`media.bare_still`)."""
KEY_PICTURES: Final = {f"video/{kind}": kind for kind in KEY_CODECS}
"""Types of pictures that are access units of a video stream; no picture file."""
AVIF_SPEED = 3
"""0 takes longest and 10 makes the largest files."""
LOWEST, HIGHEST = 1, 100
"""Qualities of the writers; 100 is the best."""


def encode_still(pixels: Pixels, kind: str, quality: int) -> tuple[str, bytes]:
    """Return the type and the bytes of a picture.

    Args:
        pixels: uint8 [H, W, 3].
        kind: "av1", "avif", "webp" or "jpeg"; "h264" or "h265" for the key picture of a stream.
        quality: 1 to 100 on the writer's own scale.

    Raises:
        ConfigError: kind or quality is unknown, or this Pillow cannot write it.
    """
    check_pixels("pixels", pixels)
    if kind in KEY_CODECS:
        return f"video/{kind}", encode_key(pixels, kind, quality)
    check_still(kind, quality)
    options: dict[str, dict[str, object]] = {
        "avif": {"speed": AVIF_SPEED, "subsampling": "4:2:0", "max_threads": 1},
        "webp": {"method": 6},
        "jpeg": {"optimize": True, "progressive": True},
    }
    writer = "avif" if kind == AV1 else kind
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, writer.upper(), quality=quality, **options[writer])
    bare = bare_of(out.getvalue()) if kind == AV1 else None
    return (f"image/{writer}", out.getvalue()) if bare is None else (BARE, bare)


def check_still(kind: str, quality: int) -> None:
    """Find out whether `encode_still` could write such a picture.

    Raises:
        ConfigError: kind or quality is unknown, or this Pillow cannot write it.
    """
    if kind not in WRITERS:
        raise ConfigError("still codec", kind, ", ".join(WRITERS))
    if not LOWEST <= quality <= HIGHEST:
        raise ConfigError("still quality", quality, f"{LOWEST} to {HIGHEST}")
    if kind in (AV1, "avif") and not features.check("avif"):
        raise ConfigError("still codec", kind, "webp or jpeg; this Pillow has no AVIF")


def decode_still(data: bytes, kind: str, name: str, most_pixels: int = MAX_PIXELS) -> Pixels:
    """Return the picture of bytes of a type, uint8 [H, W, 3].

    Args:
        data: the bytes.
        kind: a key of `READERS` or `KEY_PICTURES`, or `bare_still.BARE`.
        name: for error texts.
        most_pixels: refuse more than this.

    Raises:
        MediaError: it is of another type, damaged, too large, or a type that cannot be read here.
    """
    if kind in KEY_PICTURES:
        return decode_key(data, KEY_PICTURES[kind], name, most_pixels)
    if kind == BARE:
        return _decode(avif_of(data, name), ["AVIF"], name, most_pixels)
    reader = READERS.get(kind)
    if reader is None:
        raise MediaError(name, f"holds a picture of type {kind}, which cannot be read here")
    return _decode(data, [reader], name, most_pixels)


def decode_photo(data: bytes, most_pixels: int, name: str = "photo") -> Pixels:
    """Return the picture of bytes that somebody sent, a JPEG, PNG or WebP file, uint8 [H, W, 3], upright.

    Args:
        data: the bytes.
        most_pixels: refuse more than this.
        name: for error texts.

    Raises:
        MediaError: it is none of these, damaged, or too large.
    """
    return _decode(data, PHOTOS, name, most_pixels)


def _decode(data: bytes, formats: Sequence[str], name: str, most_pixels: int) -> Pixels:
    with pillow_errors(name):
        picture = Image.open(io.BytesIO(data), formats=list(formats))
        if picture.width * picture.height > most_pixels:
            raise MediaError(name, f"holds a picture of more than {most_pixels:,} pixels: use a smaller one")
    return np.ascontiguousarray(to_rgb(picture, name))
