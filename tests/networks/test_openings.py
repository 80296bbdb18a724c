"""Mouth and eyes as the generator sees them, on the mean head and on what can be worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from facewire.geometry.grid import image_grid
from facewire.geometry.keypoints import CanonicalKeypoints, Keypoints
from facewire.networks.compact import openings as opening
from facewire.networks.compact.guides import EYES, FREE, GUIDES, UNIT
from facewire.networks.compact.openings import (
    CHANNELS,
    CORNERS,
    LIPS,
    SIDE,
    eyes_turning_away,
    opening_maps,
)

MEAN_HEAD = UNIT * torch.tensor([guide.canonical for guide in GUIDES] + list(FREE))
ALL = torch.tensor([len(MEAN_HEAD)])
UPPER, LOWER = LIPS
MOUTH, HEIGHT, NEW_MOUTH, OPEN_EYES, IRISES, NEW_EYES = range(CHANNELS)
assert (opening.OPEN_MOUTH, opening.NEW_MOUTH) == (MOUTH, NEW_MOUTH)
assert (opening.OPEN_EYES, opening.NEW_EYES) == (OPEN_EYES, NEW_EYES)


def head(mouth: float, eyes: float = 0.02, rotation: Tensor | None = None) -> Keypoints:
    """Return a mean head whose lips are `mouth` apart, and whose lids are `eyes` apart, about their middle."""
    points = MEAN_HEAD.clone()
    pairs = [(UPPER, LOWER, mouth), *((upper, lower, eyes) for upper, lower, _ in EYES)]
    for upper, lower, gap in pairs:
        middle = (points[upper, 1] + points[lower, 1]) / 2
        points[upper, 1], points[lower, 1] = middle - gap / 2, middle + gap / 2
    turn = torch.eye(3) if rotation is None else rotation
    return Keypoints((points @ turn.T)[None], turn.expand(1, len(points), 3, 3))


def maps(source: Keypoints, driving: Keypoints, kept: Tensor = ALL) -> Tensor:
    return opening_maps(CanonicalKeypoints(MEAN_HEAD[None]), source, driving, kept)[0]


def at(channels: Tensor, point: Tensor) -> Tensor:
    """Return the channels in the cell nearest to a point."""
    nearest = (image_grid(SIDE, SIDE) - point[:2]).square().sum(dim=-1).argmin()
    return channels.flatten(1)[:, nearest]


def test_shape_and_range() -> None:
    made = maps(head(0), head(0.2))
    assert made.shape == (CHANNELS, SIDE, SIDE)
    assert made.abs().max() <= 1


def test_the_middle_of_an_open_mouth_is_open_and_its_ends_are_lips() -> None:
    made = maps(head(0), head(0.2))
    points = head(0.2).points[0]
    middle = (points[UPPER] + points[LOWER]) / 2
    assert at(made, middle)[MOUTH] == 1
    assert at(made, middle)[HEIGHT].abs() < 0.1
    inside = torch.tensor([0.0, 0.04])
    assert at(made, points[UPPER, :2] + inside)[HEIGHT] < -0.4
    assert at(made, points[LOWER, :2] - inside)[HEIGHT] > 0.4
    for corner in CORNERS:
        assert at(made, points[corner])[MOUTH] == 0
    for outside in (points[UPPER, :2] - inside, points[LOWER, :2] + inside):
        assert at(made, outside)[MOUTH] == 0


def test_its_area_is_that_between_two_parabolas() -> None:
    gap = 0.3
    made = maps(head(0), head(gap))
    width = 0.9 * float(MEAN_HEAD[CORNERS[1], 0] - MEAN_HEAD[CORNERS[0], 0])
    area = float((made[MOUTH] > 0.5).sum()) * (2 / (SIDE - 1)) ** 2
    rim = 0.02 * width  # half of the soft edge, above and below
    assert area == pytest.approx(2 / 3 * width * gap - rim, rel=0.05)


@pytest.mark.parametrize("gap", [0.0, -0.03])
def test_a_closed_mouth_and_closed_eyes_show_nothing(gap: float) -> None:
    assert not maps(head(0.1, 0.05), head(gap, gap)).any()


def test_what_the_source_shows_already_is_no_news() -> None:
    seen, half, hidden = (maps(head(gap, gap / 2), head(0.2, 0.1)) for gap in (0.2, 0.1, 0))
    for channel, of in ((NEW_MOUTH, MOUTH), (NEW_EYES, OPEN_EYES)):
        assert seen[channel].max() < 1e-5
        torch.testing.assert_close(half[channel], half[of] / 2)
        torch.testing.assert_close(hidden[channel], hidden[of])


def test_irises_are_inside_open_eyes_only() -> None:
    wide = maps(head(0), head(0, 0.15))
    for upper, lower, iris in EYES:
        lids = MEAN_HEAD[[upper, lower]].mean(dim=0)
        assert at(wide, lids)[OPEN_EYES] == 1
        assert at(wide, MEAN_HEAD[iris])[IRISES] > 0
    assert (wide[IRISES] <= wide[OPEN_EYES]).all()
    assert 0 < wide[IRISES].sum() < wide[OPEN_EYES].sum()


def test_openings_need_their_keypoints() -> None:
    source, driving = head(0, 0), head(0.2, 0.1)
    whole = maps(source, driving)
    lips, lids = max(*LIPS, *CORNERS) + 1, max(max(eye) for eye in EYES) + 1
    assert not maps(source, driving, torch.tensor([lips - 1])).any()
    some = maps(source, driving, torch.tensor([lips]))
    torch.testing.assert_close(some[:OPEN_EYES], whole[:OPEN_EYES])
    assert not some[OPEN_EYES:].any()
    torch.testing.assert_close(maps(source, driving, torch.tensor([lids])), whole)


def test_maps_turn_with_the_head() -> None:
    quarter = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    upright = maps(head(0), head(0.2, 0.1))
    turned = maps(head(0), head(0.2, 0.1, quarter))
    torch.testing.assert_close(turned, upright.rot90(-1, (1, 2)), atol=2e-3, rtol=0)


def yaw(degrees: float) -> Tensor:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return torch.tensor([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def test_eyes_narrow_as_the_head_turns() -> None:
    areas = [float(maps(head(0), head(0, 0.1, turn))[OPEN_EYES].sum()) for turn in (None, yaw(60))]
    assert areas[1] / areas[0] == pytest.approx(0.5, rel=0.15)


def turned_away(source: Keypoints, driving: Keypoints, kept: Tensor = ALL) -> tuple[float, float]:
    """Return what is said of the middles of both eyes, that on the left of the picture first."""
    made = eyes_turning_away(CanonicalKeypoints(MEAN_HEAD[None]), source, driving, kept)[0]
    left, right = (float(at(made, driving.points[0, list(lids[:2])].mean(dim=0))) for lids in EYES)
    return left, right


@pytest.mark.parametrize(("degrees", "expected"), [(-35, (0, 1)), (0, (0, 0)), (10, (0, 0)), (35, (1, 0))])
def test_the_eye_on_the_far_side_turns_away(degrees: float, expected: tuple[float, float]) -> None:
    far = head(0, 0.1, yaw(degrees)).points[0, :, 2]
    deeper = [float(far[list(lids[:2])].mean()) for lids in EYES]
    assert degrees == 0 or (deeper[0] > deeper[1]) == (degrees > 0), "z points away from the camera"
    assert turned_away(head(0, 0.1), head(0, 0.1, yaw(degrees))) == expected


def test_an_eye_that_was_turned_away_already_does_not_turn_away() -> None:
    assert turned_away(head(0, 0.1, yaw(35)), head(0, 0.1, yaw(35))) == (0, 0)
    assert turned_away(head(0, 0.1, yaw(35)), head(0, 0.1)) == (0, 0)


@pytest.mark.parametrize(
    ("gap", "share"), [(0.0, 0), (0.05, 0), (0.065, 0.5), (0.1, 1), (0.175, 0.5), (0.2, 0)]
)
def test_lids_that_close_or_open_do_not_count_as_in_the_source(gap: float, share: float) -> None:
    assert turned_away(head(0, 0.1), head(0, gap, yaw(35)))[0] == pytest.approx(share, abs=1e-4)


def test_an_eye_that_turns_away_needs_its_keypoints() -> None:
    source, driving = head(0, 0.1), head(0, 0.1, yaw(35))
    assert turned_away(source, driving, torch.tensor([max(EYES[0]) + 1]))[0] == 1
    assert turned_away(source, driving, torch.tensor([max(EYES[0])])) == (0, 0)


def test_far_from_eyes_nothing_turns_away() -> None:
    driving = head(0, 0.1, yaw(35))
    made = eyes_turning_away(CanonicalKeypoints(MEAN_HEAD[None]), head(0, 0.1), driving, ALL)[0]
    for number in (*LIPS, *CORNERS):
        assert at(made, driving.points[0, number]) == 0
    assert 0 < made.mean() < 0.05
