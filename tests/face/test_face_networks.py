"""The three networks: parity with the numbers' origin, wiring, precision, shapes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from facewire.base.errors import ShapeError
from facewire.face.detection import detections_of
from facewire.face.networks.attention import (
    LEFT_EYE,
    LEFT_EYE_INDICES,
    LIP_INDICES,
    LIPS,
    RIGHT_EYE,
    RIGHT_EYE_INDICES,
    AttentionMesh,
    load_attention_mesh,
    region_frame,
    sample_region,
)
from facewire.face.networks.blaze import anchor_centres, load_blaze_face
from facewire.face.networks.mesh import FaceMesh, load_face_mesh

CUT = (129, 29)
"""Left and top of the 192 x 192 pixels that MediaPipe's networks saw without resampling."""


def as_tensor(photo: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.array(photo)).permute(2, 0, 1)[None].float() / 255


def cut_out(astronaut: NDArray[np.uint8]) -> Tensor:
    left, top = CUT
    return as_tensor(astronaut[top : top + 192, left : left + 192])


@torch.no_grad()
def test_mesh_equals_mediapipe(
    astronaut: NDArray[np.uint8], reference: dict[str, NDArray[np.float64]]
) -> None:
    landmarks, presence = load_face_mesh()(cut_out(astronaut))
    pixels = landmarks[0].double().numpy() * 192 + (*CUT, 0)
    np.testing.assert_allclose(pixels, reference["cut_mesh"], atol=1e-3)
    assert presence.item() > 5


@torch.no_grad()
def test_attention_mesh_equals_mediapipe(
    astronaut: NDArray[np.uint8], reference: dict[str, NDArray[np.float64]]
) -> None:
    landmarks, presence = load_attention_mesh()(cut_out(astronaut))
    pixels = landmarks[0].double().numpy() * 192 + (*CUT, 0)
    np.testing.assert_allclose(pixels, reference["cut_attention"], atol=1e-3)
    assert presence.item() > 5


@torch.no_grad()
def test_detector_equals_mediapipe(
    astronaut: NDArray[np.uint8], reference: dict[str, NDArray[np.float64]]
) -> None:
    """MediaPipe reads every fourth pixel of this picture, without averaging."""
    logits, places = load_blaze_face()(as_tensor(astronaut[::4, ::4]))
    (detection,) = detections_of(logits[0].numpy(), places[0].numpy())
    np.testing.assert_allclose(np.array(detection.box) * 4, reference["box"], atol=1e-3)
    np.testing.assert_allclose(detection.keypoints * 4, reference["keypoints"], atol=1e-3)
    assert detection.score == pytest.approx(float(reference["score"]), abs=1e-5)


def test_anchors_by_hand() -> None:
    centres = anchor_centres()
    assert centres.shape == (896, 2)
    assert centres[1].tolist() == [0.5 / 16, 0.5 / 16]
    assert centres[2].tolist() == [1.5 / 16, 0.5 / 16]
    assert centres[2 * 16].tolist() == [0.5 / 16, 1.5 / 16]
    assert centres[512 + 6].tolist() == [1.5 / 8, 0.5 / 8]
    assert centres[895].tolist() == [7.5 / 8, 7.5 / 8]


def test_overlapping_anchors_are_averaged_by_score() -> None:
    places = torch.full((896, 8, 2), 0.5)
    places[:, 1] = 0.25
    places[1, 0] = 0.51
    places[2, 0] = 0.9
    logits = torch.full((896,), -20.0)
    logits[:3] = torch.tensor([0.9, 0.6, 0.8]).logit()
    near, far = detections_of(logits.numpy(), places.numpy())
    centre = (0.9 * 0.5 + 0.6 * 0.51) / 1.5 * 128
    assert near.score == pytest.approx(0.9, abs=1e-6)
    assert near.box == pytest.approx((centre - 16, centre - 16, centre + 16, centre + 16), abs=1e-4)
    assert far.score == pytest.approx(0.8, abs=1e-6)


@pytest.mark.parametrize("network", [load_face_mesh, load_attention_mesh])
def test_every_weight_gets_a_gradient(network: object, astronaut: NDArray[np.uint8]) -> None:
    assert callable(network)
    module = network().train()
    landmarks, presence = module(cut_out(astronaut))
    (landmarks.square().sum() + presence.sum()).backward()
    unused = [name for name, p in module.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert unused == []


def test_every_detector_weight_gets_a_gradient(astronaut: NDArray[np.uint8]) -> None:
    module = load_blaze_face()
    logits, places = module(as_tensor(astronaut[::4, ::4]))
    (logits.sum() + places.square().sum()).backward()
    unused = [name for name, p in module.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert unused == []


def test_parameter_counts() -> None:
    def count(module: nn.Module) -> int:
        return sum(p.numel() for p in module.parameters())

    assert count(load_blaze_face()) == 101_390
    assert count(FaceMesh()) == 604_685
    assert count(AttentionMesh()) == 1_189_277


@torch.no_grad()
def test_autocast_and_channels_last_stay_close(astronaut: NDArray[np.uint8]) -> None:
    image = cut_out(astronaut)
    for network in (load_face_mesh(), load_attention_mesh()):
        exact, _ = network(image)
        with torch.autocast("cpu", torch.bfloat16):
            rough, presence = network(image.to(memory_format=torch.channels_last))
        assert rough.dtype == presence.dtype == torch.float32
        assert (rough - exact).abs().max() * 192 < 1.5


@torch.no_grad()
def test_pictures_of_a_batch_do_not_meet(astronaut: NDArray[np.uint8]) -> None:
    image = cut_out(astronaut)
    pair = torch.cat((image, image.flip(-1)))
    for network in (load_face_mesh(), load_attention_mesh()):
        together, alone = network(pair)[0], network(pair[1:])[0]
        torch.testing.assert_close(together[1:], alone, atol=1e-5, rtol=0)


@torch.no_grad()
def test_features_accept_other_sizes() -> None:
    network = load_face_mesh()
    assert network.features(torch.rand(2, 3, 192, 192)).shape == (2, 128, 6, 6)
    assert network.features(torch.rand(1, 3, 256, 256)).shape == (1, 128, 8, 8)
    assert network.landmark_features(torch.rand(1, 3, 192, 192)).shape == (1, 32, 3, 3)


@pytest.mark.parametrize("shape", [(3, 192, 192), (1, 1, 192, 192), (1, 3, 190, 192)])
def test_wrong_shapes_are_named(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="multiples of 32"):
        FaceMesh()(torch.zeros(shape))
    with pytest.raises(ShapeError, match="multiples of 32"):
        AttentionMesh()(torch.zeros(shape))
    with pytest.raises(ShapeError, match="128"):
        load_blaze_face()(torch.zeros(1, 3, 64, 64))


def test_region_indices_are_distinct_and_apart() -> None:
    everything = LIP_INDICES + LEFT_EYE_INDICES + RIGHT_EYE_INDICES
    assert len(everything) == len(set(everything)) == 80 + 71 + 71
    assert max(everything) < 468


def test_region_frame_by_hand() -> None:
    """Two corners on a line of 45 degrees, all else on them: width 1, no height."""
    landmarks = torch.zeros(1, 468, 3)
    landmarks[:, list(LIP_INDICES)] = torch.tensor([0.5, 0.5, 0.0])
    half = 0.1
    landmarks[:, 61] = torch.tensor([0.5 - half, 0.5 - half, 0])
    landmarks[:, 291] = torch.tensor([0.5 + half, 0.5 + half, 0])
    landmarks[:, 13] = torch.tensor([0.5 + half / 2, 0.5 - half / 2, 0])
    landmarks[:, 14] = torch.tensor([0.5 - half / 2, 0.5 + half / 2, 0])
    frame = region_frame(landmarks, LIPS)
    middle = frame.place(torch.tensor([[[0.5, 0.5]]]))
    torch.testing.assert_close(middle, torch.tensor([[[0.5, 0.5]]]))
    torch.testing.assert_close(frame.axes[0, 0], torch.tensor([0.3, 0.3]))
    torch.testing.assert_close(frame.axes[0, 1], torch.tensor([-0.15, 0.15]))


def test_whole_picture_as_region_is_plain_averaging() -> None:
    """A region that covers the picture exactly resamples 32 x 32 to 16 x 16 at the cells' corners."""
    features = torch.rand(1, 5, 32, 32)
    landmarks = torch.full((1, 468, 3), 0.5)
    for spec in (LEFT_EYE, RIGHT_EYE):
        landmarks[:, spec.left, 0], landmarks[:, spec.right, 0] = 0.5 - 1 / 3, 0.5 + 1 / 3
        landmarks[:, spec.indices[20], 1], landmarks[:, spec.indices[21], 1] = 0.5 - 1 / 3, 0.5 + 1 / 3
        cells = sample_region(features, region_frame(landmarks, spec))
        torch.testing.assert_close(cells, nn.functional.avg_pool2d(features, 2))
