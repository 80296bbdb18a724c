"""Resampling of pictures, with torch as the judge: networks were trained on its filters."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from facewire.face.resize import Filter, resized

Photo = NDArray[np.uint8]


@pytest.mark.parametrize(
    ("height", "width", "method"), [(128, 128, "bilinear"), (90, 101, "bilinear"), (600, 640, "bicubic")]
)
def test_agrees_with_torch(astronaut: Photo, height: int, width: int, method: Filter) -> None:
    own = resized(astronaut, height, width, method)
    planes = torch.from_numpy(astronaut.transpose(2, 0, 1).copy())[None]
    theirs = torch.nn.functional.interpolate(planes, (height, width), mode=method, antialias=True)
    assert own.dtype == np.uint8
    assert np.abs(own.astype(int) - theirs[0].permute(1, 2, 0).numpy()).max() <= 2


def test_takes_views_and_read_only_pictures(astronaut: Photo) -> None:
    mirrored = astronaut[:, ::-1]
    mirrored.setflags(write=False)
    np.testing.assert_array_equal(resized(mirrored, 512, 512), mirrored)


def test_a_single_pixel_becomes_a_plane() -> None:
    pixel = np.array([[[10, 20, 30]]], np.uint8)
    assert (resized(pixel, 4, 5) == (10, 20, 30)).all()
