"""Contact sheets place pictures where their labels say."""

from __future__ import annotations

import numpy as np
import pytest

from facewire.base.errors import ShapeError
from facewire.media.contact_sheet import contact_sheet
from facewire.media.frame import Pixels


def plain(colour: tuple[int, int, int], size: tuple[int, int] = (20, 20)) -> Pixels:
    return np.full((size[1], size[0], 3), colour, np.uint8)


RED, GREEN, BLUE = plain((255, 0, 0)), plain((0, 255, 0)), plain((0, 0, 255))


def test_layout_without_labels() -> None:
    sheet = contact_sheet([[RED, GREEN], [BLUE]], cell_size=(20, 20), gap=2)
    assert sheet.dtype == np.uint8
    assert sheet.shape == (2 + 2 * 22, 2 + 2 * 22, 3)
    assert (sheet[2:22, 2:22] == RED).all()
    assert (sheet[2:22, 24:44] == GREEN).all()
    assert (sheet[24:44, 2:22] == BLUE).all()
    assert (sheet[24:44, 24:44] == 255).all()  # the row is shorter
    assert (sheet[:2] == 255).all()


def test_labels_take_space_and_leave_ink() -> None:
    bare = contact_sheet([[RED], [BLUE]], cell_size=(80, 40), gap=4)
    sheet = contact_sheet(
        [[RED], [BLUE]], row_labels=["source", "driving"], column_labels=["step 1"], cell_size=(80, 40), gap=4
    )
    top, left = sheet.shape[0] - bare.shape[0], sheet.shape[1] - bare.shape[1]
    assert 10 < top < 40
    assert 20 < left < 100
    assert (sheet[top:, left:] == bare).all()
    assert (sheet[:top, left:] < 128).any()
    assert (sheet[top : top + 44, :left] < 128).any()
    assert (sheet[top + 44 :, :left] < 128).any()
    assert (sheet[:top, :left] == 255).all()


def test_fewer_and_more_labels_than_pictures() -> None:
    sheet = contact_sheet(
        [[RED, RED], [RED]], row_labels=["a"], column_labels=["b", "c", "d"], cell_size=(20, 20)
    )
    assert sheet.shape[1] < 100


@pytest.mark.parametrize("size", [(40, 20), (20, 40), (3, 300), (300, 3), (1, 1), (2000, 10)])
def test_proportions_are_kept(size: tuple[int, int]) -> None:
    sheet = contact_sheet([[plain((255, 0, 0), size)]], cell_size=(30, 30), gap=0)
    assert sheet.shape == (30, 30, 3)
    inked = (sheet != 255).any(axis=2)
    width, height = int(inked.any(axis=0).sum()), int(inked.any(axis=1).sum())
    scale = min(30 / size[0], 30 / size[1])
    assert abs(width - max(1, size[0] * scale)) <= 1
    assert abs(height - max(1, size[1] * scale)) <= 1


def test_inputs_are_not_changed() -> None:
    before = RED.copy()
    contact_sheet([[RED]], cell_size=(8, 8))
    assert (before == RED).all()


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="at least one picture"):
        contact_sheet([])
    with pytest.raises(ValueError, match="at least one picture"):
        contact_sheet([[]])
    with pytest.raises(ValueError, match="positive"):
        contact_sheet([[RED]], cell_size=(0, 5))
    with pytest.raises(ShapeError):
        contact_sheet([[np.zeros((4, 4), np.uint8)]])
