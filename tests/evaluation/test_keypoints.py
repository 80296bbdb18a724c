"""Pictures of keypoints, and whether keypoints move with a picture: on models whose answers are known."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from facewire.animation.animator import Animator
from facewire.evaluation.measuring.clips import find_clips
from facewire.evaluation.measuring.equivariance import equivariance_of
from facewire.evaluation.reports.keypoint_picture import (
    COLUMNS,
    SIDE,
    colour_of,
    keypoint_row,
    keypoint_sheet,
    points_of,
    with_dots,
)
from facewire.geometry.head_motion import HeadMotion
from facewire.media.frame import Frame
from facewire.media.video import VideoWriter

from .conftest import KEYPOINTS, Pretender, animator_of, portrait

SIDE_OF_CLIP = 192


class Centred(Pretender):
    """Finds all keypoints at the middle of what is bright."""

    def motion(self, image: Tensor) -> HeadMotion:
        light = image.mean(dim=1).clamp_min(1e-3) ** 8
        height, width = light.shape[1:]
        x, y = (torch.linspace(-1, 1, n) for n in (width, height))
        whole = light.sum(dim=(1, 2))
        middle = torch.stack(((light.sum(1) @ x) / whole, (light.sum(2) @ y) / whole, 0 * whole), dim=-1)
        plain = super().motion(image)
        return replace(plain, expression=middle[:, None].expand(-1, KEYPOINTS, 3))


def test_a_dot_lies_where_its_keypoint_is_and_near_ones_lie_over_far_ones() -> None:
    grey = np.full((64, 64, 3), 100, np.uint8)
    drawn = with_dots(grey, np.array([[-0.5, 0.5, 0.0], [0.5, 0.5, 0.2], [0.5, 0.5, 0.1], [9.0, 9.0, 0.0]]))
    assert drawn.shape == (SIDE, SIDE, 3)
    middle = round(0.75 * (SIDE - 1)), round(0.25 * (SIDE - 1))
    assert drawn[middle].tolist() == colour_of(0).round().tolist()
    middle = round(0.75 * (SIDE - 1)), round(0.75 * (SIDE - 1))
    assert drawn[middle].tolist() == colour_of(2).round().tolist()
    assert drawn[0, 0].tolist() == [100, 100, 100]
    assert len({tuple(colour_of(index)) for index in range(20)}) == 20


def test_a_row_has_all_columns_and_turned_keypoints_are_turned(still: Animator) -> None:
    person = still.person(portrait(0), crop_mode="none")
    row = keypoint_row(still, person)
    assert len(row) == len(COLUMNS)
    assert {picture.shape for picture in row} == {(SIDE, SIDE, 3)}
    own = person.identity.motion
    moved = replace(own, translation=torch.tensor([[0.3, 0.0, 0.0]]))
    np.testing.assert_allclose(
        points_of(person, moved) - points_of(person, own), [[0.3, 0, 0]] * KEYPOINTS, atol=1e-6
    )
    sheet = keypoint_sheet(still, [person, person])
    assert sheet.shape[1] > len(COLUMNS) * SIDE
    assert sheet.shape[0] > 2 * SIDE


def test_keypoints_that_stand_still_have_the_error_of_the_change_itself(still: Animator, data: Path) -> None:
    found = equivariance_of(still, find_clips(data), stride=2)
    assert found.error == pytest.approx(found.unmoved)
    assert found.error > 1


def test_keypoints_that_follow_the_picture_have_nearly_none(tmp_path: Path) -> None:
    y, x = np.mgrid[0:SIDE_OF_CLIP, 0:SIDE_OF_CLIP] / SIDE_OF_CLIP
    with VideoWriter(tmp_path / "spot.mp4", (SIDE_OF_CLIP, SIDE_OF_CLIP), Fraction(25), crf=4) as writer:
        for index, middle in enumerate((0.4, 0.5, 0.6)):
            spot = 255 * np.exp(-((x - middle) ** 2 + (y - 0.6) ** 2) / 0.01)
            pixels = np.repeat(spot[..., None].astype(np.uint8), 3, axis=2)
            writer.write(Frame(pixels, index, Fraction(1, 25)))
    found = equivariance_of(animator_of(Centred()), find_clips(tmp_path), stride=1)
    assert found.error < 0.1 * found.unmoved
