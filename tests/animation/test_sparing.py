"""Pictures that are moved instead of drawn: where the head goes, and when a machine does it."""

from __future__ import annotations

import numpy as np
import pytest

from facewire.animation.live.moved_picture import CELLS, head_flow, moved
from facewire.animation.live.sparing import LAST, MOST, PATIENCE, Economy, Sparing
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints
from facewire.geometry.pose import turn_of_degrees
from facewire.media.frame import Pixels
from facewire.networks.compact.guides import FREE, GUIDES, UNIT, number_of
from facewire.networks.compact.mean_head import mean_head

SIDE = 64
POINTS = UNIT * np.array([*(guide.canonical for guide in GUIDES), *FREE], np.float32)[None]
HEAD = CanonicalKeypoints(POINTS)
FACE, BESIDE = (slice(14, 20), slice(12, 20)), (slice(0, 32), slice(0, 2))
"""Cells of the flow: the middle of the face, and the picture's left edge."""


def still() -> HeadMotion:
    return HeadMotion(np.eye(3, dtype=np.float32)[None], np.zeros((1, 3), np.float32), np.zeros_like(POINTS))


def shifted(x: float, y: float) -> HeadMotion:
    return HeadMotion(still().rotation, np.array([[x, y, 0]], np.float32), still().expression)


def picture() -> Pixels:
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    return np.repeat((128 + 80 * np.sin(x / 3) * np.cos(y / 4))[..., None], 3, axis=2).astype(np.uint8)


def test_a_head_that_did_not_move_leaves_the_picture_as_it_is() -> None:
    made = moved(picture(), HEAD, still(), still())
    assert made is not None
    assert np.array_equal(made, picture())


def test_a_head_that_was_shifted_is_read_where_it_was_and_nothing_else_is() -> None:
    flow = head_flow(HEAD, still(), shifted(0.05, -0.02))
    assert flow.shape == (CELLS, CELLS, 2)
    np.testing.assert_allclose(flow[FACE], np.broadcast_to((-0.05, 0.02), flow[FACE].shape), atol=2e-3)
    np.testing.assert_allclose(flow[BESIDE], 0, atol=1e-6)


def test_pixels_move_by_as_much_as_the_head_does() -> None:
    four = 2 * 4 / (SIDE - 1)
    made = moved(picture(), HEAD, still(), shifted(four, 0.0))
    assert made is not None
    face = slice(28, 36)
    np.testing.assert_allclose(made[face, 30:36], picture()[face, 26:32], atol=2)


def test_the_nose_goes_further_than_the_cheeks_when_a_head_turns() -> None:
    turned = still().turned(turn_of_degrees(8.0, 0.0, 0.0))
    across = head_flow(HEAD, still(), turned)[17, :, 0]
    nose = CELLS // 2
    assert across[nose] < 1.3 * across[nose - 6] < 0
    back = head_flow(HEAD, turned, still())[17, :, 0]
    assert back[nose] > 0


def test_a_lip_takes_the_mouth_along_and_leaves_the_eyes() -> None:
    drop = still().expression.copy()
    drop[0, number_of("lower lip"), 1] = 0.06
    flow = head_flow(HEAD, still(), still().with_expression(drop))
    row, column = np.unravel_index(flow[..., 1].argmin(), flow.shape[:2])
    x, y = UNIT * np.array(GUIDES[0].canonical[:2])
    assert flow[row, column, 1] < -0.025
    assert abs((column + 0.5) / CELLS - (x + 1) / 2) < 0.04
    assert abs((row + 0.5) / CELLS - (y + 1) / 2) < 0.04
    eyes = int((UNIT * GUIDES[2].canonical[1] + 1) / 2 * CELLS)
    assert np.abs(flow[: eyes + 1]).max() < 0.01


def test_a_head_that_jumped_is_drawn() -> None:
    assert moved(picture(), HEAD, still(), shifted(0.3, 0.0)) is None


def test_the_mean_head_faces_outward_and_every_point_is_held() -> None:
    head = mean_head([guide.canonical for guide in GUIDES], UNIT)
    np.testing.assert_allclose(np.linalg.norm(head.normals, axis=1), 1, atol=1e-6)
    assert (head.ties > 0).all()
    assert head.normals[head.points[:, 2].argmin(), 2] < -0.7  # the nose looks at the camera
    nearest = np.linalg.norm(head.points[:, None] - head.points, axis=2) + 9 * np.eye(len(head.points))
    assert 0.02 < nearest.min() < nearest.min(axis=1).max() < 0.2


def spent(economy: Economy, drawn: float, pictures: int, moved: float = 0.001) -> None:
    """Let pictures be made as `Sparing` makes them."""
    for number in range(pictures):
        economy.drew(drawn) if number % economy.every == 0 else economy.moved(moved)


def test_pictures_are_spared_only_where_there_is_no_time() -> None:
    economy = Economy()
    spent(economy, 0.037, 200)
    assert economy.every == 1
    spent(economy, 0.05, 3 * LAST)
    assert economy.every == 2
    spent(economy, 0.05, 500)
    assert economy.every == 2  # 26 ms in the mean
    spent(economy, 0.2, 500)
    assert economy.every == MOST


def test_it_comes_back_only_where_it_has_been_easy_for_long() -> None:
    economy = Economy()
    spent(economy, 0.06, 3 * LAST)
    assert economy.every == 2
    spent(economy, 0.035, 500)  # would do, hardly
    assert economy.every == 2
    spent(economy, 0.02, PATIENCE - 5)
    spent(economy, 0.045, 2 * LAST)  # not long enough
    spent(economy, 0.02, PATIENCE - 5)
    assert economy.every == 2
    spent(economy, 0.02, 40)
    assert economy.every == 1


def test_one_slow_picture_changes_nothing() -> None:
    economy = Economy()
    for _ in range(20):
        spent(economy, 0.02, 6)
        economy.drew(3.0)
    assert economy.every == 1


class Machine:
    """Draws the number of the picture, in so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.now, self.seconds, self.drawn = 0.0, seconds, 0

    def draw(self) -> Pixels:
        self.now += self.seconds
        self.drawn += 1
        return np.full((SIDE, SIDE, 3), self.drawn % 256, np.uint8)


@pytest.mark.parametrize(("seconds", "share"), [(0.02, 1.0), (0.055, 1 / 2), (0.1, 1 / 3)])
def test_a_stream_draws_as_many_as_there_is_time_for(seconds: float, share: float) -> None:
    machine = Machine(seconds)
    sparing = Sparing(clock=lambda: machine.now)
    for _ in range(60):
        sparing.picture(HEAD, HEAD, still(), machine.draw)
    before = sparing.drawn
    for _ in range(60):
        sparing.picture(HEAD, HEAD, shifted(0.01, 0.0), machine.draw)
    assert sparing.drawn - before == round(60 * share)
    assert sparing.drawn + sparing.moved == 120


def test_another_person_and_a_jump_are_drawn_at_once() -> None:
    machine = Machine(0.09)
    sparing = Sparing(clock=lambda: machine.now)
    for _ in range(60):
        sparing.picture(HEAD, HEAD, still(), machine.draw)
    drawn = machine.drawn
    while machine.drawn == drawn:
        sparing.picture(HEAD, HEAD, still(), machine.draw)
    for person, motion in (("another", still()), ("another", shifted(0.4, 0.0)), (HEAD, shifted(0.4, 0.0))):
        drawn = machine.drawn
        sparing.picture(person, HEAD, motion, machine.draw)
        assert machine.drawn == drawn + 1


def test_who_cannot_be_moved_is_always_drawn() -> None:
    machine = Machine(0.2)
    sparing = Sparing(clock=lambda: machine.now)
    for _ in range(50):
        sparing.picture(HEAD, None, still(), machine.draw)
    assert (sparing.drawn, sparing.moved) == (50, 0)
