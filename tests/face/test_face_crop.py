"""The head crop: where the square lies, and what its pixels are."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from facewire.base.errors import ConfigError, ShapeError
from facewire.face.crop import CropBox, crop, crop_box_from_faces
from facewire.face.finder import Face

Photo = NDArray[np.uint8]


def face_at(left: float, top: float, width: float, height: float) -> Face:
    return Face((left, top, left + width, top + height), 1.0, np.zeros((478, 3)), 1.0)


def test_one_face_with_room() -> None:
    box = crop_box_from_faces([face_at(500, 400, 90, 114)], 1000, 1200)
    assert box.side == 200
    assert box.left == 545 - 100
    assert box.top == 457 - 106


def test_a_clip_uses_the_median_height_and_the_middle_of_the_union() -> None:
    faces = [face_at(500 + shift, 400, 90, height) for shift, height in ((0, 110), (10, 114), (20, 140))]
    box = crop_box_from_faces(faces, 1000, 1200)
    assert box.side == 200
    assert box.left + box.side / 2 == pytest.approx((500 + 610) / 2)
    assert box.top + 0.53 * box.side == pytest.approx((400 + 540) / 2, abs=0.5)


def test_a_wide_movement_enlarges_the_square() -> None:
    faces = [face_at(100, 400, 90, 114), face_at(500, 400, 90, 114)]
    box = crop_box_from_faces(faces, 1000, 1200)
    assert box.side == round(490 / 0.94)


def test_square_is_moved_into_the_picture() -> None:
    box = crop_box_from_faces([face_at(5, 5, 90, 114)], 1000, 1200)
    assert (box.left, box.top, box.side) == (0, 0, 200)
    box = crop_box_from_faces([face_at(1100, 880, 90, 114)], 1000, 1200)
    assert (box.left, box.top) == (1000, 800)


def test_square_shrinks_to_a_small_picture_but_not_below_the_limit() -> None:
    tight = crop_box_from_faces([face_at(30, 20, 90, 114)], 170, 300)
    assert tight == CropBox(0, 0, 170)
    tighter = crop_box_from_faces([face_at(10, 3, 90, 114)], 120, 110)
    assert tighter.side == 152
    assert tighter.left <= 0
    assert tighter.left + 152 >= 110
    assert tighter.top <= 0


def test_no_faces() -> None:
    with pytest.raises(ConfigError, match="at least one face"):
        crop_box_from_faces([], 10, 10)


def test_crop_of_the_same_size_is_a_copy(astronaut: Photo) -> None:
    out = crop(astronaut, CropBox(100, 50, 64), 64)
    np.testing.assert_array_equal(out, astronaut[50:114, 100:164])
    out[:] = 0
    assert astronaut[50:114, 100:164].any()


def test_shrinking_averages() -> None:
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, ::2] = 255
    out = crop(stripes, CropBox(0, 0, 512), 64)
    assert np.abs(out.astype(int) - 127).max() <= 5


def test_shrinking_keeps_colours_in_place(astronaut: Photo) -> None:
    out = crop(astronaut, CropBox(0, 0, 512), 128).astype(float)
    blocks = astronaut.reshape(128, 4, 128, 4, 3).mean(axis=(1, 3))
    assert np.abs(out - blocks).mean() < 4


def test_enlarging_keeps_flat_colours() -> None:
    flat = np.full((40, 40, 3), (10, 200, 77), np.uint8)
    out = crop(flat, CropBox(5, 5, 20), 50)
    assert out.shape == (50, 50, 3)
    assert (out == (10, 200, 77)).all()


def test_border_is_repeated_outside() -> None:
    photo = np.arange(4 * 4 * 3, dtype=np.uint8).reshape(4, 4, 3)
    out = crop(photo, CropBox(-2, -1, 8), 8)
    np.testing.assert_array_equal(out[0, :3], photo[[0] * 3, [0, 0, 0]])
    np.testing.assert_array_equal(out[1:5, 2:6], photo)
    np.testing.assert_array_equal(out[7, 7], photo[3, 3])


def test_landmarks_in_the_square(face: Face, astronaut: Photo) -> None:
    box = crop_box_from_faces([face], *astronaut.shape[:2])
    inside = box.relative(face.landmarks)
    low, high = inside[:, 1].min(), inside[:, 1].max()
    assert high - low == pytest.approx(0.57, abs=0.01)
    assert (low + high) / 2 == pytest.approx(0.53, abs=0.01)
    assert inside[1, 2] == pytest.approx(face.landmarks[1, 2] / box.side)


def test_wrong_arguments_are_named(astronaut: Photo) -> None:
    with pytest.raises(ConfigError, match="side"):
        CropBox(0, 0, 0)
    with pytest.raises(ShapeError, match="size"):
        crop(astronaut, CropBox(0, 0, 10), 0)
    with pytest.raises(ShapeError, match="photo"):
        crop(astronaut[..., 0], CropBox(0, 0, 10), 10)
