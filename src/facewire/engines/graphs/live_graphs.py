"""The graphs of a live talking head, as modules that can be recorded and exported; one picture at a time.

    frame  --find------> centre, axes      at the start    where the face is
    frame, centre, axes --read--> motion, presence, face, centre', axes', canonical keypoints      sender, every frame
    photo, canonical, motion --prepare--> matte and background of models that have them, what the receiver keeps
    who, motion, kept   --render--> picture, and what it is put together from  receiver, every frame

    photo  --identity--> canonical, motion, and what `prepare` returns: find, read and prepare in one, where a photo
                         is to take one graph (ONNX); loading it is twice the work

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
    MASKS,
    MATTE,
    MOTION,
    PICTURE,
    PREPARE,
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


class Features(nn.Module):
    """Photo -> features."""

    def __init__(self, model: CompactTalkingHead) -> None:
        super().__init__()
        self.model = model

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        """(S, S, 3) uint8 -> the features of an `Identity`."""
        image = image_of(picture)
        return (image, *self.model.appearance(image), *self.model.layers(image))


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
    """Frame and square -> motion, presence, face, the square for the next frame, and canonical keypoints."""

    def __init__(self, model: CompactTalkingHead) -> None:
        super().__init__()
        self.motion_reader = model.motion_reader

    def forward(self, picture: Tensor, centre: Tensor, axes: Tensor) -> tuple[Tensor, ...]:
        """(S, S, 3) uint8, (1, 2), (1, 2, 2) -> R, t, delta, presence (1), face (1, 4), centre', axes', x_c."""
        image = image_of(picture)
        mesh, presence = self.motion_reader.reader.look(image, centre, axes)
        canonical, motion = self.motion_reader.from_landmarks(image, landmarks_of(mesh, image))
        face = torch.cat((mesh.amin(dim=1), mesh.amax(dim=1)), dim=-1)
        own = (motion.rotation, motion.translation, motion.expression)
        return (*own, torch.sigmoid(presence), face, *square_around(mesh), canonical.points)


class Render(nn.Module):
    """Person and motion -> picture, and what it is put together from."""

    def __init__(self, model: CompactTalkingHead) -> None:
        super().__init__()
        self.model = model

    def forward(self, *numbers: Tensor) -> tuple[Tensor, ...]:
        """x_c, own R, t, delta, features, then R, t, delta and kept (1) -> (S, S, 3) uint8, shares
        (1, N, 4, S/2, S/2), repair (1, 3, 4, S/2, S/2), every candidate's flow (1, 64, 64, 2) but for those that
        stand still, and the field's masks (1, K + 1, 64, 64).

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
        return (
            unfolded_picture(made.parts.folded()),
            made.shares(),
            made.parts.repair,
            *moving,
            made.field.masks,
        )

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


def unfolded_picture(folded: Tensor) -> Tensor:
    """Return (S, S, 3) uint8, rounded, of a frame (1, 3, 4, S/2, S/2), four pixels of a square one behind the other.

    Bytes are put in their place, not numbers of four bytes, and only once.
    """
    levels = (folded[0].clamp(0, 1) * 255).round().to(torch.uint8)
    colours, _, height, width = levels.shape
    squares = levels.view(colours, 2, 2, height, width)
    return squares.permute(3, 1, 4, 2, 0).reshape(2 * height, 2 * width, colours)


def live_graphs(model: CompactTalkingHead) -> dict[str, LiveGraph]:
    """Return the recorded graphs of a model in float32; takes ten seconds.

    What `render` needs of a person only is moved to the end of `prepare`.
    """
    size = model.resolution
    picture = torch.full((size, size, 3), 128, dtype=torch.uint8)
    find = record(Find(model), (picture,))
    with torch.no_grad():
        square = tuple(number.clone() for number in find(picture))
        *own, points = (number.clone() for number in Read(model)(picture, *square))
        seen = (points, *own[:3])
        features = tuple(number.clone() for number in Features(model)(picture))
    read = record(Read(model), (picture, *square))
    still = (
        *(part.clone() for part in own[:3]),
        torch.tensor([model.keypoints]),
    )  # other tensors than those seen
    made = record(Features(model), (picture,))
    once, render = split_source(record(Render(model), (*seen, *features, *still)), len(seen) + len(features))
    prepare = Prepare(made, once, layered=model.matte is not None)
    layers = (MATTE, BACKGROUND) if prepare.layered else ()
    with torch.no_grad():
        buffers = dict(zip(_names(render), prepare(picture, *seen)[len(layers) :], strict=True))
    candidates = Render(model).candidates(picture)
    flows = (f"{FLOW}{number}" for number, candidate in enumerate(candidates) if candidate.flow is not None)
    photo = {PICTURE: picture}
    return {
        IDENTITY: LiveGraph(Joined(find, read, prepare), photo, (CANONICAL, *MOTION, *layers, *buffers)),
        FIND: LiveGraph(find, photo, ("centre", "axes")),
        READ: LiveGraph(
            read,
            photo | dict(zip(("centre", "axes"), square, strict=True)),
            (*MOTION, "presence", "face", "centre_next", "axes_next", CANONICAL),
        ),
        PREPARE: LiveGraph(
            prepare, photo | dict(zip((CANONICAL, *MOTION), seen, strict=True)), (*layers, *buffers)
        ),
        RENDER: LiveGraph(
            render,
            buffers | dict(zip((*MOTION, "kept"), still, strict=True)),
            (PICTURE, SHARES, REPAIR, *flows, MASKS),
            _samples(model, made, once),
            tuple(candidate.of for candidate in candidates),
        ),
    }


class Prepare(nn.Module):
    """Layers of a photo, and what `render` needs of it."""

    def __init__(self, features: nn.Module, once: nn.Module, *, layered: bool) -> None:
        super().__init__()
        self.features, self.once, self.layered = features, once, layered

    def forward(self, picture: Tensor, *seen: Tensor) -> tuple[Tensor, ...]:
        """(S, S, 3) uint8, x_c (1, K, 3), R, t, delta -> of models with layers matte (S, S) and background (S, S, 3)
        uint8; then every buffer of `render`.
        """
        features = self.features(picture)
        layers = (features[-2][0, 0], picture_of(features[-1].clamp(0, 1))) if self.layered else ()
        return (*layers, *self.once(*seen, *features))


class Joined(nn.Module):
    """All that is done once with a photo."""

    def __init__(self, find: nn.Module, read: nn.Module, prepare: nn.Module) -> None:
        super().__init__()
        self.find, self.read, self.prepare = find, read, prepare

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        """(S, S, 3) uint8 -> points (1, K, 3), R, t, delta, and what `Prepare` returns."""
        *read, points = self.read(picture, *self.find(picture))
        seen = (points, *read[:3])
        return (*seen, *self.prepare(picture, *seen))


SAMPLES = 4
TURNS = ((0.0, 0.0, 0.0), (25.0, -10.0, 0.08), (-25.0, 10.0, 0.04))
"""Yaw and pitch in degrees, and how far the lower lip hangs in picture units."""


def _samples(model: CompactTalkingHead, made: nn.Module, once: nn.Module) -> tuple[tuple[Tensor, ...], ...]:
    """Return inputs of `render`: the mean head in some motions, with noise for a picture.

    Faces would be better, but none comes with the package, and weights trained elsewhere need samples too.
    """
    points = model.motion_reader.mean_head[None]
    nowhere = torch.zeros(1, 3)
    samples = []
    for seed in range(SAMPLES):
        with torch.no_grad():
            features = made(noise_picture(model.resolution, seed))
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
