"""When the synthesis has failed, and what lies over the picture then."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from facewire.animation.animator import Animator, Person, Pixels
from facewire.base.errors import MediaError
from facewire.bitstream.sections import MIME_PNG, MIME_WEBP, Patch
from facewire.geometry.head_motion import HeadMotion
from facewire.media.still import encode_still
from facewire.talks.patches import MOST_HELD, Patches
from facewire.talks.refresh import FAILED_SHARE, Refresher, around, how_wrong, wrong_cells

PERSON, MOTION = cast(Person, None), cast(HeadMotion, None)


def texture(seed: int = 1) -> Pixels:
    """Return a soft random picture, 256x256."""
    coarse = np.random.default_rng(seed).uniform(40, 200, (16, 16, 3))
    return np.asarray(np.kron(coarse, np.ones((16, 16, 1))), np.uint8)


def with_hand(picture: Pixels, side: int = 96) -> Pixels:
    hand = picture.copy()
    hand[128 : 128 + side, 64 : 64 + side] = (255, 0, 255)
    return hand


def showing(picture: Pixels) -> Animator:
    """Return a renderer that always shows this picture."""
    return cast(Animator, SimpleNamespace(render=lambda person, motion: iter([picture])))


def patch_of(picture: Pixels, frame: int, duration: int = 0, x: int = 8, y: int = 16) -> Patch:
    _, data = encode_still(picture, "webp", 100)
    return Patch(frame, duration, x, y, picture.shape[1], picture.shape[0], MIME_WEBP, data)


def test_equal_pictures_have_no_wrong_cell() -> None:
    assert not wrong_cells(texture(), texture()).any()


@pytest.mark.parametrize("shift", [(0, 5), (5, 0), (-6, 4)])
def test_a_few_pixels_of_motion_are_not_missing_content(shift: tuple[int, int]) -> None:
    moved = np.roll(texture(), shift, axis=(0, 1))
    assert wrong_cells(moved, texture()).mean() < 0.5 * FAILED_SHARE


def test_new_content_is_found_where_it_is() -> None:
    wrong = wrong_cells(texture(), with_hand(texture()))
    assert wrong.mean() >= FAILED_SHARE
    box = around(wrong, 256)
    assert box.left <= 64 < 160 <= box.left + box.width
    assert box.top <= 128 < 224 <= box.top + box.height
    assert box.width <= 96 + 4 * 8
    assert box.of(texture()).shape == (box.height, box.width, 3)


@pytest.mark.parametrize("side", [256, 300, 512])
def test_a_box_at_the_edge_ends_with_the_picture(side: int) -> None:
    wrong = np.zeros((32, 32), bool)
    wrong[20:, 28:] = True
    box = around(wrong, side)
    assert (box.left + box.width, box.top + box.height) == (side, side)
    assert (box.left, box.top) == (27 * (side // 32), 19 * (side // 32))


def test_refreshes_wait_a_second_and_look_five_times_a_second() -> None:
    refresher = Refresher(showing(texture()), Fraction(25))
    hit = [
        number
        for number in range(100)
        if refresher.failed(number, PERSON, MOTION, with_hand(texture()), Patches())
    ]
    assert hit == [25, 50, 75]


def test_nothing_is_sent_when_fine() -> None:
    fine = Refresher(showing(texture()), Fraction(25))
    assert fine.failed(25, PERSON, MOTION, texture(), Patches()) is None


def test_a_patch_that_covers_the_hand_ends_the_failure() -> None:
    truth, patches = with_hand(texture()), Patches()
    refresher = Refresher(showing(texture()), Fraction(25))
    box = refresher.failed(25, PERSON, MOTION, truth, patches)
    assert box is not None
    patches.add(patch_of(box.of(truth), 25, x=box.left, y=box.top))
    assert refresher.failed(50, PERSON, MOTION, truth, patches) is None


def test_wrong_is_counted_in_grey_levels_and_bounded() -> None:
    grey, black = np.full((256, 256, 3), 100, np.uint8), np.zeros((256, 256, 3), np.uint8)
    assert how_wrong(grey, grey) == 0
    assert how_wrong(grey + np.uint8(10), grey) == pytest.approx(10)
    assert how_wrong(black, grey) == pytest.approx(60)
    half = grey.copy()
    half[:128] += np.uint8(20)
    assert how_wrong(half, grey) == pytest.approx(10, abs=1)


def test_patches_come_and_go_with_their_frames() -> None:
    patches, piece = Patches(), np.full((16, 24, 3), 255, np.uint8)
    patches.add(patch_of(piece, frame=10, duration=5))
    base = texture()
    assert np.array_equal(patches.over(base, 9), base)
    shown = patches.over(base, 10)
    assert (shown[16:32, 8:32] > 250).all()
    assert np.array_equal(shown[:16], base[:16])
    assert np.array_equal(patches.over(base, 15), base)


def test_a_new_source_ends_patches_without_a_duration() -> None:
    patches = Patches()
    patches.add(patch_of(np.full((8, 8, 3), 255, np.uint8), frame=0))
    assert not np.array_equal(patches.over(texture(), 1000), texture())
    patches.new_source()
    assert np.array_equal(patches.over(texture(), 1001), texture())


def test_patches_of_another_size_or_type_are_refused() -> None:
    good = patch_of(np.zeros((8, 8, 3), np.uint8), 0)
    wrong = Patch(0, 0, 0, 0, 9, 8, good.mime, good.picture)
    with pytest.raises(MediaError, match="9x8"):
        Patches().add(wrong)
    with pytest.raises(MediaError):
        Patches().add(Patch(0, 0, 0, 0, 8, 8, MIME_PNG, good.picture))


def test_only_so_many_patches_are_held() -> None:
    patches = Patches()
    for number in range(MOST_HELD + 10):
        patches.add(patch_of(np.full((2, 2, 3), 255, np.uint8), frame=0, x=2 * (number % 100), y=0))
    shown = patches.over(np.zeros((256, 256, 3), np.uint8), 0)
    assert (shown[0, :, 0] > 250).sum() == 2 * MOST_HELD
