"""Carrying motion over: reference frames, relative motion, held frames, following squares."""

import math

import numpy as np
import pytest
import torch

from facewire.animation.animate import AnimateOptions, still, transferred, viewed
from facewire.animation.driving import held_rows
from facewire.animation.reference import best_reference, median_motion
from facewire.animation.strength import scaled
from facewire.animation.survey import CropPath
from facewire.animation.view import ViewPath
from facewire.base.errors import ConfigError, NoFaceFound
from facewire.geometry.head_motion import NECK, HeadMotion
from facewire.geometry.pose import angles_from_rotation, rotation_from_angles

KEYPOINTS = 4


def motions(yaw_degrees: list[float], expression: list[float] | None = None) -> HeadMotion:
    """Return motions that turn by the given yaws; every delta component has the given value."""
    yaw = torch.deg2rad(torch.tensor(yaw_degrees))
    delta = torch.tensor(expression or [0.0] * len(yaw_degrees))
    return HeadMotion(
        rotation_from_angles(yaw, torch.zeros_like(yaw), torch.zeros_like(yaw)),
        torch.stack((yaw, -yaw, torch.zeros_like(yaw)), dim=1) / 100,
        delta[:, None, None].expand(-1, KEYPOINTS, 3).contiguous(),
    )


def yaw_of(motion: HeadMotion) -> list[float]:
    return [round(math.degrees(v), 3) for v in angles_from_rotation(motion.rotation)[0].tolist()]


def test_best_reference_is_the_frame_most_like_the_source() -> None:
    driving = motions([30.0, 12.0, -5.0, 11.0], [0.0, 0.2, 0.0, 0.0])
    assert best_reference(driving, motions([10.0])) == 3


def test_best_reference_weighs_expression_too() -> None:
    driving = motions([10.0, 10.0, 10.0], [0.1, 0.01, 0.3])
    assert best_reference(driving, motions([10.0])) == 1


def test_best_reference_is_where_the_head_usually_is() -> None:
    """The frame that looks most like the source is the only one in which the head stands far aside."""
    driving = motions([10.0, 12.0, 12.0, 13.0])
    driving.translation[:, :2] = torch.tensor([[0.5, 0.0], [0.0, 0.01], [0.0, 0.0], [-0.01, 0.0]])
    assert best_reference(driving, motions([10.0])) == 2


def test_relative_transfer_keeps_the_source_at_the_reference_and_adds_changes() -> None:
    source = motions([-20.0], [0.05])
    moved, reference = transferred(motions([15.0, 10.0, 5.0]), source, AnimateOptions(reference="1"))
    assert reference == (1,)
    assert yaw_of(moved) == [-15.0, -20.0, -25.0]
    torch.testing.assert_close(moved.expression[1], source.expression[0])
    torch.testing.assert_close(moved.translation[1], source.translation[0])


def test_changes_reach_as_far_as_the_head_is_large() -> None:
    source, driving = motions([-20.0], [0.05]), motions([10.0, 20.0], [0.1, 0.3])
    moved, _ = transferred(driving, source, AnimateOptions(reference="first"), reach=0.5)
    assert yaw_of(moved) == [-20.0, -10.0]
    torch.testing.assert_close(moved.expression[1] - source.expression[0], torch.full((KEYPOINTS, 3), 0.1))
    torch.testing.assert_close(
        moved.translation[1] - source.translation[0], math.radians(0.05) * torch.tensor([1.0, -1.0, 0.0])
    )


def test_each_stretch_has_a_reference_of_its_own() -> None:
    """The second shot begins far from where the first one ended: it starts from the source all the same."""
    driving = motions([0.0, 5.0, 40.0, 48.0, 44.0])
    moved, references = transferred(driving, motions([3.0]), AnimateOptions(), (0, 0, 1, 1, 1))
    assert references == (1, 2)
    assert yaw_of(moved) == [-2.0, 3.0, 3.0, 11.0, 7.0]
    moved, references = transferred(driving, motions([3.0]), AnimateOptions(reference="3"), (0, 0, 1, 1, 1))
    assert references == (1, 3)
    assert yaw_of(moved)[2:] == [-5.0, 3.0, -1.0]


def test_stretches_that_alternate_keep_their_order() -> None:
    driving = motions([0.0, 40.0, 1.0, 41.0])
    moved, _ = transferred(driving, motions([0.0]), AnimateOptions(reference="first"), (0, 1, 0, 1))
    assert yaw_of(moved) == [0.0, 0.0, 1.0, 1.0]


def test_the_usual_motion_is_no_extreme() -> None:
    assert median_motion(motions([0.0, 60.0, 2.0, 3.0], [0.5, 0.1, 0.1, 0.1])) in (2, 3)


def test_absolute_transfer_changes_nothing() -> None:
    driving = motions([15.0, 10.0])
    moved, reference = transferred(driving, motions([-20.0]), AnimateOptions(relative=False))
    assert moved is driving
    assert reference == ()


@pytest.mark.parametrize("reference", ["2", "-1", "last", ""])
def test_unknown_reference_is_refused(reference: str) -> None:
    with pytest.raises(ConfigError, match="reference"):
        transferred(motions([1.0, 2.0]), motions([0.0]), AnimateOptions(reference=reference))


def test_view_turns_frames_along_the_path_and_leaves_the_neck_where_it_is() -> None:
    driving = motions([0.0, 0.0, 0.0])
    turned = viewed(driving, ViewPath(yaw=(-30.0, 30.0)))
    assert yaw_of(turned) == [-30.0, 0.0, 30.0]
    for motion in (turned, driving):
        joints = motion.rotation @ torch.tensor(NECK) + motion.translation
        torch.testing.assert_close(joints, torch.tensor(NECK).expand(3, 3))
    assert viewed(driving, ViewPath()) is driving


def test_absent_frames_hold_the_last_motion_and_the_start_takes_the_first_present_one() -> None:
    assert held_rows([False, True, False, False, True], "clip.mp4", "") == [1, 1, 1, 1, 4]


def test_a_clip_without_any_face_is_an_error_that_names_it() -> None:
    with pytest.raises(NoFaceFound, match=r"clip\.mp4"):
        held_rows([False], "clip.mp4", "a hint")


def test_following_square_is_interpolated_in_time() -> None:
    path = CropPath(np.array([0.0, 1.0]), np.array([[0.0, 10.0, 100.0], [50.0, 20.0, 120.0]]))
    assert path.following
    box = path.at(0.5)
    assert (box.left, box.top, box.side) == (25, 15, 110)
    assert path.at(9.0) == path.at(1.0)


def test_still_holds_the_source_at_an_exact_rate() -> None:
    person = _Anyone(motions([7.0]))
    recorded = still(person, 50)  # type: ignore[arg-type]
    assert len(recorded) == 50
    assert recorded.rate == 25
    assert recorded.times[-1] * recorded.time_base == 49 / recorded.rate
    assert set(yaw_of(recorded.motions)) == {7.0}


class _Anyone:
    """Stands in for a Person of whom only the motion is asked."""

    def __init__(self, motion: HeadMotion) -> None:
        self.identity = type("OnlyMotion", (), {"motion": motion})()


def test_strength_leads_half_as_far_from_the_source() -> None:
    driving, source = motions([10.0, 30.0], [0.0, 0.2]), motions([-20.0], [0.05])
    whole, _ = transferred(driving, source, AnimateOptions(reference="first"))
    half, _ = transferred(driving, source, AnimateOptions(reference="first", strength=0.5))
    assert yaw_of(whole) == [-20.0, 0.0]
    assert yaw_of(half) == [-20.0, -10.0]
    torch.testing.assert_close(half.expression, (whole.expression + source.expression) / 2)
    torch.testing.assert_close(half.translation, (whole.translation + source.translation) / 2)


def test_no_strength_leaves_the_source_even_in_absolute_motion() -> None:
    source = motions([-20.0], [0.05])
    still, _ = transferred(motions([10.0, 30.0]), source, AnimateOptions(relative=False, strength=0.0))
    assert yaw_of(still) == [-20.0, -20.0]
    torch.testing.assert_close(still.expression, source.expression.expand(2, -1, -1))


def test_arrays_and_tensors_are_strengthened_alike() -> None:
    driving, source = motions([10.0, 30.0], [0.1, 0.2]), motions([-20.0], [0.05])
    one, other = scaled(driving, source, 1.5, 1.2), scaled(driving.arrays(), source.arrays(), 1.5, 1.2)
    np.testing.assert_allclose(other.rotation, one.rotation.numpy(), atol=1e-6)
    np.testing.assert_allclose(other.expression, one.expression.numpy(), atol=1e-6)
