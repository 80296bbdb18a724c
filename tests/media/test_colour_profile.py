"""Photos with ICC profiles: the same colours whatever space and file they are stored in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from facewire.media.image import load_image
from facewire.media.video import VideoReader
from tests.media.profiles import (
    ADOBE_RGB,
    DISPLAY_P3,
    PROPHOTO,
    Primaries,
    cmyk_profile,
    grey_profile,
    matrix_profile,
    srgb_light,
    stored,
)

COLOURS = np.array(
    [[200, 150, 120], [90, 60, 45], [40, 120, 200], [180, 60, 60], [128, 128, 128], [250, 250, 250]]
)
"""sRGB; the first two are skin."""
BAR = 16
SPACES: dict[str, tuple[Primaries, float]] = {
    "Display P3": (DISPLAY_P3, 2.2),
    "Adobe RGB": (ADOBE_RGB, 2.2),
    "ProPhoto": (PROPHOTO, 1.8),
}


def wide(row: np.ndarray) -> np.ndarray:
    """Return bars of BAR pixels."""
    return np.repeat(np.repeat(row[None], BAR, axis=0), BAR, axis=1)


def bars(path: Path) -> np.ndarray:
    return load_image(path)[BAR // 2, BAR // 2 :: BAR].astype(int)


def save(path: Path, picture: Image.Image, profile: bytes | None) -> Path:
    options: dict[str, Any] = {} if path.suffix == ".tif" else {"quality": 100}
    options |= {"subsampling": "4:4:4"} if path.suffix in (".jpg", ".avif") else {}
    picture.save(path, icc_profile=profile, **options)
    return path


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".avif"])
@pytest.mark.parametrize("space", SPACES)
def test_every_space_in_every_file(space: str, suffix: str, tmp_path: Path) -> None:
    primaries, gamma = SPACES[space]
    numbers = stored(COLOURS, primaries, gamma)
    assert np.abs(numbers.astype(int) - COLOURS).max() > 12
    path = save(tmp_path / f"x{suffix}", Image.fromarray(wide(numbers)), matrix_profile(primaries, gamma))
    limit = {".png": 3, ".tif": 3}.get(suffix, 8)  # lossy files are off by themselves
    assert np.abs(bars(path) - COLOURS).max() <= limit


def test_srgb_and_no_profile_keep_their_numbers(tmp_path: Path) -> None:
    numbers = np.array(COLOURS, np.uint8)
    plain = save(tmp_path / "plain.png", Image.fromarray(wide(numbers)), None)
    assert (bars(plain) == COLOURS).all()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    labelled = save(tmp_path / "srgb.png", Image.fromarray(wide(numbers)), profile)
    assert np.abs(bars(labelled) - COLOURS).max() <= 1


def test_transparency_palette_and_rotation_go_along(tmp_path: Path) -> None:
    profile = matrix_profile(ADOBE_RGB, 2.2)
    picture = Image.fromarray(wide(stored(COLOURS, ADOBE_RGB, 2.2)))
    picture.putalpha(Image.fromarray(wide(np.array([255, 255, 255, 255, 255, 0], np.uint8))))
    assert np.abs(bars(save(tmp_path / "alpha.png", picture, profile)) - [*COLOURS[:5], [255] * 3]).max() <= 3
    palette = picture.convert("RGB").quantize(16)
    assert np.abs(bars(save(tmp_path / "palette.png", palette, profile)) - COLOURS).max() <= 6
    turned = Image.Exif()
    turned[0x0112] = 3
    upside_down = picture.convert("RGB").rotate(180)
    upside_down.save(tmp_path / "turned.png", icc_profile=profile, exif=turned)
    assert np.abs(bars(tmp_path / "turned.png") - COLOURS).max() <= 3


@pytest.mark.parametrize("bits", [8, 16])
def test_grey_pictures_with_grey_profiles(bits: int, tmp_path: Path) -> None:
    grey = COLOURS[:, 0]
    most = 2**bits - 1
    numbers = np.round(most * srgb_light(grey / 255) ** (1 / 1.8)).astype(f"uint{bits}")
    path = save(tmp_path / "grey.png", Image.fromarray(wide(numbers)), grey_profile(1.8))
    assert np.abs(bars(path) - grey[:, None]).max() <= 2


def test_grey_pictures_with_profiles_for_colour(tmp_path: Path) -> None:
    grey = np.repeat(COLOURS[:, :1], 3, axis=1)
    numbers = stored(grey, PROPHOTO, 1.8)[:, 0]
    path = save(tmp_path / "grey.jpg", Image.fromarray(wide(numbers)), matrix_profile(PROPHOTO, 1.8))
    assert np.abs(bars(path) - grey).max() <= 3


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk(suffix: str, tmp_path: Path) -> None:
    inks = np.array([[0, 0, 0, 0], [0, 0, 0, 255], [255, 255, 0, 0]], np.uint8)
    picture = Image.fromarray(wide(inks), "CMYK")
    white, black, blue = bars(save(tmp_path / f"plain{suffix}", picture, None))
    assert white.min() > 250
    assert black.max() < 5
    assert blue.argmax() == 2
    white, black, red = bars(save(tmp_path / f"labelled{suffix}", picture, cmyk_profile()))
    assert white.min() > 250
    assert black.max() < 5
    assert red.argmax() == 0
    assert red[0] - red[1:].max() > 60


@pytest.mark.parametrize(
    "profile",
    [b"no profile", bytes(200), matrix_profile(ADOBE_RGB, 2.2)[:150], grey_profile(2.2), cmyk_profile()],
    ids=["text", "zeros", "cut", "of grey", "of CMYK"],
)
def test_what_is_no_profile_of_the_picture_is_ignored_with_a_word(
    profile: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = save(tmp_path / "x.png", Image.fromarray(wide(np.array(COLOURS, np.uint8))), profile)
    assert (bars(path) == COLOURS).all()
    assert caplog.text.count("x.png: its colour profile cannot be used") == 1


def test_animations_have_profiles_too(tmp_path: Path) -> None:
    picture = Image.fromarray(wide(stored(COLOURS, DISPLAY_P3, 2.2)))
    other = Image.fromarray(255 - np.asarray(picture))
    path = tmp_path / "x.webp"
    profile = matrix_profile(DISPLAY_P3, 2.2)
    picture.save(path, save_all=True, append_images=[other], lossless=True, icc_profile=profile)
    with VideoReader(path) as reader:
        first, _ = (frame.pixels[BAR // 2, BAR // 2 :: BAR].astype(int) for frame in reader)
    assert np.abs(first - COLOURS).max() <= 3
