"""Recorded motion on disk: round trip, other weights, damage, variable frame rates."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from facewire.animation.animator import Animator
from facewire.animation.driving import RecordedMotion
from facewire.base.errors import ConfigError, MotionFileError
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.pose import rotation_from_angles
from facewire.talks.bridge import to_frames, to_motions
from facewire.talks.motion_file import DEMO_MOTION, read_motion, rows_at_constant_rate, write_motion

KEYPOINTS = 20
RATE = Fraction(30000, 1001)


def model(fingerprint: str = "ab") -> Animator:
    """Return what the motion file asks of an animator."""
    manifest = SimpleNamespace(sha256=fingerprint * 32, preset="compact-256")
    return cast(Animator, SimpleNamespace(manifest=manifest, size=256, keypoints=KEYPOINTS, path=None))


def smooth(frames: int) -> RecordedMotion:
    """Return a slow turn with a small expression, as a head would do it."""
    phase = np.linspace(0, 3, frames, dtype=np.float32)
    angles = np.float32(0.2) * np.sin(phase)
    waves = np.sin(phase[:, None, None] + np.arange(KEYPOINTS, dtype=np.float32)[:, None] / 5)
    motions = HeadMotion(
        rotation_from_angles(angles, angles / 2, angles / 3),
        np.stack((angles, -angles, np.zeros_like(angles)), axis=1) / 4,
        np.repeat(np.float32(0.03) * waves, 3, axis=2),
    )
    return RecordedMotion(motions, tuple(range(frames)), 1 / RATE, RATE)


def test_bridge_is_exact_to_float_precision() -> None:
    recorded = smooth(7)
    back = to_motions(list(to_frames(recorded.motions)))
    np.testing.assert_allclose(back.rotation, recorded.motions.rotation, atol=1e-6)
    assert np.array_equal(back.translation, recorded.motions.translation)
    assert np.array_equal(back.expression, recorded.motions.expression)


def test_tensors_are_sent_as_arrays_are() -> None:
    arrays = smooth(3).motions
    for one, other in zip(to_frames(arrays), to_frames(arrays.to("cpu")), strict=True):
        np.testing.assert_allclose(one.angles, other.angles, atol=1e-6)
        assert np.array_equal(one.expression, other.expression)


def test_keypoints_with_jacobians_of_their_own_are_not_sent() -> None:
    motions = smooth(2).motions
    frames = np.broadcast_to(np.eye(3), (2, KEYPOINTS, 3, 3))
    with pytest.raises(ConfigError, match="Jacobians"):
        list(to_frames(replace(motions, jacobians=frames)))


def test_round_trip_keeps_rate_and_motion_within_a_pixel(tmp_path: Path) -> None:
    recorded = smooth(60)
    report = write_motion(tmp_path / "m.fwv", recorded, model())
    back = read_motion(tmp_path / "m.fwv", model())
    assert back.rate == RATE
    assert len(back) == report.frames == 60
    one_pixel = 1 / 128
    assert np.abs(back.motions.translation - recorded.motions.translation).max() < one_pixel
    assert np.abs(back.motions.expression - recorded.motions.expression).max() < 2 * one_pixel
    assert report.bytes_per_frame < 132
    assert report.file_bytes == (tmp_path / "m.fwv").stat().st_size


def test_shots_stay_apart(tmp_path: Path) -> None:
    recorded = replace(smooth(20), stretches=(0,) * 8 + (2,) * 12)
    write_motion(tmp_path / "m.fwv", recorded, model())
    back = read_motion(tmp_path / "m.fwv", model())
    first, second = back.stretches[0], back.stretches[-1]
    assert first != second
    assert back.stretches == (first,) * 8 + (second,) * 12
    assert back.shots == 2


def test_other_weights_refuse_the_motion(tmp_path: Path) -> None:
    write_motion(tmp_path / "m.fwv", smooth(5), model("ab"))
    with pytest.raises(MotionFileError, match="other weights"):
        read_motion(tmp_path / "m.fwv", model("cd"))


@pytest.mark.parametrize("content", [b"", b"hello", bytes(500)])
def test_what_is_no_motion_file_is_said_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.fwv"
    path.write_bytes(content)
    with pytest.raises(MotionFileError, match=r"m\.fwv"):
        read_motion(path, model())


def test_missing_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(MotionFileError, match="cannot be read"):
        read_motion(tmp_path / "none.fwv", model())


def test_variable_rate_becomes_constant_by_what_is_shown() -> None:
    recorded = smooth(4)
    uneven = RecordedMotion(recorded.motions, (0, 1, 4, 5), 1 / RATE, RATE)
    assert rows_at_constant_rate(uneven) == [0, 1, 1, 1, 2, 3]


def test_demo_motion_belongs_to_the_shipped_weights() -> None:
    recorded = read_motion(DEMO_MOTION, Animator.load())
    assert len(recorded) > 100
