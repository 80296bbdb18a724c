"""The repair near a person's outline: it may move the outline, but brings no colour that is not there."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from facewire.networks.compact.image import GeneratedParts, _near_outlines

SIDE, EDGE = 256, 128
"""The person (0.2) is left of the edge, the wall (0.7) right of it."""


def _frame(repair: torch.Tensor) -> torch.Tensor:
    columns = torch.arange(SIDE)[None, None, None]
    matte = (columns < EDGE).float().expand(1, 1, SIDE, SIDE)
    picture = (0.7 - 0.5 * matte).expand(1, 3, SIDE, SIDE)
    pictures = tuple(_folded(picture) for _ in range(3))
    shares = torch.cat((torch.ones(1, 1, 4, 128, 128), torch.zeros(1, 3, 4, 128, 128)), dim=1)
    parts = GeneratedParts(pictures, shares, _folded(repair), picture, matte)
    return _near_outlines(parts, matte).frame()


def _folded(picture: torch.Tensor) -> torch.Tensor:
    folded: torch.Tensor = F.pixel_unshuffle(picture, 2).unflatten(1, (3, 4))
    return folded


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
