"""Face mesh with a second look at lips, eyes and irises: 478 points.

    image -> trunk[:4] -> [32, 48, 48] ------------------+
             trunk[4:] -> [128, 6, 6] -> 468 points ---> regions: lips, two eyes
                                            |            |
                                            |            +-> [32, 16, 16] each -> refined x, y
                                            +<- written back -------+

Each region is a rotated rectangle around its own points of the first answer, 1.5 times their extent;
the early features are resampled inside it and a small network locates the region's points again. Depth is
not refined; an iris takes the mean depth of its eye.

"left" and "right" mean the sides of the picture, not of the person.

Source: Grishchenko et al., Attention Mesh: High-fidelity Face Mesh Prediction in Real-time (2020);
numbers converted from MediaPipe's `face_landmark_with_attention.tflite` (Apache-2.0, see `weights/NOTICE`).

Knows nothing about whole photographs, files or head pose.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facewire.face.mesh_points import MESH_INPUT_SIZE, MESH_POINTS
from facewire.face.networks.blocks import BlazeBlock, ConvPReLU, full_precision
from facewire.face.networks.filling import fill
from facewire.face.networks.mesh import check_image, landmark_branch, mesh_trunk
from facewire.face.store import WEIGHTS_FOLDER
from facewire.geometry.grid import from_fractions
from facewire.geometry.warp import warp_image

ATTENTION_FILE = "attention_mesh.safetensors"

EARLY_BLOCKS = 4
"""The trunk's first layers, whose output the regions are cut from."""

REGION_SIZE = 16
"""Side of the resampled features of one region."""

REGION_MARGIN = 1.5
"""Side of a region relative to the extent of its points."""

REGION_UNITS = 64.0
"""The region networks measure in 1/64 of the region's side."""

IRIS_POINTS = 5

# fmt: off
LIP_INDICES = (
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291,     # outer, lower
    185, 40, 39, 37, 0, 267, 269, 270, 409,                # outer, upper
    78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308,      # inner, lower
    191, 80, 81, 82, 13, 312, 311, 310, 415,               # inner, upper
    76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306,      # second ring, lower
    184, 74, 73, 72, 11, 302, 303, 304, 408,               # second ring, upper
    62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292,      # third ring, lower
    183, 42, 41, 38, 12, 268, 271, 272, 407,               # third ring, upper
)
"""Mesh points that the lip network locates, in its order."""

LEFT_EYE_INDICES = (
    33, 7, 163, 144, 145, 153, 154, 155, 133,              # lower lid with both corners
    246, 161, 160, 159, 158, 157, 173,                     # upper lid
    130, 25, 110, 24, 23, 22, 26, 112, 243, 247, 30, 29, 27, 28, 56, 190,
    226, 31, 228, 229, 230, 231, 232, 233, 244, 113, 225, 224, 223, 222, 221, 189,
    35, 124, 46, 53, 52, 65,
    143, 111, 117, 118, 119, 120, 121, 128, 245, 156, 70, 63, 105, 66, 107, 55, 193,
)
"""Mesh points that the network of the eye on the left of the picture locates, in its order."""

RIGHT_EYE_INDICES = (
    263, 249, 390, 373, 374, 380, 381, 382, 362,           # lower lid with both corners
    466, 388, 387, 386, 385, 384, 398,                     # upper lid
    359, 255, 339, 254, 253, 252, 256, 341, 463, 467, 260, 259, 257, 258, 286, 414,
    446, 261, 448, 449, 450, 451, 452, 453, 464, 342, 445, 444, 443, 442, 441, 413,
    265, 353, 276, 283, 282, 295,
    372, 340, 346, 347, 348, 349, 350, 357, 465, 383, 300, 293, 334, 296, 336, 285, 417,
)
"""Mesh points that the network of the eye on the right of the picture locates, in its order."""
# fmt: on

LID_POINTS = 16
"""The first entries of an eye's indices are its lids, whose mean depth the iris takes."""


class RegionFrame(NamedTuple):
    """A rotated rectangle in each picture of a batch: point = origin + q @ axes, q in [0, 1]^2.

    Attributes:
        origin: [B, 2], the corner that is upper left in the region's own orientation.
        axes: [B, 2, 2], row 0 the whole side to the right, row 1 the whole side down.
    """

    origin: Tensor
    axes: Tensor

    def place(self, inside: Tensor) -> Tensor:
        """Move points [B, N, 2] from region coordinates to picture coordinates, both in [0, 1]."""
        return self.origin[:, None] + inside @ self.axes


class RegionSpec(NamedTuple):
    """Which mesh points span a region and which two of them lie on its horizontal."""

    indices: tuple[int, ...]
    left: int
    right: int


LIPS = RegionSpec(LIP_INDICES, 61, 291)
LEFT_EYE = RegionSpec(LEFT_EYE_INDICES, 33, 133)
RIGHT_EYE = RegionSpec(RIGHT_EYE_INDICES, 362, 263)


def region_frame(landmarks: Tensor, spec: RegionSpec) -> RegionFrame:
    """Fit the rectangle around some points, turned so that two of them lie on its horizontal.

    Args:
        landmarks: [B, 468, 2 or 3], x and y in [0, 1] of the picture.
        spec: the points.
    """
    points = landmarks[..., :2]
    right = F.normalize(points[:, spec.right] - points[:, spec.left], dim=-1)
    down = torch.stack((-right[:, 1], right[:, 0]), dim=-1)
    turned = torch.stack((right, down), dim=1)
    own = points[:, list(spec.indices)] @ turned.transpose(1, 2)
    low, high = own.amin(dim=1), own.amax(dim=1)
    size = (high - low) * REGION_MARGIN
    origin = (((low + high - size) / 2)[:, None] @ turned).squeeze(1)
    return RegionFrame(origin, turned * size[..., None])


def sample_region(features: Tensor, frame: RegionFrame) -> Tensor:
    """Resample features inside a region: [B, C, H, W] -> [B, C, 16, 16], zeros outside the picture."""
    steps = (torch.arange(REGION_SIZE, device=features.device, dtype=frame.origin.dtype) + 0.5) / REGION_SIZE
    rows, columns = torch.meshgrid(steps, steps, indexing="ij")
    inside = torch.stack((columns, rows), dim=-1).reshape(1, -1, 2)
    places = frame.place(inside.expand(len(features), -1, -1))
    flow = from_fractions(places, *features.shape[2:]).reshape(-1, REGION_SIZE, REGION_SIZE, 2)
    return warp_image(features.to(flow.dtype), flow, padding="zeros")


def region_stem() -> nn.Sequential:
    """Build the first half of a region network: [B, 32, 16, 16] -> [B, 128, 4, 4]."""
    return nn.Sequential(
        BlazeBlock(32, 32),
        BlazeBlock(32, 32),
        BlazeBlock(32, 64, stride=2),
        BlazeBlock(64, 64),
        BlazeBlock(64, 64),
        BlazeBlock(64, 128, stride=2),
    )


class RegionTail(nn.Module):
    """Second half of a region network: [B, 128, 4, 4] -> `points` x (x, y) in [0, 1] of the region."""

    def __init__(self, points: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            BlazeBlock(128, 128),
            BlazeBlock(128, 128),
            BlazeBlock(128, 128, stride=2),
            BlazeBlock(128, 128),
            BlazeBlock(128, 128),
            ConvPReLU(128, 32, 1),
            BlazeBlock(32, 32),
        )
        self.head = nn.Conv2d(32, 2 * points, 2)

    def forward(self, features: Tensor) -> Tensor:
        """[B, 128, 4, 4] -> [B, points, 2]."""
        return full_precision(self.head, self.blocks(features)).reshape(len(features), -1, 2) / REGION_UNITS


class LipNetwork(nn.Module):
    """Locates the 80 points of the lips."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = region_stem()
        self.lips = RegionTail(len(LIP_INDICES))

    def forward(self, features: Tensor) -> Tensor:
        """[B, 32, 16, 16] -> [B, 80, 2]."""
        out: Tensor = self.lips(self.stem(features))
        return out


class EyeNetwork(nn.Module):
    """Locates the 71 points around one eye and the 5 of its iris."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = region_stem()
        self.lids = RegionTail(len(LEFT_EYE_INDICES))
        self.iris = RegionTail(IRIS_POINTS)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """[B, 32, 16, 16] -> [B, 71, 2], [B, 5, 2]."""
        shared = self.stem(features)
        return self.lids(shared), self.iris(shared)


class AttentionMesh(nn.Module):
    """The 478-point mesh network.

    Differentiable throughout, through the placement of the regions too; trainable; runs under autocast.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trunk = mesh_trunk()
        self.landmark_branch = landmark_branch()
        self.landmark_head = nn.Conv2d(32, 3 * MESH_POINTS, 3)
        self.presence_head = nn.Conv2d(32, 1, 3)
        self.lips = LipNetwork()
        self.left_eye = EyeNetwork()
        self.right_eye = EyeNetwork()

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Locate the points of the face that fills each picture.

        Args:
            image: [B, 3, 192, 192], RGB in [0, 1].

        Returns:
            landmarks [B, 478, 3]: x right and y down in [0, 1] of the picture, z away from the camera in
            the same unit.
            presence [B]: logit; its sigmoid is the probability that a face fills the picture.
        """
        check_image(image)
        early = self.trunk[:EARLY_BLOCKS](image)
        own = self.landmark_branch(self.trunk[EARLY_BLOCKS:](early))
        mesh = full_precision(self.landmark_head, own).reshape(-1, MESH_POINTS, 3) / MESH_INPUT_SIZE
        presence = full_precision(self.presence_head, own).reshape(-1)
        return self._refined(early, mesh), presence

    def features(self, image: Tensor) -> Tensor:
        """Compute the trunk's last map: [B, 3, 192, 192] -> [B, 128, 6, 6]."""
        check_image(image)
        out: Tensor = self.trunk(image)
        return out

    def _refined(self, early: Tensor, mesh: Tensor) -> Tensor:
        """Look at the regions again: early features [B, 32, 48, 48], mesh [B, 468, 3] -> [B, 478, 3]."""
        # Coordinates stay out of autocast: bfloat16 is too coarse for them, and on the CPU grid_sample
        # reads beyond its input in half precision with channels_last (seen in torch 2.13).
        with torch.autocast(device_type=mesh.device.type, enabled=False):
            frames = [region_frame(mesh, spec) for spec in (LIPS, LEFT_EYE, RIGHT_EYE)]
            regions = [sample_region(early, frame) for frame in frames]
        lips = self.lips(regions[0])
        left_lids, left_iris = self.left_eye(regions[1])
        right_lids, right_iris = self.right_eye(regions[2])
        with torch.autocast(device_type=mesh.device.type, enabled=False):
            refined = _replace(mesh, LIPS, frames[0].place(lips))
            refined = _replace(refined, LEFT_EYE, frames[1].place(left_lids))
            refined = _replace(refined, RIGHT_EYE, frames[2].place(right_lids))
            left = _with_depth(frames[1].place(left_iris), mesh, LEFT_EYE)
            right = _with_depth(frames[2].place(right_iris), mesh, RIGHT_EYE)
        return torch.cat((refined, left, right), dim=1)


def _with_depth(iris: Tensor, mesh: Tensor, eye: RegionSpec) -> Tensor:
    """Give an iris [B, 5, 2] the mean depth of its lids; returns [B, 5, 3]."""
    depth = mesh[:, list(eye.indices[:LID_POINTS]), 2:].mean(dim=1, keepdim=True)
    return torch.cat((iris, depth.expand(-1, IRIS_POINTS, -1)), dim=-1)


def _replace(mesh: Tensor, spec: RegionSpec, places: Tensor) -> Tensor:
    """Give the points of a region new x and y; returns a new tensor of the shape of `mesh`."""
    index = torch.tensor(spec.indices, device=mesh.device)
    return mesh.index_copy(1, index, torch.cat((places, mesh[:, index, 2:]), dim=-1))


def load_attention_mesh(folder: Path = WEIGHTS_FOLDER) -> AttentionMesh:
    """Build the network with its published weights, on the CPU, in float32 and evaluation mode.

    Raises:
        WeightsError, HashMismatch, SchemaMismatch: the weights file is not the published one.
    """
    return fill(AttentionMesh(), ATTENTION_FILE, folder)
