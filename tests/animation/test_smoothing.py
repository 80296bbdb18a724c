"""The one-euro filter: still heads stand still, fast ones are not late, nothing looks ahead."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from facewire.animation.smoothing import GAP, MotionSmoother, OneEuro, Smoothness
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.pose import rotation_from_degrees

RATE = 25
KEYPOINTS = 3


def motion(yaw: float = 0.0, shift: float = 0.0, delta: float = 0.0) -> HeadMotion:
    return HeadMotion(
        rotation_from_degrees(yaw, 0.0, 0.0)[None],
        torch.full((1, 3), shift),
        torch.full((1, KEYPOINTS, 3), delta),
    )


def smoothed(motions: list[HeadMotion]) -> list[HeadMotion]:
    smoother = MotionSmoother()
    return [smoother(one, index / RATE) for index, one in enumerate(motions)]


def test_filter_by_hand() -> None:
    """cutoff 1 Hz without slope, dt 1/(2 pi): alpha = 1/2, so every step goes half the way."""
    filtered = OneEuro(Smoothness(1.0, 0.0))
    steps = [filtered(np.array([[value]]), 1 / (2 * np.pi))[0, 0] for value in (0.0, 8.0, 8.0, 8.0)]
    assert steps == pytest.approx([0.0, 4.0, 6.0, 7.0])


def test_a_constant_motion_passes_unchanged() -> None:
    for one in smoothed([motion(10.0, 0.1, 0.02)] * 5):
        torch.testing.assert_close(one.rotation, motion(10.0).rotation)
        torch.testing.assert_close(one.translation, motion(shift=0.1).translation)
        torch.testing.assert_close(one.expression, motion(delta=0.02).expression)


def test_tremble_at_rest_is_halved_at_least() -> None:
    noise = np.random.default_rng(0).normal(0, 0.002, 200)
    out = np.array([float(one.expression[0, 0, 0]) for one in smoothed([motion(delta=n) for n in noise])])
    trembles = [np.abs(np.diff(signal, n=2)).mean() for signal in (out, noise)]
    assert trembles[0] < 0.5 * trembles[1]


def test_a_blink_is_not_late() -> None:
    """A lid that closes within two frames is most of the way down in the same frames."""
    course = [0.0] * 25 + [0.03, 0.06, 0.06, 0.03, 0.0, 0.0]
    out = [float(one.expression[0, 0, 0]) for one in smoothed([motion(delta=value) for value in course])]
    assert max(out) > 0.9 * max(course)
    assert out[26] > 0.75 * course[26]


def test_a_gap_or_a_jump_back_in_time_starts_anew() -> None:
    smoother = MotionSmoother()
    smoother(motion(0.0), 0.0)
    for time in (GAP + 0.01, 0.1):
        torch.testing.assert_close(smoother(motion(30.0), time).rotation, motion(30.0).rotation)
        smoother(motion(0.0), time + 0.04)


@given(st.lists(st.floats(-40, 40), min_size=2, max_size=20), st.integers(1, 19))
@settings(max_examples=30, deadline=None)
def test_it_looks_back_only_and_returns_rotations(yaws: list[float], cut: int) -> None:
    whole = smoothed([motion(yaw) for yaw in yaws])
    for one, other in zip(whole, smoothed([motion(yaw) for yaw in yaws[:cut]]), strict=False):
        assert torch.equal(one.rotation, other.rotation)
    for one in whole:
        torch.testing.assert_close(one.rotation[0] @ one.rotation[0].T, torch.eye(3), atol=1e-5, rtol=0)
        assert torch.linalg.det(one.rotation[0]) > 0
