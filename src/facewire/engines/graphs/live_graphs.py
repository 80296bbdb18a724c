"""The four graphs of a live talking head, as modules that can be recorded and exported; one picture at a time.

    photo  --identity--> who, layers       once a person   canonical keypoints, own motion, matte and background of
                                                           models that have them, what the receiver keeps
    frame  --find------> centre, axes      at the start    where the face is
    frame, centre, axes --read--> motion, presence, face, centre', axes'      sender, every frame
    who, motion, kept   --render--> picture, and what it is put together from  receiver, every frame

Pictures go in and come out as they lie in memory, (256, 256, 3) uint8, so that scaling and reordering are part of
the graphs. Everything is float32 but the convolutions of `render` where the engine asks for less.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.fx import GraphModule

from facewire.engines.graphs.inference_graph import record, split_source
from facewire.engines.graphs.names import (
    BACKGROUND,
    CANONICAL,
    FIND,
    FLOW,
    IDENTITY,
    MATTE,
    MOTION,
    PICTURE,
    READ,
    RENDER,
    REPAIR,
    SHARES,
)
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints
from facewire.geometry.pose import rotation_from_degrees
from facewire.networks.compact.model import CompactTalkingHead
from facewire.networks.compact.motion import landmarks_of, square_around
from facewire.networks.composition import Candidate
from facewire.networks.types import Identity


@dataclass(frozen=True, slots=True)
class LiveGraph:
    """A graph with names for what goes in and comes out, and inputs that fit it."""

    module: nn.Module
    inputs: Mapping[str, Tensor]
    outputs: tuple[str, ...]
    samples: tuple[tuple[Tensor, ...], ...] = ()
    """Inputs on which the reach of the graph's maps is measured before they are rounded to 8 bits."""
    candidates: tuple[str, ...] = ()
    """Of `render`: what each candidate is read from."""


class Identify(nn.Module):
    """Photo -> canonical keypoints, own motion, features."""

    def __init__(self, model: CompactTalkingHead) -> None:
        super().__init__()
        self.model = model

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        """(S, S, 3) uint8 -> points (1, K, 3), R, t, delta, then the features."""
        identity = self.model.identity(image_of(picture))
        motion = identity.motion
        own = (motion.rotation, motion.translation, motion.expression)
        return (identity.canonical.points, *own, *identity.features)


class Find(nn.Module):
    """Frame -> the square that the fine mesh looks at."""

    def __init__(self, model: CompactTalkingHead) -> None:
        super().__init__()
        self.reader = model.motion_reader.reader

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """(S, S, 3) uint8 -> centre (1, 2), axes (1, 2, 2)."""
        centre, axes = self.reader.find(image_of(picture))
        return centre, axes


class Read(nn.Module):
    """Frame and square -> motion, presence, face, and the square for the next frame."""

    def __init__(self, model: CompactTalkingHead) -> None:
        super().__init__()
        self.motion_reader = model.motion_reader

    def forward(self, picture: Tensor, centre: Tensor, axes: Tensor) -> tuple[Tensor, ...]:
        """(S, S, 3) uint8, (1, 2), (1, 2, 2) -> R, t, delta, presence (1), face (1, 4), centre', axes'."""
        image = image_of(picture)
        mesh, presence = self.motion_reader.reader.look(image, centre, axes)
        motion = self.motion_reader.from_landmarks(image, landmarks_of(mesh, image))[1]
        face = torch.cat((mesh.amin(dim=1), mesh.amax(dim=1)), dim=-1)
        own = (motion.rotation, motion.translation, motion.expression)
        return (*own, torch.sigmoid(presence), face, *square_around(mesh))


class Render(nn.Module):
    """Person and motion -> picture, and what it is put together from."""

    def __init__(self, model: CompactTalkingHead) -> None:
        super().__init__()
        self.model = model

    def forward(self, *numbers: Tensor) -> tuple[Tensor, ...]:
        """What `Identify` returns, then R, t, delta and kept (1) -> (S, S, 3) uint8, shares (1, N, 4, S/2, S/2),
        repair (1, 3, 4, S/2, S/2), and every candidate's flow (1, 64, 64, 2) but for those that stand still.

        Four pixels of a square lie one behind the other in shares and repair.
        """
        *who, rotation, translation, expression, kept = numbers
        points, own_rotation, own_translation, own_expression, *features = who
        identity = Identity(
            tuple(features),
            CanonicalKeypoints(points),
            HeadMotion(own_rotation, own_translation, own_expression),
        )
        made = self.model.synthesis(identity, HeadMotion(rotation, translation, expression), kept)
        flows = (candidate.flow for candidate in made.composition().candidates)
        moving = (flow for flow in flows if flow is not None)
        return picture_of(made.image.clamp(0, 1)), made.shares(), made.parts.repair, *moving

    @torch.no_grad()
    def candidates(self, picture: Tensor) -> tuple[Candidate, ...]:
        """Return the candidates of a person that stands still, for their names."""
        identity = self.model.identity(image_of(picture))
        return self.model.composition(identity, identity.motion).candidates


def image_of(picture: Tensor) -> Tensor:
    """Return (1, 3, S, S) in [0, 1] of a picture (S, S, 3) uint8."""
    return picture.permute(2, 0, 1).unsqueeze(0).float() / 255


def picture_of(image: Tensor) -> Tensor:
    """Return (S, S, 3) uint8, rounded, of an image (1, 3, S, S) in [0, 1]."""
    return (image[0].permute(1, 2, 0) * 255).round().to(torch.uint8)


def live_graphs(model: CompactTalkingHead) -> dict[str, LiveGraph]:
    """Return the recorded graphs of a model in float32; takes ten seconds.

    What `render` needs of a person only is moved to the end of `identity`.
    """
    size = model.resolution
    picture = torch.full((size, size, 3), 128, dtype=torch.uint8)
    with torch.no_grad():
        who = tuple(number.clone() for number in Identify(model)(picture))
        centre, axes = (number.clone() for number in Find(model)(picture))
    still = (*(part.clone() for part in who[1:4]), torch.tensor([model.keypoints]))
    identity = record(Identify(model), (picture,))
    once, render = split_source(record(Render(model), (*who, *still)), len(who))
    prepared = Joined(identity, once, layered=model.matte is not None)
    layers = (MATTE, BACKGROUND) if prepared.layered else ()
    with torch.no_grad():
        buffers = dict(zip(_names(render), prepared(picture)[4 + len(layers) :], strict=True))
    candidates = Render(model).candidates(picture)
    flows = (f"{FLOW}{number}" for number, candidate in enumerate(candidates) if candidate.flow is not None)
    read_inputs = {"picture": picture, "centre": centre, "axes": axes}
    return {
        IDENTITY: LiveGraph(prepared, {"picture": picture}, (CANONICAL, *MOTION, *layers, *buffers)),
        FIND: LiveGraph(record(Find(model), (picture,)), {"picture": picture}, ("centre", "axes")),
        READ: LiveGraph(
            record(Read(model), tuple(read_inputs.values())),
            read_inputs,
            (*MOTION, "presence", "face", "centre_next", "axes_next"),
        ),
        RENDER: LiveGraph(
            render,
            buffers | dict(zip((*MOTION, "kept"), still, strict=True)),
            (PICTURE, SHARES, REPAIR, *flows),
            _samples(model, identity, once),
            tuple(candidate.of for candidate in candidates),
        ),
    }


class Joined(nn.Module):
    """Identity and what `render` needs of it: keypoints, own motion and layers, then the receiver's buffers."""

    def __init__(self, identity: nn.Module, once: nn.Module, *, layered: bool) -> None:
        super().__init__()
        self.identity, self.once, self.layered = identity, once, layered

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        """(S, S, 3) uint8 -> points (1, K, 3), R, t, delta; of models with layers matte (S, S) and background
        (S, S, 3) uint8; then every buffer.
        """
        who = self.identity(picture)
        layers = (who[-2][0, 0], picture_of(who[-1].clamp(0, 1))) if self.layered else ()
        return (*who[:4], *layers, *self.once(*who))


SAMPLES = 4
TURNS = ((0.0, 0.0, 0.0), (25.0, -10.0, 0.08), (-25.0, 10.0, 0.04))
"""Yaw and pitch in degrees, and how far the lower lip hangs in picture units."""


def _samples(
    model: CompactTalkingHead, identity: nn.Module, once: nn.Module
) -> tuple[tuple[Tensor, ...], ...]:
    """Return inputs of `render`: the mean head in some motions, with noise for a picture.

    Faces would be better, but none comes with the package, and weights trained elsewhere need samples too.
    """
    points = model.motion_reader.mean_head[None]
    nowhere = torch.zeros(1, 3)
    samples = []
    for seed in range(SAMPLES):
        with torch.no_grad():
            features = identity(noise_picture(model.resolution, seed))[4:]
            buffers = once(points, torch.eye(3)[None], nowhere, torch.zeros_like(points), *features)
        for yaw, pitch, drop in TURNS:
            expression = torch.zeros_like(points)
            expression[:, 0, 1] = drop  # the first keypoint is the lower lip
            rotation = rotation_from_degrees(yaw, pitch, 0.0).reshape(1, 3, 3)
            samples.append((*buffers, rotation, nowhere, expression, torch.tensor([model.keypoints])))
    return tuple(samples)


def noise_picture(side: int, seed: int) -> Tensor:
    """Return coloured noise (S, S, 3) uint8 with a photo's spectrum, amplitude ~ 1 / frequency."""
    generator = torch.Generator().manual_seed(seed)
    waves = torch.fft.rfft2(torch.randn(3, side, side, generator=generator))
    frequency = torch.hypot(torch.fft.fftfreq(side)[:, None], torch.fft.rfftfreq(side)[None]).clamp_min(
        1 / side
    )
    mixture = 1 + 0.3 * torch.randn(3, 3, generator=generator)
    noise = torch.einsum("ij,jhw->ihw", mixture, torch.fft.irfft2(waves / frequency))
    spread = noise.std(dim=(1, 2), keepdim=True)
    image = 0.5 + 0.25 * (noise - noise.mean(dim=(1, 2), keepdim=True)) / spread
    return picture_of(image.clamp(0, 1)[None])


def _names(render: GraphModule) -> list[str]:
    """Return names for the buffers that a receiver's graph takes."""
    inputs = [str(node.target) for node in render.graph.nodes if node.op == "placeholder"]
    return [f"person_{number:02d}" for number in range(len(inputs) - 4)]
