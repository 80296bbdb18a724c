"""Pictures as bytes in memory, for what must never touch a disk: a caller's photo."""

from __future__ import annotations

import io
import warnings

import numpy as np
from PIL import Image

from facewire.base.errors import MediaError
from facewire.media.frame import Pixels, check_pixels

FORMATS = ("JPEG", "PNG", "WEBP")
"""What is taken from outside; nothing else is even tried."""
MIME_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


def encode_webp(pixels: Pixels, quality: int = 85) -> bytes:
    """Return a picture [H, W, 3] as WebP."""
    check_pixels("pixels", pixels)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "WEBP", quality=quality, method=4)
    return out.getvalue()


def decode_picture(data: bytes, most_pixels: int, name: str = "photo") -> Pixels:
    """Return the picture in some bytes as RGB [H, W, 3], upright.

    Args:
        data: a JPEG, PNG or WebP file.
        most_pixels: refuse more than this; looked at before anything is decoded.
        name: for error texts.

    Raises:
        MediaError: not such a picture, damaged, or too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=list(FORMATS)) as picture:
                if picture.width * picture.height > most_pixels:
                    raise MediaError(name, f"has more than {most_pixels:,} pixels: use a smaller one")
                picture.load()
                return np.array(_upright(picture).convert("RGB"))
    except MediaError:
        raise
    except Exception as error:
        # Broad on purpose: on hostile bytes decoders raise OSError, SyntaxError, ValueError, struct.error ...
        raise MediaError(
            name, f"is no picture that can be read ({type(error).__name__}): use JPEG, PNG or WebP"
        ) from None


def _upright(picture: Image.Image) -> Image.Image:
    """Undo the EXIF orientation; damaged EXIF data count as none."""
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # the EXIF parser raises whatever its input leads to; the picture itself is fine
        return picture
