"""Cuts: found where one shot follows another, not where things move or flicker."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facewire.media.timing.cuts import CutDetector, small


def _picture(phase: float, hue: float = 0.0) -> NDArray[np.uint8]:
    y, x = np.mgrid[0:90, 0:160] / 160
    waves = np.stack([np.sin(9 * (x + phase) + hue + colour) * np.cos(7 * y) for colour in range(3)], axis=-1)
    return (127 * (1 + waves)).astype(np.uint8)


def _found(pictures: list[NDArray[np.uint8]]) -> list[int]:
    detector = CutDetector()
    return [number for number, picture in enumerate(pictures) if detector.begins(picture)]


def test_shots_begin_where_the_picture_changes_at_once() -> None:
    shots = [_picture(0.01 * n) for n in range(20)] + [_picture(0.01 * n, 2.5) for n in range(15)]
    assert _found(shots) == [0, 20]


def test_fast_movement_is_no_cut() -> None:
    assert _found([_picture(0.1 * n) for n in range(30)]) == [0]


def test_movement_that_begins_and_ends_is_one_cut_at_most() -> None:
    still, moving = [_picture(0.0)] * 15, [_picture(0.15 * n) for n in range(12)]
    assert len(_found(still + moving + [moving[-1]] * 15)) <= 2


def test_a_new_size_begins_a_shot() -> None:
    assert _found([_picture(0.0), _picture(0.0)[:20, :30], _picture(0.0)[:20, :30]]) == [0, 1]


def test_small_pictures_keep_their_mean() -> None:
    picture = _picture(0.3)
    assert abs(float(small(picture).mean()) - picture.mean() / 255) < 0.02
    assert small(picture).shape == (30, 53, 3)
    assert small(picture[:1, :2]).shape == (1, 1, 3)
