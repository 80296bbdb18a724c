"""Face mesh: 468 three-dimensional points on a face that fills a 192 x 192 picture.

    image -> trunk -> [128, 6, 6] -+-> landmark branch -> 468 x (x, y, z)
                                   +-> presence branch -> one logit

The picture must be an upright square around one face, its side about 1.5 times the face
(`facewire.face.finder` makes it).

Source: Kartynnik et al., Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs (2019);
numbers converted from MediaPipe's `face_landmark.tflite` (Apache-2.0, see `weights/NOTICE`).

Knows nothing about whole photographs, files or head pose.
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from facewire.base.errors import ShapeError
from facewire.face.mesh_points import MESH_INPUT_SIZE, MESH_POINTS
from facewire.face.networks.blocks import BlazeBlock, ConvPReLU, full_precision
from facewire.face.networks.filling import fill
from facewire.face.store import WEIGHTS_FOLDER

MESH_FILE = "face_mesh.safetensors"


def mesh_trunk() -> nn.Sequential:
    """Build the shared convolutional part: [B, 3, 192, 192] RGB in [0, 1] -> [B, 128, 6, 6]."""
    return nn.Sequential(
        ConvPReLU(3, 16, 3, stride=2),
        BlazeBlock(16, 16),
        BlazeBlock(16, 16),
        BlazeBlock(16, 32, stride=2),
        BlazeBlock(32, 32),
        BlazeBlock(32, 32),
        BlazeBlock(32, 64, stride=2),
        BlazeBlock(64, 64),
        BlazeBlock(64, 64),
        BlazeBlock(64, 128, stride=2),
        BlazeBlock(128, 128),
        BlazeBlock(128, 128),
        BlazeBlock(128, 128, stride=2),
        BlazeBlock(128, 128),
        BlazeBlock(128, 128),
    )


def landmark_branch() -> nn.Sequential:
    """Build the way from the shared features to the points' own: [B, 128, 6, 6] -> [B, 32, 3, 3]."""
    return nn.Sequential(
        BlazeBlock(128, 128, stride=2),
        BlazeBlock(128, 128),
        BlazeBlock(128, 128),
        ConvPReLU(128, 32, 1),
        BlazeBlock(32, 32),
    )


def presence_branch() -> nn.Sequential:
    """Build the way from the shared features to those that tell a face: [B, 128, 6, 6] -> [B, 32, 3, 3]."""
    return nn.Sequential(BlazeBlock(128, 128, stride=2), ConvPReLU(128, 32, 1), BlazeBlock(32, 32))


class FaceMesh(nn.Module):
    """The 468-point mesh network.

    Differentiable throughout and trainable; runs under autocast and in channels_last. The two output
    layers leave autocast, because bfloat16 is too coarse for coordinates.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trunk = mesh_trunk()
        self.landmark_branch = landmark_branch()
        self.landmark_head = nn.Conv2d(32, 3 * MESH_POINTS, 3)
        self.presence_branch = presence_branch()
        self.presence_head = nn.Conv2d(32, 1, 3)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Locate the points of the face that fills each picture.

        Args:
            image: [B, 3, 192, 192], RGB in [0, 1].

        Returns:
            landmarks [B, 468, 3]: x right and y down in [0, 1] of the picture, z away from the camera in
            the same unit, zero near the head's centre of mass; nothing stops points from leaving [0, 1].
            presence [B]: logit; its sigmoid is the probability that a face fills the picture.
        """
        shared = self.features(image)
        points = full_precision(self.landmark_head, self.landmark_branch(shared))
        presence = full_precision(self.presence_head, self.presence_branch(shared))
        return points.reshape(-1, MESH_POINTS, 3) / MESH_INPUT_SIZE, presence.reshape(-1)

    def features(self, image: Tensor) -> Tensor:
        """Compute the last feature map that landmarks and presence share.

        Args:
            image: [B, 3, 192, 192], RGB in [0, 1].

        Returns:
            [B, 128, 6, 6]. Any multiple of 32 works as input side H: the result is [B, 128, H/32, H/32].
        """
        check_image(image)
        out: Tensor = self.trunk(image)
        return out

    def landmark_features(self, image: Tensor) -> Tensor:
        """Compute the map that the landmark output layer reads: [B, 3, 192, 192] -> [B, 32, 3, 3]."""
        out: Tensor = self.landmark_branch(self.features(image))
        return out


def check_image(image: Tensor) -> None:
    """Raise `ShapeError` unless `image` is [B, 3, H, W] with H and W multiples of 32."""
    if image.ndim != 4 or image.shape[1] != 3 or image.shape[2] % 32 or image.shape[3] % 32:
        raise ShapeError("image", "[B, 3, H, W] with H and W multiples of 32", tuple(image.shape))


def load_face_mesh(folder: Path = WEIGHTS_FOLDER) -> FaceMesh:
    """Build the mesh network with its published weights, on the CPU, in float32 and evaluation mode.

    Raises:
        WeightsError, HashMismatch, SchemaMismatch: the weights file is not the published one.
    """
    return fill(FaceMesh(), MESH_FILE, folder)
