"""The compact model's L, H and Delta: canonical keypoints, head pose and expression from one small trunk.

    picture -> resize 192 -> mesh trunk -> 468 mesh points + features -> | x_c  canonical keypoints (source only)
                                                                        | R, t head pose
                                                                        | x    posed keypoints
    delta = x - (R x_c + t)

The trunk is the face-mesh network, started from its published numbers and trained further, so pose, lids and
lips are right on people the clips do not show. Seventeen of the twenty keypoints are guided: they are landmarks
that matter (lips and lids first, because the list is ordered and its tail may be dropped); the last three are
free and find the neck, the shoulders and the hair by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facewire.face.mesh import MESH_INPUT_SIZE, MESH_POINTS, FaceMesh
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints
from facewire.geometry.pose import orthonormal

UNIT = 0.0646
"""Picture units per centimetre of a head in the project's crop (median of the training clips)."""
POSED_FROM_MESH = 2.0
"""Mesh coordinates span [0, 1], picture coordinates [-1, 1]."""
HIDDEN = 256
POOLED = 16
"""Channels kept of every cell of the trunk's last map."""


@dataclass(frozen=True, slots=True)
class Guide:
    """A keypoint tied to a landmark.

    mesh       mesh vertices whose mean is its first guess
    landmarks  entries of the 78-point labels whose mean supervises it
    canonical  its place on a mean head in centimetres (least squares over the training clips)
    """

    name: str
    mesh: tuple[int, ...]
    landmarks: tuple[int, ...]
    canonical: tuple[float, float, float]


GUIDES = (
    Guide("lower lip", (14,), (66,), (0.0, 5.23, -5.19)),
    Guide("upper lip", (13,), (62,), (0.0, 4.41, -5.73)),
    Guide("upper lid, image left", (160, 158), (37, 38), (-3.54, -3.26, -3.61)),
    Guide("upper lid, image right", (385, 387), (43, 44), (3.54, -3.26, -3.61)),
    Guide("nose tip", (4,), (30,), (0.0, 0.63, -8.32)),
    Guide("mouth corner, image left", (61,), (48,), (-2.73, 4.74, -3.72)),
    Guide("mouth corner, image right", (291,), (54,), (2.73, 4.74, -3.72)),
    Guide("iris, image left", (33, 133), (68,), (-3.47, -2.95, -3.45)),
    Guide("iris, image right", (362, 263), (73,), (3.47, -2.95, -3.45)),
    Guide("brow, image left", (105,), (19,), (-4.55, -5.59, -4.22)),
    Guide("brow, image right", (334,), (24,), (4.55, -5.59, -4.22)),
    Guide("lower lid, image left", (153, 144), (40, 41), (-3.5, -2.55, -3.4)),
    Guide("lower lid, image right", (373, 380), (46, 47), (3.5, -2.55, -3.4)),
    Guide("chin", (152,), (8,), (0.0, 9.85, -3.76)),
    Guide("jaw, image left", (132,), (2,), (-7.2, 3.0, 1.0)),
    Guide("jaw, image right", (361,), (14,), (7.2, 3.0, 1.0)),
    Guide("nose bridge", (168,), (27,), (0.0, -3.41, -5.47)),
)
FREE = ((-9.0, 13.0, 4.0), (9.0, 13.0, 4.0), (0.0, -11.0, 3.0))
"""Where the free keypoints start on the mean head, in centimetres."""


class CompactMotion(nn.Module):
    """Reads canonical keypoints and head motion off a picture in one pass."""

    def __init__(self) -> None:
        super().__init__()
        self.mesh = FaceMesh()
        del self.mesh.presence_branch, self.mesh.presence_head
        self.pool = nn.Conv2d(128, POOLED, 1)
        features = 32 * 9 + 3 * MESH_POINTS + POOLED * 36
        self.hidden = nn.Linear(features, HIDDEN)
        self.rotation = nn.Linear(HIDDEN, 6)
        self.translation = nn.Linear(HIDDEN, 3)
        self.canonical = nn.Linear(HIDDEN, 3 * self.keypoints)
        self.posed = nn.Linear(HIDDEN, 3 * self.keypoints)
        mean_head = [guide.canonical for guide in GUIDES] + list(FREE)
        self.register_buffer("mean_head", UNIT * torch.tensor(mean_head))
        self.register_buffer("guess", _guess_matrix())
        self.initialise()

    @property
    def keypoints(self) -> int:
        """K, guided and free together."""
        return len(GUIDES) + len(FREE)

    def initialise(self) -> None:
        """Start at the mean head, frontal, with the mesh's own points as posed keypoints."""
        for layer in (self.rotation, self.translation, self.canonical, self.posed):
            nn.init.normal_(layer.weight, std=0.002)
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            self.rotation.bias.copy_(torch.tensor([1.0, 0, 0, 0, 1, 0]))

    def forward(self, image: Tensor) -> tuple[CanonicalKeypoints, HeadMotion]:
        """Return the canonical keypoints and the motion of pictures (B, 3, H, W), RGB in [0, 1].

        The motion's expression is delta = x - (R x_c + t) with the picture's own x_c, so placing the
        picture's own canonical keypoints gives exactly the posed keypoints that were seen in it.
        """
        with torch.autocast(image.device.type, enabled=False):
            return self._read(reading_size(image.float()))

    def _read(self, image: Tensor) -> tuple[CanonicalKeypoints, HeadMotion]:
        batch = image.shape[0]
        trunk = self.mesh.features(image)
        local = self.mesh.landmark_branch(trunk)
        mesh = self.mesh.landmark_head(local).reshape(batch, MESH_POINTS, 3) / MESH_INPUT_SIZE
        centred = (mesh - torch.tensor([0.5, 0.5, 0.0], device=mesh.device)) * POSED_FROM_MESH
        features = torch.cat((local.flatten(1), centred.flatten(1), self.pool(trunk).flatten(1)), dim=1)
        hidden = F.leaky_relu(self.hidden(features), 0.1)
        rotation = orthonormal(self.rotation(hidden))
        translation = self.translation(hidden)
        points = self.mean_head + self.canonical(hidden).view(batch, -1, 3)
        rigid = points @ rotation.transpose(-1, -2) + translation[:, None]
        posed = self._posed(centred, rigid) + self.posed(hidden).view(batch, -1, 3)
        return CanonicalKeypoints(points), HeadMotion(rotation, translation, posed - rigid)

    def _posed(self, mesh: Tensor, rigid: Tensor) -> Tensor:
        """Return the first guess of the posed keypoints: mesh points where guided, the rigid head elsewhere.

        The mesh has no absolute depth; the rigid head gives it.
        """
        seen = self.guess @ mesh
        guided = torch.cat((seen[..., :2], rigid[:, : len(GUIDES), 2:]), dim=-1)
        return torch.cat((guided, rigid[:, len(GUIDES) :]), dim=1)


def reading_size(image: Tensor) -> Tensor:
    """Return pictures (B, 3, H, W) at the size the trunk reads, (B, 3, 192, 192)."""
    size = (MESH_INPUT_SIZE, MESH_INPUT_SIZE)
    if image.shape[-2:] == size:
        return image
    return F.interpolate(image, size, mode="bilinear", antialias=True, align_corners=False)


def _guess_matrix() -> Tensor:
    """Return the (guided, 468) matrix that averages each guide's mesh vertices."""
    matrix = torch.zeros(len(GUIDES), MESH_POINTS)
    for row, guide in enumerate(GUIDES):
        matrix[row, list(guide.mesh)] = 1 / len(guide.mesh)
    return matrix
