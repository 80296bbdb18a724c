"""Pictures in and out through Pillow, always as uint8 [H, W, 3] RGB.

What every picture goes through, whatever its file looks like:

    stored pixels -> upright (EXIF orientation) -> 8 bits -> sRGB (ICC profile) -> transparency on white

Transparent places become white, because that is what a viewer shows behind a cut-out portrait. 16-bit values
are scaled, not cut off. Numbers without a colour profile are taken as sRGB.

Knows nothing about faces or about video streams.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, UnidentifiedImageError

from facewire.base.errors import MediaError, OutputError
from facewire.base.files import atomic_output, check_regular_file
from facewire.media.colour_profile import to_srgb
from facewire.media.frame import Pixels, check_pixels
from facewire.media.marks.content_credentials import configured, sign
from facewire.media.marks.synthetic_mark import picture_options

MAX_PIXELS = 80_000_000
"""Largest picture that is decoded (width * height). A small file can claim a huge picture to exhaust memory;
this many pixels take 240 MB as RGB and are more than nearly all cameras deliver."""

_FORMATS = ("AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
"""Pillow readers in use. Of the others, some accept files without any signature and one starts a program."""

_READERS = ("Avif", "Bmp", "Gif", "Jpeg", "Jpeg2K", "Png", "Ppm", "Tiff", "WebP")
"""The modules of Pillow that they lie in."""

_ANIMATED_FORMATS = ("AVIF", "GIF", "PNG", "WEBP")

_ORIENTATION_TAG = 0x0112  # EXIF

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> the operation that undoes it. 1 and unknown values mean upright."""

_SAVERS: dict[str, tuple[str, dict[str, object]]] = {
    ".png": ("PNG", {}),
    ".jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".webp": ("WEBP", {"quality": 95, "method": 4}),
}

Filter = Literal["bilinear", "bicubic", "lanczos"]
_FILTERS: dict[Filter, Image.Resampling] = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}

_DEFAULT_DURATION_MS = 100
"""For animation frames that state 0 ms or nothing; what browsers use."""


@dataclass(frozen=True, slots=True, eq=False)
class TimedPicture:
    """One picture of an animation."""

    pixels: Pixels
    """uint8 [H, W, 3]."""
    duration_ms: int
    """How long it is shown, in milliseconds, above zero."""


def load_image(path: str | Path) -> Pixels:
    """Return a file's picture as uint8 [H, W, 3] RGB, upright, transparency on white; of several, the first.

    Raises:
        MediaError: missing, empty, cut off, not a picture, or larger than `MAX_PIXELS`.
    """
    with _opened(path) as picture:
        return to_rgb(picture, path)


def save_image(path: str | Path, pixels: Pixels, *, overwrite: bool = True, synthetic: bool = False) -> None:
    """Write uint8 [H, W, 3] as PNG (lossless), JPEG or WebP (near lossless), chosen by the suffix. Atomic.

    `synthetic` says in the file that a model made the picture, signed where a certificate is named.

    Raises:
        OutputError: unknown suffix, or the file cannot be written.
        ConfigError: the named certificate cannot be used.
    """
    check_pixels("pixels", pixels)
    check_picture_name(path)
    suffix = Path(path).suffix.lower()
    format_name, options = _SAVERS[suffix]
    signer = configured() if synthetic else None
    marks = picture_options(format_name) if synthetic else {}
    encoded = io.BytesIO()
    try:
        Image.fromarray(pixels).save(encoded, format_name, **options, **marks)
    except (OSError, ValueError) as error:  # e.g. more pixels per side than the format allows
        raise OutputError(path, f"{format_name} cannot store this picture ({error}): use .png") from error
    with atomic_output(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(encoded.getbuffer())
        if signer is not None:
            sign(temporary, suffix, signer)


def check_picture_name(path: str | Path) -> None:
    """Raise OutputError unless `save_image` writes files with this suffix."""
    suffix = Path(path).suffix.lower()
    if suffix not in _SAVERS:
        raise OutputError(
            path, f"cannot save a picture as {suffix or 'a name without suffix'}: use {_names()}"
        )


def resize(
    pixels: Pixels,
    size: tuple[int, int],
    window: tuple[float, float, float, float] | None = None,
    method: Filter = "lanczos",
) -> Pixels:
    """Return `pixels` resampled to `size` (width, height), with the filter's support widened when shrinking.

    The one resampling policy of the project; uint8 [H, W, 3] in and out. `window` is the part that is taken, left,
    top, right, bottom in pixels with fractions; by default everything. Only what networks were trained on has another
    filter than Lanczos.
    """
    check_pixels("pixels", pixels)
    return np.array(Image.fromarray(pixels).resize(size, _FILTERS[method], box=window))


def is_picture(path: str | Path) -> bool:
    """Whether the file starts like a picture that `load_image` reads. False also for unreadable files."""
    try:
        with _opened(path):
            return True
    except MediaError:
        return False


def animation(path: str | Path) -> Iterator[TimedPicture]:
    """Yield the pictures of an animated GIF, WebP, AVIF or PNG one by one; of a still picture the only one.

    Raises:
        MediaError: as `load_image`; in the middle of the iteration where the file is cut off.
    """
    with _opened(path) as picture:
        for index in count() if picture.format in _ANIMATED_FORMATS else range(1):
            with pillow_errors(path):
                try:
                    picture.seek(index)
                except EOFError:  # Pillow's way to say that there are no more
                    return
                pixels = to_rgb(picture, path)
                duration_ms = int(picture.info.get("duration") or 0)
            yield TimedPicture(pixels, duration_ms if duration_ms > 0 else _DEFAULT_DURATION_MS)


@contextmanager
def _opened(path: str | Path) -> Iterator[Image.Image]:
    """Open a picture without decoding it; its size is checked."""
    check_regular_file(Path(path))
    with pillow_errors(path):
        _load_readers()
        known = [name for name in _FORMATS if name in Image.OPEN]
        picture = Image.open(path, formats=known)
    with picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise _too_large(path)
        yield picture


def _load_readers() -> None:
    """Load the readers in use; `Image.init` would load forty others, which takes longer than a small picture."""
    for name in _READERS:
        with suppress(ImportError):
            import_module(f"PIL.{name}ImagePlugin")


@contextmanager
def pillow_errors(path: str | Path) -> Iterator[None]:
    """The border to Pillow: whatever a malformed file makes it raise becomes MediaError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # oddities in metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except MediaError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError, MemoryError) as error:
        raise _too_large(path) from error
    except PermissionError as error:
        raise MediaError(path, "no permission to read it: change its permissions") from error
    except UnidentifiedImageError as error:
        raise MediaError(
            path, "is not a picture of a known kind: save it as PNG or JPEG (phones: not HEIC)"
        ) from error
    except Exception as error:
        # Broad on purpose: on malformed files Pillow's decoders raise OSError, SyntaxError, ValueError,
        # KeyError, IndexError, TypeError, EOFError, struct.error, zlib.error and more.
        raise MediaError(
            path, f"the picture is damaged or cut off ({error}): save or copy it again"
        ) from error


def _too_large(path: str | Path) -> MediaError:
    return MediaError(path, f"the picture has more than {MAX_PIXELS:,} pixels: make it smaller")


def to_rgb(picture: Image.Image, path: str | Path) -> Pixels:
    """Decode the current picture into upright RGB."""
    with pillow_errors(path):
        picture.load()
        upright = _upright(picture)
        if upright.mode == "F":
            raise MediaError(path, "floating-point pictures have no agreed range: save it with 8 or 16 bits")
        if upright.mode.startswith("I"):
            upright = Image.fromarray(_high_byte(np.asarray(upright)))
        colours = np.array(to_srgb(upright, picture.info.get("icc_profile"), path))
        if upright.has_transparency_data:
            alpha = np.asarray(upright.convert("RGBA"))[:, :, 3:]
            return on_white(np.concatenate((colours, alpha), axis=2))
        return colours


def _upright(picture: Image.Image) -> Image.Image:
    """Undo the EXIF orientation. Damaged EXIF data count as none."""
    try:
        orientation = picture.getexif().get(_ORIENTATION_TAG)
    except Exception:
        # Broad on purpose: the EXIF parser raises whatever its malformed input leads to; the picture itself
        # is fine.
        return picture
    operation = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return picture if operation is None else picture.transpose(operation)


def _high_byte(values: np.ndarray) -> np.ndarray:
    """Scale 16-bit gray values, 0..65535, to uint8 with rounding."""
    clipped = np.clip(values.astype(np.int64), 0, 65535)
    return ((clipped * 255 + 32767) // 65535).astype(np.uint8)


def on_white(rgba: np.ndarray) -> Pixels:
    """Return uint8 [H, W, 4] with straight alpha composited on white, as uint8 [H, W, 3], rounded."""
    colour = rgba[:, :, :3].astype(np.uint16)
    alpha = rgba[:, :, 3:].astype(np.uint16)
    # The largest sum is 255 * 255 + 127, inside uint16.
    return ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _names() -> str:
    return ", ".join(_SAVERS)
