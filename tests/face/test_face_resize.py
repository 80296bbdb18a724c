"""Resampling of pictures, with Pillow as the judge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from facewire.face.resize import Filter, resized

Photo = NDArray[np.uint8]


@pytest.mark.parametrize(
    ("height", "width", "method", "judge"),
    [
        (128, 128, "bilinear", Image.Resampling.BILINEAR),
        (90, 101, "bilinear", Image.Resampling.BILINEAR),
        (600, 640, "bicubic", Image.Resampling.BICUBIC),
    ],
)
def test_agrees_with_pillow(
    astronaut: Photo, height: int, width: int, method: Filter, judge: Image.Resampling
) -> None:
    own = resized(astronaut, height, width, method)
    theirs: Any = np.array(Image.fromarray(astronaut).resize((width, height), judge))
    assert own.shape == (height, width, 3)
    assert own.dtype == np.uint8
    assert np.abs(own.astype(int) - theirs).max() <= 2


def test_takes_views_and_read_only_pictures(astronaut: Photo) -> None:
    mirrored = astronaut[:, ::-1]
    mirrored.setflags(write=False)
    np.testing.assert_array_equal(resized(mirrored, 512, 512), mirrored)


def test_a_single_pixel_becomes_a_plane() -> None:
    pixel = np.array([[[10, 20, 30]]], np.uint8)
    assert (resized(pixel, 4, 5) == (10, 20, 30)).all()
