"""Looks in a call: what is the same every time is learned, what goes along with the motion too, and nothing jumps."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from facewire.animation.live.looks import MOST, STEP, Looks
from facewire.codec.state import MotionFrame
from facewire.networks.compact.guides import FREE, GUIDES

KEYPOINTS = len(GUIDES) + len(FREE)
SHOULDER = len(GUIDES)


def motion(yaw: float = 0.0, shoulder: float = 0.0) -> MotionFrame:
    expression = np.zeros((KEYPOINTS, 3), np.float32)
    expression[SHOULDER, 0] = shoulder
    return MotionFrame(np.array((yaw, 0, 0), np.float32), np.zeros(3, np.float32), expression)


def beside(right: float) -> NDArray[np.float32]:
    found = np.zeros((KEYPOINTS, 2), np.float32)
    found[SHOULDER] = right, -right / 2
    return found


def shown(looks: Looks, now: MotionFrame, pictures: int = 1) -> NDArray[np.float32]:
    """Return by how much the last of some equal pictures is corrected, (K, 3)."""
    for _ in range(pictures):
        corrected = looks.corrected(now)
    return corrected.expression - now.expression


def test_before_the_first_look_motions_are_what_they_were() -> None:
    looks, now = Looks(), motion(0.3)
    assert looks.corrected(now) is now


def test_what_is_the_same_every_time_is_corrected_whatever_the_motion() -> None:
    looks = Looks()
    for step in range(20):
        looks.hear(motion(0.3 * np.sin(step)), beside(0.05))
    for yaw in (-0.25, 0.0, 0.3):
        found = shown(looks, motion(yaw), 30)
        np.testing.assert_allclose(found[SHOULDER], (0.05, -0.025, 0), atol=0.005)
        assert np.abs(np.delete(found, SHOULDER, axis=0)).max() < 1e-6


def test_what_goes_along_with_the_motion_is_there_before_the_next_look() -> None:
    looks = Looks()
    for step in range(40):
        yaw = 0.3 * np.sin(step)
        looks.hear(motion(yaw), beside(0.1 * yaw))
    shown(looks, motion(0.0), 30)
    for yaw in (-0.3, 0.3):
        share = shown(looks, motion(yaw))[SHOULDER, 0] / (0.1 * yaw)
        assert 0.5 < share < 1.05


def test_one_look_is_taken_at_its_word_for_the_most_part_and_never_jumped_to() -> None:
    looks, now = Looks(), motion(0.1, 0.02)
    looks.hear(now, beside(0.06))
    first = shown(looks, now)[SHOULDER, 0]
    last = shown(looks, now, 30)[SHOULDER, 0]
    assert 0.7 * 0.06 < last < 0.06
    assert first == pytest.approx(STEP * last, rel=1e-3)


def test_what_was_long_ago_is_forgotten() -> None:
    looks = Looks()
    for right in (*[0.08] * 30, *[-0.04] * 30):
        looks.hear(motion(), beside(right))
    assert shown(looks, motion(), 30)[SHOULDER, 0] == pytest.approx(-0.04, abs=0.004)


def test_wild_looks_correct_no_further_than_a_look_can_see() -> None:
    looks, drawn = Looks(), np.random.default_rng(0)
    for _ in range(200):
        angles, place = drawn.normal(0, 3, (2, 3)).astype(np.float32)
        wild = MotionFrame(angles, place, drawn.normal(0, 3, (KEYPOINTS, 3)).astype(np.float32))
        looks.hear(wild, drawn.normal(0, 0.1, (KEYPOINTS, 2)).astype(np.float32))
        assert np.abs(looks.corrected(wild).expression - wild.expression).max() <= MOST + 1e-6
