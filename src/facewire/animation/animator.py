"""Animator: a model, an identity made once from a photo, frames rendered from motions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from facewire.base.batches import in_batches
from facewire.base.errors import ConfigError, MediaError, NoFaceFound
from facewire.engines.choice import TORCH, Choice, open_engine
from facewire.engines.choice import choose as choose_engine
from facewire.engines.engine import Engine, Prepared
from facewire.face.advice import missed, turned
from facewire.face.crop import CropBox, crop, crop_box_from_faces
from facewire.face.finder import PRESENCE_THRESHOLD, Face, FaceFinder
from facewire.geometry.head_motion import HeadMotion
from facewire.media.image import load_image, resize
from facewire.networks.compact.model import CompactTalkingHead
from facewire.networks.memory_layout import channels_last
from facewire.networks.presets import Model
from facewire.networks.types import Identity
from facewire.networks.weights import DEFAULT, Manifest, load_model, resolve

Pixels = npt.NDArray[np.uint8]
BATCH = 8
"""Frames per call of a network; more gains nothing on a CPU."""
MOST_PREPARED = 8
"""Persons that are kept ready for the engine; about 10 MB each."""


@dataclass(frozen=True, slots=True)
class Person:
    """A source photo, made ready once.

    identity  what the networks keep of it
    picture   (S, S, 3) the head crop itself
    faces     how many faces the photo shows; the chosen one is animated
    """

    identity: Identity
    picture: Pixels
    faces: int


class Animator:
    """Renders people from motions.

    animator = Animator.load()
    person = animator.person("photo.jpg")
    for picture in animator.render(person, motions):
        ...
    """

    def __init__(
        self, model: Model, manifest: Manifest, device: torch.device, path: Path | None = None
    ) -> None:
        """Take a model on its device, with its weights' manifest and, where they come from a file, its path."""
        self.model = model
        self.manifest = manifest
        self.device = device
        self.path = path
        self.engine: Engine | None = None
        self._finder: FaceFinder | None = None
        self._prepared: OrderedDict[int, tuple[Person, Prepared]] = OrderedDict()

    @classmethod
    def load(
        cls, weights: str | Path = DEFAULT, device: str | torch.device = "cpu", engine: str = TORCH
    ) -> Animator:
        """Load published weights by name, or a weights file by path.

        Args:
            weights: which.
            device: where torch computes.
            engine: what reads and renders frames, see `use`.

        Raises:
            WeightsError: they cannot be used (see networks.weights.load_model).
            ConfigError: the engine cannot run here.
        """
        model, manifest = load_model(weights)
        place = torch.device(device)
        channels_last(model.to(place))
        animator = cls(model, manifest, place, resolve(weights))
        animator.use(engine)
        return animator

    def use(self, engine: str) -> Choice:
        """Let an engine read and render frames from now on: auto, torch, openvino or onnxruntime.

        The first use of another engine than torch with new weights exports them, which takes half a minute.

        Raises:
            ConfigError: the engine is unknown or cannot run here.
            OutputError: there is nowhere to put its graphs; auto then takes torch.
        """
        self._prepared.clear()
        choice = choose_engine(engine, self.device.type, isinstance(self.model, CompactTalkingHead))
        self.engine = None
        if choice.name != TORCH:
            opened, choice = open_engine(self.model, self.manifest.sha256, engine)
            self.engine = None if choice.name == TORCH else opened
        return choice

    @property
    def finder(self) -> FaceFinder:
        """The face finder, loaded at first use."""
        if self._finder is None:
            self._finder = FaceFinder()
        return self._finder

    @property
    def size(self) -> int:
        """Side of every picture in pixels."""
        return self.model.resolution

    def person(self, photo: str | Path | Pixels, *, crop_mode: str = "auto", face: int = 0) -> Person:
        """Return a photo as a person to animate.

        Args:
            photo: a picture file, or (H, W, 3) uint8 RGB.
            crop_mode: "auto" finds the head and cuts the project's square; "none" takes the picture as it is.
            face: which face, most prominent first, when there are several.

        Raises:
            NoFaceFound: "auto" and there is no face, or not so many.
            MediaError: the picture cannot be read, or the head in it is not upright.
        """
        name = str(photo) if isinstance(photo, str | Path) else "photo"
        pixels = load_image(photo) if isinstance(photo, str | Path) else photo
        if crop_mode == "none":
            picture, count = resize(pixels, (self.size, self.size)), 1
        elif crop_mode == "auto":
            faces = self.finder.find(pixels) or self.finder.find(pixels, profiles=True)
            if not faces:
                raise NoFaceFound(name, missed(self.finder, pixels))
            chosen = choose(faces, face, name)
            if mend := turned(self.finder, pixels, chosen):
                raise MediaError(name, mend)
            box: CropBox = crop_box_from_faces([chosen], *pixels.shape[:2])
            picture, count = crop(pixels, box, self.size), len(faces)
        else:
            raise ConfigError("crop", crop_mode, "auto or none")
        with torch.inference_mode():
            identity = self.model.identity(self.tensor([picture]))
        return Person(identity, picture, count)

    @torch.inference_mode()
    def motion(self, pictures: list[Pixels]) -> HeadMotion:
        """Return the motion of head crops (S, S, 3)."""
        motion: HeadMotion = self.model.motion(self.tensor(pictures))
        return motion

    @torch.inference_mode()
    def read(self, pictures: list[Pixels]) -> tuple[HeadMotion, list[bool]]:
        """Return the motion of head crops (S, S, 3), and whether each shows a face at all."""
        if self.engine is not None:
            readings = [self.engine.read(self._square(picture)) for picture in pictures]
            return HeadMotion.cat([r.motion for r in readings]), [r.present for r in readings]
        if isinstance(self.model, CompactTalkingHead):
            motion, presence = self.model.read(self.tensor(pictures))
            return motion, [value >= PRESENCE_THRESHOLD for value in presence.tolist()]
        return self.motion(pictures), [bool(self.finder.find(picture)) for picture in pictures]

    def render(self, person: Person, motions: HeadMotion, *, kept: int | None = None) -> Iterator[Pixels]:
        """Yield one picture (S, S, 3) per motion.

        Args:
            person: who.
            motions: (T) how.
            kept: how many of the ordered keypoints are used; None means all.
        """
        for rows in in_batches(range(len(motions)), BATCH):
            yield from self.render_batch(person, motions[slice(rows[0], rows[-1] + 1)], kept=kept)

    @torch.inference_mode()
    def render_batch(self, person: Person, motions: HeadMotion, *, kept: int | None = None) -> list[Pixels]:
        """Return one picture per motion, all at once."""
        if self.engine is not None:
            ready, moves = self._ready(person), motions.to("cpu")
            return [self.engine.render(ready, moves[i : i + 1], kept) for i in range(len(moves))]
        images = self.model.render(person.identity, motions.to(self.device), kept)
        scaled = (images.clamp(0, 1) * 255).round_().to(torch.uint8).permute(0, 2, 3, 1)
        return list(np.ascontiguousarray(scaled.cpu().numpy()))

    def tensor(self, pictures: Iterable[Pixels]) -> Tensor:
        """Return (B, 3, S, S) in [0, 1] of pictures of any size."""
        stacked: npt.NDArray[Any] = np.stack([self._square(picture) for picture in pictures])
        image = torch.from_numpy(stacked).to(self.device).permute(0, 3, 1, 2)
        return image.float().div(255).contiguous(memory_format=torch.channels_last)

    def _square(self, picture: Pixels) -> Pixels:
        size = (self.size, self.size)
        return picture if picture.shape[:2] == size else resize(picture, size)

    def _ready(self, person: Person) -> Prepared:
        """Return the person as the engine needs it; made once, kept for the last few persons."""
        assert self.engine is not None
        held = self._prepared.get(id(person))
        if held is None:
            held = (person, self.engine.identity(person.picture))
            self._prepared[id(person)] = held
            while len(self._prepared) > MOST_PREPARED:
                self._prepared.popitem(last=False)
        return held[1]


def choose(faces: list[Face], index: int, name: str) -> Face:
    """Return the face asked for.

    Raises:
        NoFaceFound: there are not so many.
    """
    if not 0 <= index < len(faces):
        raise NoFaceFound(name, f"{len(faces)} found: --face takes 0 to {len(faces) - 1}")
    return faces[index]
