"""A driver at other times, a part of it, and what is usual for a person."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch

from facewire.animation.clips.source_video import Span, is_video, length, resampled, usual, within
from facewire.animation.driving import RecordedMotion
from facewire.base.errors import ConfigError, MediaError
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.pose import angles_from_rotation, rotation_from_angles

COUNT, K = 6, 4


@pytest.fixture
def driver() -> RecordedMotion:
    """Turning evenly from 0 to 50 degrees while everything else rises evenly too; 10 frames a second from 7 s on."""
    step = torch.arange(COUNT, dtype=torch.float32)
    nothing = torch.zeros(COUNT)
    motions = HeadMotion(
        rotation_from_angles(torch.deg2rad(10 * step), nothing, nothing),
        step[:, None].expand(COUNT, 3),
        step[:, None, None].expand(COUNT, K, 3),
    )
    return RecordedMotion(motions, tuple(range(70, 70 + COUNT)), Fraction(1, 10), Fraction(10))


def test_at_its_own_times_a_driver_is_itself(driver: RecordedMotion) -> None:
    same = resampled(driver, [number / 10 for number in range(COUNT)])
    torch.testing.assert_close(same.rotation, driver.motions.rotation)
    torch.testing.assert_close(same.expression, driver.motions.expression)
    assert length(driver) == pytest.approx(0.6)


def test_between_two_frames_it_is_between_them(driver: RecordedMotion) -> None:
    between = resampled(driver, [0.15, 0.425, 9.0])
    torch.testing.assert_close(between.translation[:, 0], torch.tensor([1.5, 4.25, 5.0]))
    yaw = torch.rad2deg(angles_from_rotation(between.rotation)[0])
    torch.testing.assert_close(yaw, torch.tensor([15.0, 42.5, 50.0]), atol=0.1, rtol=0)
    identity = between.rotation @ between.rotation.mT
    torch.testing.assert_close(identity, torch.eye(3).expand_as(identity), atol=1e-5, rtol=0)


def test_a_part_of_a_driver(driver: RecordedMotion) -> None:
    assert within(driver, Span(), "d") is driver
    part = within(driver, Span(0.2, 0.4), "d")
    assert part.times == (72, 73)
    torch.testing.assert_close(part.motions.translation[:, 0], torch.tensor([2.0, 3.0]))
    with pytest.raises(MediaError, match="--from"):
        within(driver, Span(2.0), "d")


@pytest.mark.parametrize(("start", "end"), [(-1.0, None), (1.0, 1.0), (2.0, 1.0), (float("nan"), None)])
def test_a_span_goes_forward(start: float, end: float | None) -> None:
    with pytest.raises(ConfigError):
        Span(start, end)


def test_what_is_usual_is_near_most_of_them() -> None:
    expression = torch.zeros(5, K, 3)
    expression[1], expression[3] = 4.0, -0.1
    expression[0] = 0.2
    still = HeadMotion(torch.eye(3).expand(5, 3, 3), torch.zeros(5, 3), expression)
    assert usual(still) in (2, 4)


def test_names_of_videos() -> None:
    assert all(is_video(name) for name in ("a.MP4", "b/c.webm", "d.mov"))
    assert not any(is_video(name) for name in ("a.jpg", "motion.fwv", "a.gif", "mp4"))
