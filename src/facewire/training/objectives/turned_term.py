"""The loss on turned heads: what free view asks for, which no second frame of a clip shows.

A source is turned by a random rotation about its neck. Where its face mesh must then lie is known, because a mesh
turns rigidly. The published mesh network, frozen, reads the rendered picture; gradients flow through it:

    | mesh(G(turned source)) - (R_u mesh(source) + shift) |

Without it a turned head lags behind what was asked for: clips show few large turns, and in those that they do show
the driver's own expression makes up for what the rigid turn lacks (docs/lab).
"""

from __future__ import annotations

import torch
from torch import Tensor

from facewire.face.expression import SEVENTY_EIGHT
from facewire.geometry.grid import from_fractions
from facewire.geometry.pose import rotation_from_angles
from facewire.networks.compact.guides import GUIDES
from facewire.networks.compact.model import CompactTalkingHead
from facewire.networks.compact.motion import LandmarkReader, guided_points, square_around
from facewire.networks.types import Identity

LARGEST_TURN = (35.0, 20.0, 20.0)
"""Yaw, pitch and roll in degrees; drawn evenly within."""


def turned_term(model: CompactTalkingHead, identity: Identity, generator: torch.Generator) -> Tensor:
    """Return the mean distance, in picture units, of the meshes of turned heads from where they should lie.

    Args:
        model: the model in training; its landmark reader reads the pictures.
        identity: B sources.
        generator: of the turns.
    """
    source = identity.features[0]
    count = len(source)
    turns = (2 * torch.rand(count, 3, generator=generator) - 1) * torch.tensor(LARGEST_TURN)
    rotation: Tensor = rotation_from_angles(*torch.deg2rad(turns).unbind(dim=-1)).to(source.device)
    made = model.synthesis(identity, identity.motion.turned_at_neck(rotation))
    reader = model.motion_reader.reader
    with torch.autocast(source.device.type, enabled=False):
        with torch.no_grad():
            picture = source.float()
            mesh = _mesh(reader, picture, *reader.find(picture))
            goal = (mesh - mesh.mean(dim=1, keepdim=True)) @ rotation.transpose(-1, -2)
            asked = made.driving.points[:, : len(GUIDES), :2].mean(dim=1)
            goal[..., :2] += (asked - guided_points(goal[:, list(SEVENTY_EIGHT), :2]).mean(dim=1))[:, None]
            square = square_around((goal[..., :2] + 1) / 2)
        found = _mesh(reader, made.image.float(), *square)
        depth = found[..., 2:] - found[..., 2:].mean(dim=1, keepdim=True)
        found = torch.cat((found[..., :2], depth), dim=-1)
    return (found - goal).abs().mean()


def _mesh(reader: LandmarkReader, image: Tensor, centre: Tensor, axes: Tensor) -> Tensor:
    """Return the mesh (B, 478, 3) in picture units that is seen in a square of pictures (B, 3, S, S)."""
    seen = reader.mesh(image, centre, axes)[0]
    places = centre[:, None] + (seen[..., :2] - 0.5) @ axes
    depth = 2 * seen[..., 2:] * axes[:, :1].norm(dim=-1, keepdim=True)
    return torch.cat((from_fractions(places, *image.shape[2:]), depth), dim=-1)
