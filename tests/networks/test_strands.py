"""Strands of hair beside a person belong to it; what else stands there does not."""

import pytest
import torch
from torch import Tensor

from facewire.networks.compact.background import complete
from facewire.networks.compact.strands import with_strands

SIDE = 256
WALL, HAIR, SKIN = (0.80, 0.82, 0.84), (0.20, 0.14, 0.10), (0.80, 0.60, 0.50)
STRAND = slice(100, 150), slice(188, 191)
"""Beside the head, 12 pixels from its hair."""


def _portrait(wall: Tensor, strand: tuple[float, ...] | None, share: float = 1.0) -> tuple[Tensor, Tensor]:
    """Return a head with hair around it, before a wall, with a strand beside it, and the matte of the head."""
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    away = torch.hypot(rows - 128.0, columns - 128.0)
    image = wall.expand(1, 3, SIDE, SIDE).clone()
    image[:, :, away < 48] = torch.tensor(HAIR)[:, None]
    image[:, :, away < 34] = torch.tensor(SKIN)[:, None]
    if strand is not None:
        there = image[:, :, STRAND[0], STRAND[1]]
        image[:, :, STRAND[0], STRAND[1]] = (1 - share) * there + share * torch.tensor(strand)[
            None, :, None, None
        ]
    return image, (away < 48).float()[None, None]


def _wall() -> Tensor:
    return torch.tensor(WALL)[None, :, None, None]


def _grown(image: Tensor, matte: Tensor) -> Tensor:
    return (with_strands(image, matte) - matte)[:, :, STRAND[0], STRAND[1]]


@pytest.mark.parametrize("share", [0.4, 1.0])
def test_strands_of_hair_belong_to_the_person(share: float) -> None:
    image, matte = _portrait(_wall(), HAIR, share)
    assert _grown(image, matte).min() > 0.9
    beside = matte < 0.5
    beside[:, :, STRAND[0], STRAND[1]] = False
    torch.testing.assert_close(with_strands(image, matte)[beside], matte[beside])


def test_the_wall_behind_strands_is_completed() -> None:
    image, matte = _portrait(_wall(), HAIR)
    behind = complete(image, with_strands(image, matte))[:, :, STRAND[0], STRAND[1]]
    torch.testing.assert_close(behind, _wall().expand_as(behind), atol=0.01, rtol=0)


@pytest.mark.parametrize("colour", [(0.10, 0.30, 0.75), (1.0, 1.0, 1.0)], ids=["blue", "white"])
def test_things_of_another_colour_stay_where_they_are(colour: tuple[float, ...]) -> None:
    image, matte = _portrait(_wall(), colour)
    torch.testing.assert_close(with_strands(image, matte), matte)


def test_before_a_shelf_nothing_is_taken_for_hair() -> None:
    shelf = _wall() * (1 - 0.6 * (torch.arange(SIDE) % 16 < 5).float())[None, None, None]
    image, matte = _portrait(shelf, HAIR)
    torch.testing.assert_close(with_strands(image, matte), matte)


def test_what_is_wide_or_far_is_no_strand() -> None:
    image, matte = _portrait(_wall(), None)
    image[:, :, 100:150, 184:] = torch.tensor(HAIR)[None, :, None, None]  # another dark thing, to the border
    assert _grown(image, matte).max() == 0
    far, matte = _portrait(_wall(), None)
    far[:, :, 100:150, 230:233] = torch.tensor(HAIR)[None, :, None, None]
    torch.testing.assert_close(with_strands(far, matte), matte)


@pytest.mark.parametrize("matte", [0.0, 1.0])
def test_pictures_with_nobody_or_nothing_else_are_left_alone(matte: float) -> None:
    image, whole = torch.rand(1, 3, SIDE, SIDE), torch.full((1, 1, SIDE, SIDE), matte)
    torch.testing.assert_close(with_strands(image, whole), whole)
