"""Keyframes: what they say of a moment, and that motions follow them."""

from __future__ import annotations

import pytest
import torch

from facewire.animation.edits import Edit, edited
from facewire.animation.keyframes import Key, keyed, parse_key, values_at
from facewire.animation.smoothing import smoothed
from facewire.animation.view import ViewPath
from facewire.base.errors import ConfigError
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints
from facewire.networks.compact.guides import GUIDES

POINTS = len(GUIDES) + 3


def motions(count: int) -> HeadMotion:
    generator = torch.Generator().manual_seed(0)
    expression = 0.02 * torch.randn(1, POINTS, 3, generator=generator)
    return HeadMotion(torch.eye(3)[None], torch.zeros(1, 3), expression).expand(count)


def canonical() -> CanonicalKeypoints:
    points = torch.rand(1, POINTS, 3, generator=torch.Generator().manual_seed(1)) - 0.5
    return CanonicalKeypoints(points)


def slid(motions: HeadMotion, edit: Edit) -> HeadMotion:
    return edited(motions, canonical(), edit)


def test_a_key_is_read_as_it_is_written() -> None:
    key = parse_key("1.5", "smile=0.5, yaw=20,gaze=-0.3:0.1")
    assert key == Key(1.5, Edit({"smile": 0.5, "gaze right": -0.3, "gaze up": 0.1}), {"yaw": 20.0})


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        ("-1", "smile=0"),
        ("nan", "smile=0"),
        ("x", "smile=0"),
        ("1", "yaw=90"),
        ("1", "nose=1"),
        ("1", "yaw=a"),
    ],
)
def test_other_keys_are_refused(seconds: str, text: str) -> None:
    with pytest.raises(ConfigError):
        parse_key(seconds, text)


def test_values_go_straight_between_keys_and_are_held_outside() -> None:
    keys = (parse_key("3", "smile=1"), parse_key("1", "smile=0,yaw=10"))
    assert values_at(keys, 0.0) == {"smile": 0.0, "yaw": 10.0}
    assert values_at(keys, 2.0) == {"smile": 0.5, "yaw": 10.0}
    assert values_at(keys, 9.0) == {"smile": 1.0, "yaw": 10.0}
    assert values_at((), 1.0) == {}


def test_each_frame_has_the_values_of_its_moment() -> None:
    own, points = motions(3), canonical()
    keys = (parse_key("0", "smile=0,yaw=0"), parse_key("2", "smile=1,yaw=20"))
    moved = keyed(own, slid, Edit({"mouth": 0.3}), ViewPath(pitch=(5.0,)), keys, [0.0, 1.0, 2.0])
    for row, (smile, yaw) in enumerate(((0.0, 0.0), (0.5, 10.0), (1.0, 20.0))):
        alone = edited(own[:1], points, Edit({"mouth": 0.3, "smile": smile}))
        turned = alone.turned_at_neck(ViewPath((yaw,), (5.0,)).rotation(0))
        assert torch.allclose(moved.rotation[row], turned.rotation[0], atol=1e-6)
        assert torch.allclose(moved.expression[row], turned.expression[0], atol=1e-6)


def test_a_key_of_one_eye_leaves_the_other_as_both_were() -> None:
    own, points = motions(1), canonical()
    keys = (parse_key("0", "blink left=1"),)
    moved = keyed(own, slid, Edit({"blink": 0.5}), ViewPath(), keys, [0.0])
    wanted = edited(own, points, Edit({"blink left": 1.0, "blink right": 0.5}))
    assert torch.allclose(moved.expression, wanted.expression, atol=1e-6)


def test_smoothing_takes_the_tremble_and_comes_neither_early_nor_late() -> None:
    seconds = [row / 25 for row in range(50)]
    slow = torch.sin(torch.tensor(seconds) * 2)
    tremble = 0.004 * torch.tensor([1.0, -1.0]).repeat(25)
    own = motions(50)
    place = torch.stack((slow * 0.2 + tremble, torch.zeros(50), torch.zeros(50)), dim=1)
    still = smoothed(HeadMotion(own.rotation, place, own.expression), seconds)
    off = (still.translation[:, 0] - slow * 0.2)[5:-5]
    assert off.abs().mean() < 0.7 * 0.004
    lag = [float((still.translation[5 + k : 45 + k, 0] - slow[5:45] * 0.2).abs().mean()) for k in (-2, 0, 2)]
    assert lag[1] == min(lag)
    assert torch.allclose(still.rotation, own.rotation, atol=1e-6)
