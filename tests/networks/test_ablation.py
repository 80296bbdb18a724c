"""The ablation's variants: each differs from the full model in the one thing that it is named after."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from facewire.base.errors import ConfigError
from facewire.geometry.head_motion import HeadMotion
from facewire.networks.paper.ablation import ABLATION_PRESETS, FULL
from facewire.networks.paper.config import PaperConfig, to_dict
from facewire.networks.paper.face_vid2vid import FaceVid2Vid, build

SMALL = replace(FULL, keypoints=3, base=4, channels=4)


@pytest.fixture
def pictures() -> Tensor:
    return torch.rand((2, 3, 64, 64), generator=torch.Generator().manual_seed(0))


def model_of(config: PaperConfig) -> FaceVid2Vid:
    torch.manual_seed(0)
    return build(config).eval()


def test_every_variant_changes_one_setting() -> None:
    full = to_dict(FULL)
    for name, config in ABLATION_PRESETS.items():
        changed = [key for key, value in to_dict(config).items() if value != full[key]]
        assert len(changed) == (name != "ablation-full"), name


@pytest.mark.parametrize("change", [{"composition": "direct"}, {"warp": "2-D"}, {"jacobians": True}])
def test_variants_render_and_every_learning_number_learns(
    change: dict[str, object], pictures: Tensor
) -> None:
    model = model_of(replace(SMALL, **change)).train()  # type: ignore[arg-type]
    made = model(pictures[:1].repeat(2, 1, 1, 1), pictures)
    assert made.image.shape == (2, 3, 64, 64)
    total = made.image.mean() + made.motion.rotation.sum() + made.keypoints.jacobians.sum()
    total.backward()
    idle = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert idle == []


def test_found_directly_keypoints_are_those_of_each_picture_alone(pictures: Tensor) -> None:
    model = model_of(replace(SMALL, composition="direct"))
    with torch.inference_mode():
        own = model.identity(pictures)
        motion = model.motion(pictures)
    assert own.canonical.points.abs().max() == 0
    assert motion.translation.abs().max() == 0
    torch.testing.assert_close(own.keypoints.points, motion.expression)
    torch.testing.assert_close(own.keypoints.jacobians[:, 0], motion.rotation)
    with pytest.raises(ConfigError, match="canonical frames"):
        replace(SMALL, composition="direct", jacobians=True)


def test_a_flat_map_does_not_see_depth(pictures: Tensor) -> None:
    model = model_of(replace(SMALL, warp="2-D"))
    with torch.inference_mode():
        identity = model.identity(pictures[:1])
        assert identity.features[0].shape == (1, SMALL.channels * SMALL.depth, 1, 16, 16)
        motion = model.motion(pictures[1:])
        deeper = HeadMotion(
            motion.rotation, motion.translation + torch.tensor([0.0, 0.0, 0.4]), motion.expression
        )
        torch.testing.assert_close(model.render(identity, deeper), model.render(identity, motion))
        aside = HeadMotion(
            motion.rotation, motion.translation + torch.tensor([0.4, 0.0, 0.0]), motion.expression
        )
        assert (model.render(identity, aside) - model.render(identity, motion)).abs().max() > 1e-4


def test_the_window_of_the_last_convolutions_is_set() -> None:
    model = model_of(SMALL)
    assert model.motion_field.mask_head.kernel_size == (3, 3, 3)
    assert model.motion_field.occlusion_head.kernel_size == (3, 3)
    with pytest.raises(ConfigError, match="window"):
        replace(SMALL, window=4)
