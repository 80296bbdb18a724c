"""What is painted near a person's outline: it may move the outline, but brings no colour that is not there.

Of heads that are turned far nothing is: the matte cuts them out.
"""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from facewire.networks.compact.image import (
    GeneratedParts,
    _painted,
    _painted_less,
    _where_nobody_is,
)

SIDE, EDGE = 256, 128
"""The person (0.2) is left of the edge, the wall (0.7) right of it."""


def _frame(repair: torch.Tensor, painted: float = 1.0, away: torch.Tensor | None = None) -> torch.Tensor:
    columns = torch.arange(SIDE)[None, None, None]
    matte = (columns < EDGE).float().expand(1, 1, SIDE, SIDE)
    picture = (0.7 - 0.5 * matte).expand(1, 3, SIDE, SIDE)
    pictures = tuple(_folded(picture) for _ in range(3))
    shares = torch.cat((torch.ones(1, 1, 4, 128, 128), torch.zeros(1, 3, 4, 128, 128)), dim=1)
    parts = GeneratedParts(pictures, shares, _folded(repair), picture, matte)
    turned = torch.zeros(1, 1, 128, 128) if away is None else away
    return _painted_less(parts, matte, torch.full((1, 1, 1, 1), painted), turned).frame()


def _folded(picture: torch.Tensor) -> torch.Tensor:
    folded: torch.Tensor = F.pixel_unshuffle(picture, 2).unflatten(1, (3, 4))
    return folded


def _unfolded(maps: torch.Tensor) -> torch.Tensor:
    return F.pixel_shuffle(maps.flatten(1, 2), 2)


def _stripe(first: int, last: int, strength: float) -> torch.Tensor:
    repair = torch.zeros(1, 3, SIDE, SIDE)
    repair[..., first:last] = strength
    return repair


def test_a_light_rim_takes_the_colour_of_the_wall() -> None:
    frame = _frame(_stripe(EDGE, EDGE + 3, 0.25))
    torch.testing.assert_close(frame[..., EDGE:], torch.full_like(frame[..., EDGE:], 0.7))


def test_an_outline_may_be_moved_by_pixels() -> None:
    wanted = _stripe(EDGE, EDGE + 3, -0.5)
    frame = _frame(wanted)
    torch.testing.assert_close(frame[..., EDGE : EDGE + 3], torch.full_like(frame[..., :3], 0.2))


def test_nothing_is_painted_on_the_wall_far_from_the_person() -> None:
    frame = _frame(_stripe(200, 210, -0.5))
    torch.testing.assert_close(frame[..., 190:220], torch.full_like(frame[..., :30], 0.7))


def test_the_person_inside_is_repaired_as_wanted() -> None:
    frame = _frame(_stripe(40, 60, 0.6))
    torch.testing.assert_close(frame[..., 40:60], torch.full_like(frame[..., :20], 0.8))


def test_an_eye_that_turns_away_is_moved_rather_than_painted() -> None:
    away = torch.zeros(1, 1, 128, 128)
    away[..., 20:25], away[..., 25:30] = 1, 0.5
    frame = _frame(_stripe(40, 80, 0.6), away=away)
    for first, level in ((40, 0.2), (50, 0.5), (60, 0.8)):
        torch.testing.assert_close(frame[..., first : first + 10], torch.full_like(frame[..., :10], level))


def test_the_outline_of_a_head_that_is_turned_far_is_the_mattes() -> None:
    clean = _frame(torch.zeros(1, 3, SIDE, SIDE))
    rim = _stripe(EDGE - 6, EDGE + 6, 0.25)
    cut = (_frame(rim, painted=0.0) - clean).abs()
    assert cut[..., EDGE:].max() == 0
    assert cut.max() < 0.3 * (_frame(rim) - clean).abs().max()


def test_what_nothing_shows_near_the_outline_the_first_picture_shows() -> None:
    columns = torch.arange(SIDE)[None, None, None]
    matte = (columns < EDGE).float().expand(1, 1, SIDE, SIDE)
    picture = _folded((0.7 - 0.5 * matte).expand(1, 3, SIDE, SIDE))
    shares = torch.cat((torch.zeros(1, 3, 4, 128, 128), torch.ones(1, 1, 4, 128, 128)), dim=1)
    parts = GeneratedParts((picture,) * 3, shares, 0 * picture, _unfolded(picture), matte)
    cut = _painted_less(parts, matte, torch.zeros(1, 1, 1, 1), torch.zeros(1, 1, 128, 128))
    torch.testing.assert_close(cut.frame()[..., EDGE:], _unfolded(picture)[..., EDGE:])
    assert (cut.frame()[..., EDGE - 4 : EDGE] > 0.15).all()
    assert cut.frame()[..., : EDGE - 60].abs().max() == 0


@pytest.mark.parametrize(("degrees", "painted"), [(0, 1), (10, 1), (16, 0.591), (22, 0), (60, 0)])
def test_the_further_a_face_is_turned_the_less_is_painted(degrees: float, painted: float) -> None:
    turned = torch.tensor([math.cos(math.radians(degrees))])
    assert _painted(turned).item() == pytest.approx(painted, abs=2e-3)


@pytest.mark.parametrize("painted", [1.0, 0.0])
def test_where_nobody_is_the_still_picture_shows_nobody_nor_the_second_of_a_head_turned_far(
    painted: float,
) -> None:
    """Four columns of 64 pixels: nobody, half of somebody at an outline, somebody, nobody."""
    now = torch.tensor((0.0, 0.5, 1.0, 0.0)).repeat_interleave(64).expand(1, 1, SIDE, SIDE)
    shares = torch.tensor([0.1, 0.2, 0.3, 0.4])[None, :, None, None, None].expand(1, 4, 4, 128, 128)
    result = _where_nobody_is(shares, now, torch.full((1, 1, 1, 1), painted))
    torch.testing.assert_close(result.sum(dim=1), torch.ones(1, 4, 128, 128))
    near = [[0.4, 0.25, 0.1, 0.4], [0.2] * 4, [0.0, 0.15, 0.3, 0.0], [0.4] * 4]
    far = [[0.6, 0.35, 0.1, 0.6], [0.0, 0.1, 0.2, 0.0], *near[2:]]
    torch.testing.assert_close(result[0, :, 0, 0, ::32], torch.tensor(near if painted else far))
