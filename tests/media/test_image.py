"""Pictures of every kind come out upright, opaque, 8-bit RGB; anything else is one clear line."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from facewire.base.errors import MediaError, OutputError, ShapeError
from facewire.media import image
from facewire.media.image import animation, is_picture, load_image, on_white, resize, save_image

from .synthetic import corners, error_line, quadrants

COLOUR = (200, 100, 50)


def png_claiming(width: int, height: int) -> bytes:
    """A PNG header with no picture behind it."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + header
        + struct.pack(">I", zlib.crc32(header))
        + struct.pack(">I", 0)
        + b"IDAT"
        + struct.pack(">I", zlib.crc32(b"IDAT"))
    )


def encoded(format_name: str, pixels: np.ndarray, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format_name, **options)
    return stream.getvalue()


class TestLoad:
    @pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp", "tiff", "gif", "ppm"])
    def test_formats(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"x.{suffix}"
        Image.fromarray(quadrants()).save(path)
        pixels = load_image(path)
        assert pixels.dtype == np.uint8
        assert pixels.flags.c_contiguous
        assert pixels.flags.writeable
        assert pixels.shape == quadrants().shape
        assert corners(pixels) == "RGBW"

    def test_suffix_does_not_matter(self, tmp_path: Path) -> None:
        path = tmp_path / "photo.txt"
        path.write_bytes(encoded("PNG", quadrants()))
        assert (load_image(path) == quadrants()).all()

    @pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tiff"])
    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_exif_orientation(self, tmp_path: Path, suffix: str, orientation: int) -> None:
        upright = quadrants()
        # EXIF names the visual side of the stored row 0 and column 0; numpy says how to get there.
        stored = {
            1: upright,  # top, left
            2: np.fliplr(upright),  # top, right
            3: np.rot90(upright, 2),  # bottom, right
            4: np.flipud(upright),  # bottom, left
            5: upright.swapaxes(0, 1),  # left, top
            6: np.rot90(upright, 1),  # right, top
            7: np.rot90(upright, 2).swapaxes(0, 1),  # right, bottom
            8: np.rot90(upright, -1),  # left, bottom
        }[orientation]
        exif = Image.Exif()
        exif[0x0112] = orientation
        path = tmp_path / f"x.{suffix}"
        Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif)
        assert corners(load_image(path)) == "RGBW"
        assert load_image(path).shape == upright.shape

    def test_damaged_exif_is_ignored(self, tmp_path: Path) -> None:
        content = encoded("JPEG", quadrants(), exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7f garbage")
        path = tmp_path / "x.jpg"
        path.write_bytes(content)
        assert corners(load_image(path)) == "RGBW"

    def test_transparency_becomes_white(self, tmp_path: Path) -> None:
        path = tmp_path / "x.png"
        pixels = np.zeros((2, 2, 4), np.uint8)
        pixels[0, 0] = (10, 20, 30, 255)
        pixels[0, 1] = (10, 20, 30, 0)
        pixels[1, 0] = (0, 100, 255, 128)
        Image.fromarray(pixels).save(path)
        result = load_image(path)
        assert tuple(result[0, 0]) == (10, 20, 30)
        assert tuple(result[0, 1]) == (255, 255, 255)
        assert np.abs(result[1, 0].astype(int) - (127, 177, 255)).max() <= 1

    @pytest.mark.parametrize("mode", ["LA", "PA"])
    def test_other_alpha_modes(self, tmp_path: Path, mode: str) -> None:
        path = tmp_path / "x.tiff"
        picture = Image.new(mode, (4, 4), (100, 0))
        if mode == "PA":
            picture.putpalette(list(range(256)) * 3)
        picture.save(path)
        assert (load_image(path) == 255).all()

    def test_palette_with_transparent_entry(self, tmp_path: Path) -> None:
        path = tmp_path / "x.png"
        picture = Image.new("P", (2, 1))
        picture.putpalette([*COLOUR, 0, 0, 0])
        picture.putpixel((1, 0), 1)
        picture.save(path, transparency=1)
        assert load_image(path).tolist() == [[list(COLOUR), [255, 255, 255]]]
        picture.save(path, transparency=b"\xff\x00")
        assert load_image(path).tolist() == [[list(COLOUR), [255, 255, 255]]]

    @pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr"])
    def test_other_modes(self, tmp_path: Path, mode: str) -> None:
        path = tmp_path / "x.tiff"
        Image.new("RGB", (4, 4), (255, 255, 255)).convert(mode).save(path)
        assert (load_image(path) == 255).all()

    def test_lab(self, tmp_path: Path) -> None:
        path = tmp_path / "x.tiff"
        Image.new("LAB", (4, 4), (255, 128, 128)).save(path)
        assert (load_image(path) >= 253).all()

    def test_cmyk_jpeg(self, tmp_path: Path) -> None:
        path = tmp_path / "x.jpg"
        Image.new("RGB", (16, 16), COLOUR).convert("CMYK").save(path, quality=95)
        assert np.abs(load_image(path).astype(int) - COLOUR).max() <= 3

    @pytest.mark.parametrize("suffix", ["png", "tiff"])
    def test_16_bit_gray(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"x.{suffix}"
        Image.fromarray(np.array([[0, 257, 32896, 65535, 128, 129]], np.uint16)).save(path)
        assert load_image(path)[0, :, 0].tolist() == [0, 1, 128, 255, 0, 1]
        assert load_image(path).shape == (1, 6, 3)

    def test_16_bit_colour(self, tmp_path: Path) -> None:
        def chunk(kind: bytes, content: bytes) -> bytes:
            return (
                struct.pack(">I", len(content))
                + kind
                + content
                + struct.pack(">I", zlib.crc32(kind + content))
            )

        row = b"\x00" + struct.pack(">3H", 65535, 32896, 0)
        path = tmp_path / "x.png"
        path.write_bytes(
            b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(row))
            + chunk(b"IEND", b"")
        )
        assert load_image(path).tolist() == [[[255, 128, 0]]]

    def test_float_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "x.tiff"
        Image.fromarray(np.ones((2, 2), np.float32)).save(path)
        with pytest.raises(MediaError, match="floating-point"):
            load_image(path)

    def test_first_of_an_animation(self, tmp_path: Path) -> None:
        path = tmp_path / "x.gif"
        first, second = (Image.new("RGB", (4, 4), colour) for colour in ((255, 0, 0), (0, 0, 255)))
        first.save(path, save_all=True, append_images=[second], duration=100)
        assert tuple(load_image(path)[0, 0]) == (255, 0, 0)


class TestRefuse:
    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "empty"),
            (b"hello, this is text\n" * 20, "not a picture"),
            (b"\x00" * 500, "not a picture"),
            (b"%PDF-1.7 ...", "not a picture"),
            (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
            (b"\x89PNG\r\n\x1a\n", "not a picture|damaged"),
            (png_claiming(20_000, 20_000), "more than 80,000,000 pixels"),
            (png_claiming(2**31 - 1, 2**31 - 1), "more than 80,000,000 pixels"),
            (png_claiming(9_000, 9_000), "more than 80,000,000 pixels"),
            (png_claiming(100, 100), "damaged or cut off"),
        ],
    )
    def test_content(self, tmp_path: Path, content: bytes, reason: str) -> None:
        path = tmp_path / "x.png"
        path.write_bytes(content)
        with pytest.raises(MediaError, match=reason) as caught:
            load_image(path)
        error_line(caught.value)
        assert not isinstance(caught.value, OutputError)

    @pytest.mark.parametrize("format_name", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"])
    def test_truncated(self, tmp_path: Path, format_name: str) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (80, 80, 3), dtype=np.uint8)
        content = encoded(format_name, noise)
        path = tmp_path / "x"
        path.write_bytes(content[: len(content) // 2])
        with pytest.raises(MediaError) as caught:
            load_image(path)
        error_line(caught.value)

    def test_not_a_file(self, tmp_path: Path) -> None:
        with pytest.raises(MediaError, match="no such file"):
            load_image(tmp_path / "x.png")
        with pytest.raises(MediaError, match="is a folder"):
            load_image(tmp_path)
        with pytest.raises(MediaError, match="device"):
            load_image("/dev/null")

    def test_no_permission(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "x.png"
        save_image(path, quadrants())

        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Image, "open", refuse)
        with pytest.raises(MediaError, match="no permission"):
            load_image(path)

    @settings(max_examples=60, deadline=None)
    @given(
        format_name=st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"]),
        changes=st.lists(
            st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8
        ),
        keep=st.floats(0.1, 1),
    )
    def test_damage_is_a_picture_or_a_media_error(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        format_name: str,
        changes: list[tuple[float, int]],
        keep: float,
    ) -> None:
        content = bytearray(encoded(format_name, quadrants((24, 16))))
        for place, value in changes:
            content[int(place * len(content))] = value
        path = tmp_path_factory.mktemp("damage") / "x"
        path.write_bytes(content[: int(keep * len(content))])
        try:
            pixels = load_image(path)
        except MediaError as error:
            error_line(error)
        else:
            assert pixels.dtype == np.uint8
            assert pixels.ndim == 3


class TestSave:
    def test_png_is_lossless(self, tmp_path: Path) -> None:
        pixels = np.random.default_rng(1).integers(0, 256, (7, 9, 3), dtype=np.uint8)
        save_image(tmp_path / "x.PNG", pixels)
        assert (load_image(tmp_path / "x.PNG") == pixels).all()

    @pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp"])
    def test_lossy_is_close(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"x{suffix}"
        save_image(path, quadrants())
        with Image.open(path) as picture:
            assert picture.format == ("WEBP" if suffix == ".webp" else "JPEG")
        assert np.abs(load_image(path).astype(int) - quadrants()).mean() < 3

    def test_not_contiguous(self, tmp_path: Path) -> None:
        save_image(tmp_path / "x.png", quadrants()[:, ::-1])
        assert (load_image(tmp_path / "x.png") == quadrants()[:, ::-1]).all()

    @pytest.mark.parametrize("name", ["x.bmp", "x", "x.mp4"])
    def test_unknown_suffix(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(OutputError, match=r"\.png, \.jpg, \.jpeg, \.webp"):
            save_image(tmp_path / name, quadrants())
        assert list(tmp_path.iterdir()) == []

    def test_too_large_for_the_format(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match=r"WEBP cannot store .* use \.png"):
            save_image(tmp_path / "x.webp", np.zeros((1, 17_000, 3), np.uint8))

    def test_overwrite(self, tmp_path: Path) -> None:
        save_image(tmp_path / "x.png", quadrants())
        with pytest.raises(OutputError, match="already there"):
            save_image(tmp_path / "x.png", quadrants(), overwrite=False)

    def test_missing_folder(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="folder does not exist"):
            save_image(tmp_path / "a" / "x.png", quadrants())

    def test_wrong_array(self, tmp_path: Path) -> None:
        with pytest.raises(ShapeError):
            save_image(tmp_path / "x.png", np.zeros((4, 4), np.uint8))


class TestAnimation:
    @pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
    def test_pictures_and_durations(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"x.{suffix}"
        pictures = [Image.new("RGB", (8, 8), (40 * k, 0, 200)) for k in range(4)]
        durations = [100, 50, 200, 300]
        options: dict[str, Any] = {"lossless": True} if suffix == "webp" else {}
        pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=durations, **options)
        found = list(animation(path))
        assert [picture.duration_ms for picture in found] == durations
        assert [int(picture.pixels[0, 0, 0]) for picture in found] == [0, 40, 80, 120]

    def test_zero_duration_is_100_ms(self, tmp_path: Path) -> None:
        path = tmp_path / "x.gif"
        first, second = (Image.new("RGB", (4, 4), colour) for colour in ((255, 0, 0), (0, 0, 255)))
        first.save(path, save_all=True, append_images=[second], duration=0)
        assert [picture.duration_ms for picture in animation(path)] == [100, 100]

    def test_still(self, tmp_path: Path) -> None:
        save_image(tmp_path / "x.png", quadrants())
        assert len(list(animation(tmp_path / "x.png"))) == 1


def test_is_picture(tmp_path: Path) -> None:
    save_image(tmp_path / "x.png", quadrants())
    (tmp_path / "x.txt").write_text("text")
    assert is_picture(tmp_path / "x.png")
    assert not is_picture(tmp_path / "x.txt")
    assert not is_picture(tmp_path / "missing")
    assert not is_picture(tmp_path)


def test_on_white_is_the_rounded_formula() -> None:
    colour, alpha = np.meshgrid(np.arange(256), np.arange(256))
    rgba = np.stack([colour, colour, colour, alpha], axis=2).astype(np.uint8)
    exact = (colour * alpha + 255 * (255 - alpha)) / 255
    assert np.abs(on_white(rgba)[:, :, 0] - exact).max() <= 0.5


def test_resize() -> None:
    small = resize(quadrants((64, 48)), (32, 24))
    assert small.shape == (24, 32, 3)
    assert corners(small) == "RGBW"
    checkers = np.indices((64, 64)).sum(axis=0) % 2 * 255
    shrunk = resize(np.repeat(checkers[:, :, None], 3, axis=2).astype(np.uint8), (16, 16))
    assert np.abs(shrunk[4:12, 4:12].astype(int) - 128).max() < 12  # averaged, not picked


def test_formats_exist() -> None:
    Image.init()
    assert set(image._ANIMATED_FORMATS) <= set(image._FORMATS)
    assert {"GIF", "JPEG", "PNG", "WEBP"} <= set(image._FORMATS) & set(Image.OPEN)
