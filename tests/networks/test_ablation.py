"""The ablation's variants: each differs from the full model in the one thing that it is named after."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from facewire.base.errors import ConfigError
from facewire.geometry.flow import sparse_flows
from facewire.geometry.grid import volume_grid
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints, place
from facewire.networks.paper.ablation import ABLATION_PRESETS, FULL
from facewire.networks.paper.config import PaperConfig, to_dict
from facewire.networks.paper.direct_motion import DirectMotion
from facewire.networks.paper.face_vid2vid import FaceVid2Vid, build

SMALL = replace(FULL, keypoints=3, base=4, channels=4)
FOMM = {"composition": "direct", "jacobians": True, "warp": "2-D"}


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
        if name == "ablation-fomm":
            assert changed == ["jacobians", "composition", "warp"]
        else:
            assert len(changed) == (name != "ablation-full"), name


@pytest.mark.parametrize(
    "change", [{"composition": "direct"}, {"warp": "2-D"}, {"jacobians": True}, FOMM], ids=str
)
def test_variants_render_and_every_learning_number_learns(
    change: dict[str, object], pictures: Tensor
) -> None:
    model = model_of(replace(SMALL, **change)).train()  # type: ignore[arg-type]
    made = model(pictures[:1].repeat(2, 1, 1, 1), pictures)
    assert made.image.shape == (2, 3, 64, 64)
    total = made.image.mean() + made.motion.rotation.sum() + made.keypoints.jacobians.square().sum()
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


def test_the_first_order_motion_model_knows_no_head(pictures: Tensor) -> None:
    model = model_of(replace(SMALL, **FOMM)).train()  # type: ignore[arg-type]
    assert not [name for name, _ in model.named_parameters() if "yaw" in name or "translation" in name]
    with torch.inference_mode():
        motion = model.motion(pictures)
    assert motion.jacobians is not None
    torch.testing.assert_close(motion.rotation, torch.eye(3).expand(2, 3, 3))
    torch.testing.assert_close(motion.jacobians, torch.eye(3).expand(2, 3, 3, 3))
    assert motion.expression[..., 2].abs().max() == 0
    assert motion.expression[..., :2].abs().max() > 0


def test_its_jacobians_are_those_of_the_plane_and_turn_the_flow(pictures: Tensor) -> None:
    model = model_of(replace(SMALL, **FOMM))  # type: ignore[arg-type]
    assert isinstance(model.head, DirectMotion)
    head = model.head.detector.jacobian_head
    assert isinstance(head, nn.Conv3d)
    assert head.out_channels == 4 * SMALL.keypoints
    assert head.bias is not None
    quarter = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    with torch.inference_mode():
        motion = model.motion(pictures[:1])
        head.bias.copy_(quarter.flatten().repeat(SMALL.keypoints))
        turned = model.motion(pictures[:1])
    assert turned.jacobians is not None
    torch.testing.assert_close(turned.jacobians[0, 0, :2, :2], quarter)
    assert turned.jacobians[0, 0, 2].tolist() == [0, 0, 1]
    grid = volume_grid(1, 5, 5)
    source, driving = (place(CanonicalKeypoints(torch.zeros(1, 3, 3)), m) for m in (motion, turned))
    point = motion.expression[0, 0]
    flow = sparse_flows(source, driving, grid)[0, 1, 0]
    torch.testing.assert_close(flow[..., :2], (grid[0] - point)[..., :2] @ quarter + point[:2])


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
