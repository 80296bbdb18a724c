"""The second look: hand-made shifts are found, what tells nothing moves nothing, real pictures come nearer."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from facewire.animation.second_look import corrections
from facewire.engines.parts import Array
from facewire.media.frame import Pixels
from facewire.networks.compact.guides import FREE, GUIDES

KEYPOINTS = len(GUIDES) + len(FREE)
LEFT, RIGHT = len(GUIDES), len(GUIDES) + 1
"""Free keypoints, the shoulders."""
SIDE, CELLS = 256, 64


@pytest.fixture(scope="module")
def texture() -> Pixels:
    """Spots of some pixels, in colour."""
    noise = np.random.default_rng(3).integers(0, 256, (SIDE, SIDE, 3)).astype(np.float32)
    spots = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.asarray(np.clip((spots - spots.mean()) * 6 + 128, 0, 255), np.uint8)


def halves(left: int, right: int) -> Array:
    """Return masks of which one keypoint has the left half of the picture and another one the right half."""
    masks = np.zeros((KEYPOINTS + 1, CELLS, CELLS), np.float32)
    masks[1 + left, :, : CELLS // 2] = 1
    masks[1 + right, :, CELLS // 2 :] = 1
    return masks


def moved(picture: Pixels, right: float, down: float) -> Pixels:
    shift = np.array([[1, 0, right], [0, 1, down]], np.float32)
    return np.asarray(cv2.warpAffine(picture, shift, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT), np.uint8)


def test_what_moved_is_found_keypoint_by_keypoint(texture: Pixels) -> None:
    seen = moved(texture, 4, -2)
    seen[:, SIDE // 2 :] = moved(texture, -3, 1)[:, SIDE // 2 :]
    found = corrections(texture, seen, halves(LEFT, RIGHT)) * SIDE / 2
    np.testing.assert_allclose(found[LEFT], (4, -2), atol=0.4)
    np.testing.assert_allclose(found[RIGHT], (-3, 1), atol=0.4)
    others = np.delete(found, (LEFT, RIGHT), axis=0)
    assert np.abs(others).max() < 0.1


def test_equal_pictures_and_flat_ones_move_nothing(texture: Pixels) -> None:
    flat = np.full_like(texture, 120)
    for shown, seen in ((texture, texture), (flat, flat), (flat, flat + 8)):
        assert np.abs(corrections(shown, seen, halves(LEFT, RIGHT))).max() * SIDE / 2 < 0.05


def test_another_picture_altogether_moves_nothing_far(texture: Pixels) -> None:
    found = corrections(texture, np.ascontiguousarray(texture[::-1, ::-1]), halves(LEFT, RIGHT)) * SIDE / 2
    assert np.isfinite(found).all()
    assert np.abs(found).max() < 12


@pytest.mark.parametrize("fine", [number for number, guide in enumerate(GUIDES) if "lid" in guide.name])
def test_lids_stay_where_landmarks_have_them(texture: Pixels, fine: int) -> None:
    """What stands in the place of the lids is known: nothing moves them, and they move nothing else."""
    found = corrections(texture, moved(texture, 4, 0), halves(fine, RIGHT)) * SIDE / 2
    assert np.abs(found[fine]).max() < 0.1
    assert found[RIGHT][0] == pytest.approx(4, abs=0.4)
