"""Pictures with an ICC profile (Display P3, Adobe RGB, ProPhoto, CMYK, grey) to sRGB, by Pillow's ImageCms.

A profile that is damaged, or of another kind than its picture, is ignored with a warning: numbers are then taken
as sRGB.
"""

from __future__ import annotations

import io
import logging
from pathlib import Path

from PIL import Image, ImageCms

_log = logging.getLogger(__name__)

_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "LAB": "LAB"}
"""Pillow's mode by the profile's colour space."""
_GREY_MODES = frozenset({"1", "L", "LA", "La"})


def to_srgb(picture: Image.Image, profile: object, path: str | Path) -> Image.Image:
    """Return a picture in mode RGB and in sRGB, without its transparency.

    Args:
        picture: of 8 bits or less.
        profile: the bytes of an ICC profile; anything else, and b"", is none.
        path: for the warning.
    """
    if isinstance(profile, bytes) and profile:
        try:
            return _converted(picture, profile)
        except Exception as error:
            # Broad on purpose: ImageCms raises PyCMSError, OSError, ValueError, KeyError and more on what a file
            # may hold, and ImportError where Pillow was built without it. The picture itself is fine.
            reason = " ".join(str(error).split())
            _log.warning("%s: its colour profile cannot be used (%s) and is ignored", path, reason)
    return _plain(picture)


def _converted(picture: Image.Image, profile: bytes) -> Image.Image:
    own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    space = own.profile.xcolor_space.strip()
    mode = _MODES.get(space)
    if mode is None or not _fits(picture.mode, mode):
        raise ValueError(f"it is for {space}, the picture is {picture.mode}")
    transform = ImageCms.buildTransform(
        own,
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    shown = ImageCms.applyTransform(_plain(picture) if mode == "RGB" else picture.convert(mode), transform)
    assert shown is not None  # only a conversion in place returns None
    return shown


def _fits(picture_mode: str, profile_mode: str) -> bool:
    """Return whether a profile can be that of a picture; grey pictures are often labelled with one for RGB."""
    if profile_mode == "L":
        return picture_mode in _GREY_MODES
    if profile_mode == "RGB":
        return picture_mode not in ("CMYK", "LAB")
    return picture_mode == profile_mode


def _plain(picture: Image.Image) -> Image.Image:
    """Return the numbers as RGB, without transparency."""
    return picture.convert("RGBA").convert("RGB") if picture.has_transparency_data else picture.convert("RGB")
