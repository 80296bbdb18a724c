"""AKD, apertures, pose error, jitter: hand values."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from facewire.geometry.pose import rotation_from_degrees
from facewire.metrics.apertures import Comovement, eye_series, lip_series
from facewire.metrics.expression_error import expression_error
from facewire.metrics.face_lost import lost_share
from facewire.metrics.jitter import excess_acceleration
from facewire.metrics.keypoint_distance import keypoint_distance
from facewire.metrics.metric import Direction, Metric
from facewire.metrics.pose_error import rotation_angle

Floats = NDArray[np.float64]


def landmarks(frames: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).uniform(0, 256, (frames, 78, 3))


def test_akd_is_the_mean_length_in_the_plane() -> None:
    truth = landmarks(3)
    result = truth + np.array([3.0, 4.0, 100.0])
    assert keypoint_distance(result, truth).tolist() == pytest.approx([5.0, 5.0, 5.0])


def test_akd_leaves_irises_out_and_missing_faces_open() -> None:
    truth = landmarks(2)
    result = truth.copy()
    result[0, 68:] += 50
    result[1] = np.nan
    found = keypoint_distance(result, truth)
    assert found[0] == 0
    assert np.isnan(found[1])


def test_pose_error_is_the_angle_between_rotations() -> None:
    a = rotation_from_degrees(10, 5, -3).double().numpy()
    turned = rotation_from_degrees(0, 0, 25).double().numpy() @ a
    assert rotation_angle(a[None], turned[None])[0] == pytest.approx(25, abs=1e-4)
    assert rotation_angle(a, a) == 0
    half = rotation_from_degrees(180, 0, 0).double().numpy()
    assert rotation_angle(np.eye(3), half) == pytest.approx(180, abs=1e-2)
    assert np.isnan(rotation_angle(np.full((3, 3), np.nan), a))


def test_jitter_by_hand() -> None:
    truth = np.zeros((4, 78, 3))
    trembling = truth.copy()
    trembling[1::2, :, 0] = 1.5  # second differences -3 and +3
    assert excess_acceleration(trembling, truth) == pytest.approx(3.0)
    assert excess_acceleration(truth, trembling) == pytest.approx(-3.0)
    assert excess_acceleration(trembling, trembling) == 0


def test_even_motion_is_no_jitter() -> None:
    moving = np.zeros((5, 78, 3)) + np.arange(5)[:, None, None] * 4.0
    assert excess_acceleration(moving, np.zeros((5, 78, 3))) == pytest.approx(0)


def test_jitter_leaves_out_triples_with_a_missing_face() -> None:
    truth = np.zeros((6, 78, 3))
    result = truth.copy()
    result[2, :, 1] = 8.0
    result[3] = np.nan
    assert excess_acceleration(result, truth) == pytest.approx(8.0)  # only frames 0, 1, 2 are left
    assert excess_acceleration(result[:2], truth[:2]) is None


def movements(frames: int, seed: int) -> Floats:
    """Return landmarks of a face whose mouth, lids and brows move, seen from the front."""
    rng = np.random.default_rng(seed)
    shape = rng.uniform(-50, 50, (78, 3))
    shape[36], shape[45] = (-40, 0, 0), (40, 0, 0)
    moving = np.zeros((frames, 78, 3))
    moving[:, 48:68, 1] = np.sin(np.arange(frames))[:, None] * 8
    return shape + moving


def test_expression_error_compares_movements_not_faces() -> None:
    straight = np.eye(3).repeat(9).reshape(3, 3, 9).transpose(2, 0, 1)
    truth, other = movements(9, 0), movements(9, 1)
    assert expression_error(other, straight, truth, straight) == pytest.approx(0, abs=1e-9)
    turn = rotation_from_degrees(25, -10, 5).double().numpy()
    turned = 1.7 * other @ turn.T + np.array([30.0, 4.0, 9.0])  # nearer, elsewhere, turned: the same face
    assert expression_error(turned, straight @ turn, truth, straight) == pytest.approx(0, abs=1e-6)


def test_expression_error_of_a_face_that_stands_still_is_the_driver_s_movement() -> None:
    straight = np.broadcast_to(np.eye(3), (9, 3, 3))
    truth = movements(9, 0)
    still = np.broadcast_to(truth[0], truth.shape)
    heights = np.sin(np.arange(9)) * 8
    expected = 100 * np.abs(heights - heights.mean()).mean() / 80 * 20 / 42  # 20 lip points of 42
    assert expression_error(still, straight, truth, straight) == pytest.approx(expected)
    lost = np.full_like(truth, np.nan)
    assert expression_error(lost, straight, truth, straight) is None


def test_faces_are_lost_only_where_there_was_one() -> None:
    truth, result = landmarks(4), landmarks(4)
    truth[0] = result[0] = result[1] = np.nan
    assert lost_share(result, truth) == pytest.approx(1 / 3)
    assert lost_share(result, np.full_like(truth, np.nan)) is None


def test_pooled_correlation_ignores_differences_between_clips() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.05, (2, 40))
    first = Comovement.of(0.1 + noise[0], 0.1 + rng.normal(0, 0.05, 40))
    second = Comovement.of(0.9 + noise[1], 0.9 + rng.normal(0, 0.05, 40))
    pooled = (first + second).correlation
    assert pooled is not None
    assert abs(pooled) < 0.35  # without centring it would be nearly 1


def test_correlation_is_that_of_numpy_for_one_clip_and_weighs_movement() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=30)
    y = 0.5 * x + rng.normal(size=30)
    own = Comovement.of(x, y)
    assert own.correlation == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert Comovement.from_numbers(own.numbers) == own
    still = Comovement.of(np.full(30, 0.2), y)
    assert still.correlation is None
    assert (own + still).count == 60


def test_frames_without_a_face_are_left_out() -> None:
    x, y = np.arange(5.0), np.arange(5.0)
    x[2] = np.nan
    found = Comovement.of(x, y)
    assert found.count == 4
    assert found.correlation == pytest.approx(1.0)
    assert Comovement.of(np.full(3, np.nan), np.zeros(3)).correlation is None


def test_apertures_of_a_drawn_mouth_and_eyes() -> None:
    points = np.zeros((1, 78, 3))
    points[0, 60], points[0, 64] = (0, 0, 0), (10, 0, 0)
    for x, (upper, lower) in zip((3, 5, 7), ((61, 67), (62, 66), (63, 65)), strict=True):
        points[0, upper], points[0, lower] = (x, -1, 5), (x, 2, -5)  # depth does not count
    for left, right, pairs in ((36, 39, ((37, 41), (38, 40))), (42, 45, ((43, 47), (44, 46)))):
        points[0, left], points[0, right] = (0, 0, 0), (4, 0, 0)
        for upper, lower in pairs:
            points[0, upper], points[0, lower] = (1, 0, 0), (1, 1, 0)
    assert lip_series(points)[0] == pytest.approx(0.3)
    assert eye_series(points)[0] == pytest.approx(0.25)
    assert np.isnan(lip_series(np.full((1, 78, 3), np.nan))[0])


@pytest.mark.parametrize(
    ("better", "old", "new", "gain"),
    [("lower", 5.0, 3.0, 2.0), ("higher", 5.0, 3.0, -2.0), ("ideal", 0.5, 1.1, 0.4)],
)
def test_improvement_knows_the_direction(better: Direction, old: float, new: float, gain: float) -> None:
    metric = Metric(name="m", title="M", unit="", better=better, range=(None, None), source="", ideal=1.0)
    assert metric.improvement(old, new) == pytest.approx(gain)
