"""The compact model's L, H and Delta: canonical keypoints, head pose and expression.

    picture -> coarse mesh -> square around the face -> fine mesh -> 78 landmarks --+
    picture -> 64 x 64 -> a few convolutions: neck, shoulders, hair ----------------+
                                                                                    v
         x_c canonical keypoints (source only)   R, t head pose   x posed keypoints
         delta = x - (R x_c + t)

Both meshes are the published face-mesh networks, kept as they are: they have seen far more people than any set of
clips, so pose, lids, lips and irises are right on strangers. What is learned here is how landmarks become the
paper's motion. Seventeen of the twenty keypoints are guided, which means they lie on landmarks (lips, lids and
nose first, because the list is ordered and its tail may be dropped); the last three are free and find the neck,
the shoulders and the hair by themselves.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facewire.face.expression import SEVENTY_EIGHT
from facewire.face.finder import EYE_CORNERS, FACE_MARGIN
from facewire.face.mesh_points import MESH_INPUT_SIZE
from facewire.face.networks.attention import AttentionMesh
from facewire.face.networks.mesh import FaceMesh
from facewire.geometry.grid import from_fractions
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints
from facewire.geometry.pose import orthonormal
from facewire.geometry.warp import warp_image
from facewire.networks.compact.guides import FREE, GUIDES, UNIT

HIDDEN = 256
BODY_SIDE = 64
BODY_FEATURES = 64
"""Numbers that say where neck, shoulders and hair are."""


class LandmarkReader(nn.Module):
    """Finds the 78 landmarks of the head in a crop; frozen published networks, nothing learned here."""

    def __init__(self) -> None:
        super().__init__()
        self.coarse = FaceMesh()
        self.fine = AttentionMesh()
        self.requires_grad_(False)

    @torch.no_grad()
    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return landmarks (B, 78, 2) in [-1, 1] and presence logits (B) of head crops (B, 3, H, W)."""
        with torch.autocast(image.device.type, enabled=False):
            image = image.float()
            mesh, presence = self.look(image, *self.find(image))
            return landmarks_of(mesh, image), presence

    def find(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return centre (B, 2) and axes (B, 2, 2) of the square to look at in head crops, see `square_around`."""
        size = (MESH_INPUT_SIZE, MESH_INPUT_SIZE)
        whole = F.interpolate(image, size, mode="bilinear", antialias=True, align_corners=False)
        return square_around(self.coarse(whole)[0][..., :2])

    def look(self, image: Tensor, centre: Tensor, axes: Tensor) -> tuple[Tensor, Tensor]:
        """Return the fine mesh (B, 478, 2) in fractions of head crops, and presence logits (B)."""
        mesh, presence = self.mesh(image, centre, axes)
        return centre[:, None] + (mesh[..., :2] - 0.5) @ axes, presence

    def mesh(self, image: Tensor, centre: Tensor, axes: Tensor) -> tuple[Tensor, Tensor]:
        """Return the fine mesh (B, 478, 3) in fractions of the square, and presence logits (B)."""
        found: tuple[Tensor, Tensor] = self.fine(_cut(image, centre, axes))
        return found


class CompactMotion(nn.Module):
    """Reads canonical keypoints and head motion off a picture."""

    mean_head: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.reader = LandmarkReader()
        widths = (3, 16, 32, 48, 64)
        self.body = nn.Sequential(
            *(nn.Sequential(nn.Conv2d(a, b, 3, stride=2, padding=1), nn.ReLU()) for a, b in pairwise(widths)),
            nn.Flatten(),
            nn.Linear(widths[-1] * (BODY_SIDE // 16) ** 2, BODY_FEATURES),
        )
        self.hidden = nn.Sequential(
            nn.Linear(2 * 78 + 3, HIDDEN), nn.LeakyReLU(0.1), nn.Linear(HIDDEN, HIDDEN), nn.LeakyReLU(0.1)
        )
        self.rotation = nn.Linear(HIDDEN, 6)
        self.translation = nn.Linear(HIDDEN, 3)
        self.canonical = nn.Linear(HIDDEN, 3 * self.keypoints)
        self.free = nn.Linear(HIDDEN + BODY_FEATURES, 3 * len(FREE))
        mean_head = [guide.canonical for guide in GUIDES] + list(FREE)
        self.register_buffer("mean_head", UNIT * torch.tensor(mean_head))
        self._initialise()

    @property
    def keypoints(self) -> int:
        """K, guided and free together."""
        return len(GUIDES) + len(FREE)

    def _initialise(self) -> None:
        """Start at the mean head, frontal, with rigid free keypoints."""
        for layer in (self.rotation, self.translation, self.canonical, self.free):
            nn.init.normal_(layer.weight, std=0.002)
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            self.rotation.bias.copy_(torch.tensor([1.0, 0, 0, 0, 1, 0]))

    def forward(self, image: Tensor) -> tuple[CanonicalKeypoints, HeadMotion]:
        """Return canonical keypoints and motion of head crops (B, 3, H, W), RGB in [0, 1]."""
        return self.from_landmarks(image, self.reader(image)[0])

    def from_landmarks(self, image: Tensor, landmarks: Tensor) -> tuple[CanonicalKeypoints, HeadMotion]:
        """Return canonical keypoints and motion where the landmarks are known already (training labels).

        The motion's expression is delta = x - (R x_c + t) with the picture's own x_c, so placing the picture's
        own canonical keypoints gives exactly the posed keypoints that were seen in it.

        Args:
            image: (B, 3, H, W).
            landmarks: (B, 78, 2) in [-1, 1].
        """
        with torch.autocast(image.device.type, enabled=False):
            batch = image.shape[0]
            hidden = self.hidden(_normalised(landmarks.float()))
            rotation = orthonormal(self.rotation(hidden))
            centre = landmarks.mean(dim=1)
            translation = self.translation(hidden) + F.pad(centre, (0, 1))
            points = self.mean_head + self.canonical(hidden).view(batch, -1, 3)
            rigid = points @ rotation.transpose(-1, -2) + translation[:, None]
            body = self.free(torch.cat((hidden, self.body(body_size(image))), dim=1)).view(batch, -1, 3)
            guided = torch.cat((guided_points(landmarks), rigid[:, : len(GUIDES), 2:]), dim=-1)
            posed = torch.cat((guided, rigid[:, len(GUIDES) :] + body), dim=1)
        return CanonicalKeypoints(points), HeadMotion(rotation, translation, posed - rigid)


def body_size(image: Tensor) -> Tensor:
    """Return pictures (B, 3, H, W) at the size at which the body is read, (B, 3, 64, 64)."""
    if image.shape[-1] == BODY_SIDE:
        return image
    return F.interpolate(image.float(), (BODY_SIDE, BODY_SIDE), mode="area")


def guided_points(landmarks: Tensor) -> Tensor:
    """Return where the guided keypoints lie, (B, guided, 2), of landmarks (B, 78, 2)."""
    return torch.stack([landmarks[:, list(guide.landmarks)].mean(dim=1) for guide in GUIDES], dim=1)


def landmarks_of(mesh: Tensor, image: Tensor) -> Tensor:
    """Return the 78 landmarks in [-1, 1] of meshes (B, 478, 2) in fractions of pictures (B, 3, H, W)."""
    return from_fractions(mesh[:, list(SEVENTY_EIGHT)], *image.shape[2:])


def _normalised(landmarks: Tensor) -> Tensor:
    """Return shape, place and size of landmarks, (B, 159), each of about unit size."""
    centre = landmarks.mean(dim=1, keepdim=True)
    offset = landmarks - centre
    size = offset.square().mean(dim=(1, 2), keepdim=True).sqrt().clamp_min(1e-4)
    return torch.cat(((offset / size).flatten(1), centre.flatten(1), torch.log(size.flatten(1)) + 1), dim=1)


def square_around(mesh: Tensor) -> tuple[Tensor, Tensor]:
    """Return the square that the fine mesh wants to see around a coarse mesh (B, N, 2) in [0, 1].

    Returns:
        centre (B, 2), and axes (B, 2, 2): its whole side to the right and its whole side down, in fractions of
        the picture; 1.5 times the face, turned so that the line between the eyes is level.
    """
    low, high = mesh.amin(dim=1), mesh.amax(dim=1)
    eyes = mesh[:, EYE_CORNERS[1]] - mesh[:, EYE_CORNERS[0]]
    right = F.normalize(eyes, dim=-1)
    side = FACE_MARGIN * (high - low).amax(dim=-1, keepdim=True)
    down = torch.stack((-right[:, 1], right[:, 0]), dim=-1)
    return (low + high) / 2, torch.stack((side * right, side * down), dim=1)


def _cut(image: Tensor, centre: Tensor, axes: Tensor) -> Tensor:
    """Return the square of pictures (B, 3, H, W) at the fine mesh's size."""
    steps = (torch.arange(MESH_INPUT_SIZE, device=image.device) + 0.5) / MESH_INPUT_SIZE - 0.5
    rows, columns = torch.meshgrid(steps, steps, indexing="ij")
    places = centre[:, None, None] + torch.stack((columns, rows), dim=-1) @ axes[:, None]
    return warp_image(image, from_fractions(places, *image.shape[2:]))
