"""H and Delta: rotations, classes to angles, sizes of the trunk."""

from __future__ import annotations

import math

import torch
from torch import nn

from facewire.geometry.pose import angles_from_rotation
from facewire.networks.paper.blocks2d import ResBottleneck
from facewire.networks.paper.config import PAPER_PRESETS
from facewire.networks.paper.head import HeadMotionEstimator

TINY = PAPER_PRESETS["tiny"]


def test_rotations_are_rotations() -> None:
    torch.manual_seed(0)
    motion = HeadMotionEstimator(TINY).eval()(torch.rand(3, 3, 64, 64))
    identity = torch.eye(3).expand(3, 3, 3)
    torch.testing.assert_close(motion.rotation @ motion.rotation.transpose(1, 2), identity)
    assert motion.translation.shape == (3, 3)
    assert motion.expression.shape == (3, 5, 3)


def test_each_classifier_has_its_own_angle() -> None:
    head = HeadMotionEstimator(TINY).eval()
    classes = {"yaw": 40, "pitch": 30, "roll": 35}
    with torch.no_grad():
        for name, index in classes.items():
            layer = head.get_submodule(name)
            assert isinstance(layer, nn.Linear)
            layer.weight.zero_()
            layer.bias.fill_(-1e4)
            layer.bias[index] = 0.0
        motion = head(torch.rand(1, 3, 64, 64))
    degrees = [math.degrees(angle.item()) for angle in angles_from_rotation(motion.rotation)]
    torch.testing.assert_close(degrees, [3 * (i - 32.5) for i in classes.values()], atol=1e-3, rtol=0)


def test_the_trunk_has_the_bottlenecks_of_the_paper() -> None:
    with torch.device("meta"):
        head = HeadMotionEstimator(PAPER_PRESETS["paper-256"])
    stages = [[m for m in stage.children() if isinstance(m, ResBottleneck)] for stage in head.stages]
    assert [len(stage) for stage in stages] == [3, 4, 6, 3]
    assert [stage[0].conv2.stride for stage in stages] == [(1, 1), (2, 2), (2, 2), (2, 2)]
    assert [stage[0].conv3.out_channels for stage in stages] == [256, 512, 1024, 2048]


def test_a_fresh_network_moves_keypoints_little() -> None:
    torch.manual_seed(0)
    motion = HeadMotionEstimator(TINY).train()(torch.rand(4, 3, 64, 64))
    assert 0 < motion.translation.abs().max() < 0.2
    assert 0 < motion.expression.abs().max() < 0.2


def test_a_step_of_learning_moves_keypoints_little() -> None:
    torch.manual_seed(0)
    head = HeadMotionEstimator(PAPER_PRESETS["paper-128"]).train()
    pictures, rate = torch.rand(4, 3, 64, 64), 1e-3
    before = head(pictures)
    optimizer = torch.optim.Adam((*head.translation.parameters(), *head.expression.parameters()), lr=rate)
    (before.translation.sum() + before.expression.sum()).backward()
    optimizer.step()
    after = head(pictures)
    for old, new in ((before.translation, after.translation), (before.expression, after.expression)):
        assert 0 < (new - old).abs().max() < 10 * rate


def test_the_first_gradient_is_of_usual_size() -> None:
    torch.manual_seed(0)
    head = HeadMotionEstimator(PAPER_PRESETS["paper-128"]).train()
    head(torch.rand(4, 3, 64, 64)).rotation[:, 0, 2].sum().backward()
    gradients = [p.grad.norm() for p in head.parameters() if p.grad is not None]
    assert torch.stack(gradients).norm() < 10, "without silent bottlenecks it is in the hundreds"


def test_larger_pictures_are_reduced() -> None:
    torch.manual_seed(0)
    head = HeadMotionEstimator(TINY).eval()
    small = torch.nn.functional.interpolate(torch.rand(1, 3, 4, 4), (64, 64), mode="bilinear")
    large = torch.nn.functional.interpolate(small, (128, 128), mode="bilinear")
    near, far = head(small).translation, head(large).translation
    torch.testing.assert_close(near, far, atol=0.02, rtol=0)
