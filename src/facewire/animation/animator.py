"""Animator: a model, an identity made once from a photo, frames rendered from motions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from facewire.animation.composer import Composer, Floats, together
from facewire.animation.person import (
    OWN,
    ROOMY_SHARE,
    TILTED,
    Size,
    checked_size,
    cuts_hair,
    framed,
    head_alone,
    tilt,
    tilted,
    whole,
)
from facewire.animation.person import Person as Person
from facewire.base.batches import in_batches
from facewire.base.errors import ConfigError, MediaError, NoFaceFound
from facewire.engines.choice import TORCH, Choice, open_engine
from facewire.engines.choice import choose as choose_engine
from facewire.engines.engine import Engine, Prepared
from facewire.engines.parts import Parts, parts_of
from facewire.face.advice import missed, turned
from facewire.face.crop import CropBox, crop, crop_box_from_faces
from facewire.face.finder import PRESENCE_THRESHOLD, Face, FaceFinder
from facewire.face.relatives.framing import FRAMINGS, Framing
from facewire.face.relatives.openness import openness
from facewire.geometry.head_motion import HeadMotion
from facewire.media.image import load_image, resize
from facewire.networks.compact.model import CompactTalkingHead
from facewire.networks.memory_layout import channels_last
from facewire.networks.presets import Model
from facewire.networks.relatives.model import RelativeTalkingHead
from facewire.networks.types import Identity
from facewire.networks.weights import DEFAULT, Manifest, load_model, resolve

Pixels = npt.NDArray[np.uint8]
BATCH = 8
"""Frames per call of a network; more gains nothing on a CPU."""
Ready = Any
"""A head crop made ready: the engine's `Prepared`, or without an engine an `Identity`."""
MOST_PREPARED = 8
"""Persons that are kept ready for the engine; about 10 MB each."""


class Animator:
    """Renders people from motions.

    animator = Animator.load()
    person = animator.person("photo.jpg")
    for picture in animator.render(person, motions):  # the whole photo, alive
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
            device: where torch computes; on CUDA imported weights do so in float16 where their origin does.
            engine: what reads and renders frames, see `use`.

        Raises:
            WeightsError: they cannot be used (see networks.weights.load_model).
            ConfigError: the engine cannot run here.
        """
        model, manifest = load_model(weights)
        place = torch.device(device)
        channels_last(model.to(place))
        if isinstance(model, RelativeTalkingHead) and place.type == "cuda":
            model.reduced = torch.float16
        animator = cls(model, manifest, place, resolve(weights))
        animator.use(engine)
        return animator

    def use(self, engine: str) -> Choice:
        """Let an engine read and render frames from now on: auto, torch, openvino or onnxruntime.

        The first use of OpenVINO with the shipped weights takes a few seconds; that of other weights, or of ONNX
        Runtime, exports graphs, which takes half a minute.

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
    def batch(self) -> int:
        """Frames that are rendered at once; one by one where a frame takes seconds and much memory."""
        slow = isinstance(self.model, RelativeTalkingHead) and self.device.type == "cpu"
        return 1 if slow else BATCH

    @property
    def framing(self) -> Framing | None:
        """How the model wants its squares laid; None: as our own models."""
        family = self.model.family if isinstance(self.model, RelativeTalkingHead) else None
        return None if family is None else FRAMINGS.get(family.framing)

    def openness(self, picture: Pixels) -> Tensor:
        """Return how far left eye, right eye and lips are open in a head crop (S, S, 3), (3,).

        Raises:
            NoFaceFound: there is no face.
        """
        faces = self.finder.find(picture)
        if not faces:
            raise NoFaceFound("the head's square", "in which eyes and lips could be measured")
        return torch.from_numpy(openness(faces[0].landmarks)).float()

    @property
    def size(self) -> int:
        """Side of every picture in pixels."""
        return self.model.resolution

    def person(
        self,
        photo: str | Path | Pixels,
        *,
        crop_mode: str = "auto",
        face: int = 0,
        head: bool = False,
        size: Size = None,
    ) -> Person:
        """Return a photo as a person to animate.

        Args:
            photo: a picture file, or (H, W, 3) uint8 RGB.
            crop_mode: "auto" finds the head; "none" takes the picture for the head's square, and shows no more.
            face: which face, most prominent first, when there are several.
            head: show the head's square alone instead of the whole photo.
            size: longest side of the whole photo at most, by default 1920; side of the square, by default 256;
                "own" is the photo's own.

        Raises:
            NoFaceFound: "auto" and there is no face, or not so many.
            MediaError: the picture cannot be read, or the head in it is not upright.
            ConfigError: the size or the way to crop is unknown.
        """
        name, pixels = opened(photo)
        if crop_mode == "none":
            return self._square_person(pixels, checked_size(size))
        if crop_mode != "auto":
            raise ConfigError("crop", crop_mode, "auto or none")
        faces = self.faces(pixels, name)
        return self._person(pixels, choose(faces, face, name), len(faces), head, checked_size(size))

    def people(self, photo: str | Path | Pixels, *, size: Size = None) -> list[Person]:
        """Return everybody whom a photo shows, the largest head first; what is shown is the same whole photo.

        Raises:
            NoFaceFound: there is nobody.
        """
        name, pixels = opened(photo)
        faces = self.faces(pixels, name)
        return [self._person(pixels, face, len(faces), False, checked_size(size)) for face in faces]

    def faces(self, pixels: Pixels, name: str) -> list[Face]:
        """Return the faces of a photo (H, W, 3), the most prominent first; that one is upright or little tilted.

        Raises:
            NoFaceFound: there is none; `name` is what the text calls the photo.
            MediaError: the head is not upright.
        """
        faces = self.finder.find(pixels) or self.finder.find(pixels, profiles=True)
        if not faces:
            raise NoFaceFound(name, missed(self.finder, pixels))
        if mend := turned(self.finder, pixels, faces[0]):
            raise MediaError(name, mend)
        return faces

    def _person(self, pixels: Pixels, face: Face, faces: int, head: bool, size: Size) -> Person:
        if self.framing is not None:
            region = self.framing.still(face)
            picture = region.cut(pixels, self.size, self.framing.padding)
            composer = framed(pixels, region, size, head=head, usual=self.size)
            return Person(self.identity(picture), picture, faces, composer, head)
        if not head and abs(tilt(face)) > TILTED:
            upright = tilted(pixels, face, size)
            picture = crop(upright.upright, upright.box, self.size)
            return self._with_layers(Person(self.identity(picture), picture, faces, upright, head))
        usual = crop_box_from_faces([face], *pixels.shape[:2])
        box = usual if head else self._roomy(pixels, face, usual)
        picture = crop(pixels, box, self.size)
        composer = head_alone(pixels, box, size, self.size) if head else whole(pixels, box, size)
        reach = usual.side / box.side
        return self._with_layers(Person(self.identity(picture), picture, faces, composer, head, reach))

    def _roomy(self, pixels: Pixels, face: Face, usual: CropBox) -> CropBox:
        """Return a larger square where the usual one cuts off hair and the larger one does not."""
        larger = crop_box_from_faces([face], *pixels.shape[:2], ROOMY_SHARE)
        cuts = [self._cuts_hair(crop(pixels, box, self.size)) for box in (usual, larger)]
        return larger if cuts == [True, False] else usual

    def _cuts_hair(self, picture: Pixels) -> bool:
        layers = self._layers(picture)
        return layers is not None and cuts_hair(layers[0])

    def _with_layers(self, person: Person) -> Person:
        """Return a person whose photo is taken apart as the model takes its crop apart."""
        self.separate(person.composer, person.picture)
        return person

    @torch.inference_mode()
    def separate(self, composer: Composer, picture: Pixels) -> None:
        """Take a photo apart as the model takes its head crop (S, S, 3) apart; nothing for models that do not."""
        if layers := self._layers(picture):
            composer.separate(*layers)

    @torch.inference_mode()
    def _layers(self, picture: Pixels) -> tuple[Floats, Pixels] | None:
        """Return the matte of a head crop (S, S, 3) and what stands behind; nothing of models without layers."""
        if not isinstance(self.model, CompactTalkingHead) or self.model.matte is None:
            return None
        matte, background = self.model.layers(self.tensor([picture]))
        return matte[0, 0].cpu().numpy(), _pixels(background)[0]

    def _square_person(self, pixels: Pixels, size: Size) -> Person:
        side = max(pixels.shape[:2]) if size == OWN else int(size or self.size)
        picture = resize(pixels, (self.size, self.size))
        shown = picture if side == self.size else resize(pixels, (side, side))
        composer = Composer(shown, CropBox(0, 0, side))
        return self._with_layers(Person(self.identity(picture), picture, 1, composer, head=True))

    @torch.inference_mode()
    def identity(self, picture: Pixels) -> Identity:
        """Return what the networks keep of a head crop (S, S, 3)."""
        identity: Identity = self.model.identity(self.tensor([picture]))
        return identity

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
        """Yield one picture per motion: the whole photo, or the head's square, as the person was prepared.

        Args:
            person: who.
            motions: (T) how.
            kept: how many of the ordered keypoints are used; None means all.
        """
        for rows in in_batches(range(len(motions)), self.batch):
            batch = motions[slice(rows[0], rows[-1] + 1)]
            if person.finished:
                yield from self.render_batch(person, batch, kept=kept)
                continue
            for parts in self.parts(person, batch, kept=kept):
                yield person.composer.square(parts) if person.head else person.composer.whole(parts)

    def render_together(
        self, people: Sequence[Person], motions: Sequence[HeadMotion], *, kept: int | None = None
    ) -> Iterator[Pixels]:
        """Yield the whole photo with several heads moving.

        Args:
            people: of the same photo.
            motions: (T) of each.
            kept: see `render`.
        """
        for rows in in_batches(range(len(motions[0])), self.batch):
            batch = slice(rows[0], rows[-1] + 1)
            parts = [
                self.parts(person, moves[batch], kept=kept)
                for person, moves in zip(people, motions, strict=True)
            ]
            for row in range(len(rows)):
                yield together([(person.composer, of[row]) for person, of in zip(people, parts, strict=True)])

    @torch.inference_mode()
    def parts(self, person: Person, motions: HeadMotion, *, kept: int | None = None) -> list[Parts]:
        """Return what the pictures of a person in motions are put together from."""
        if self.engine is not None:
            ready, moves = self._ready(person), motions.to("cpu")
            return [self.engine.compose(ready, moves[i : i + 1], kept) for i in range(len(moves))]
        return parts_of(self.model, person.identity, motions.to(self.device), kept)

    @torch.inference_mode()
    def render_batch(self, person: Person, motions: HeadMotion, *, kept: int | None = None) -> list[Pixels]:
        """Return the networks' own picture (S, S, 3) of the head per motion, all at once."""
        if self.engine is not None:
            ready, moves = self._ready(person), motions.to("cpu")
            return [self.engine.render(ready, moves[i : i + 1], kept) for i in range(len(moves))]
        images = self.model.render(person.identity, motions.to(self.device), kept)
        return _pixels(images)

    def ready(self, picture: Pixels) -> Ready:
        """Return a head crop (S, S, 3) as what renders it wants it."""
        return self.identity(picture) if self.engine is None else self.engine.identity(picture)

    def ready_parts(self, ready: Ready, motion: HeadMotion, *, kept: int | None = None) -> Parts:
        """Return what the picture of a head crop that was made `ready` is put together from in a motion (1)."""
        if self.engine is not None:
            return self.engine.compose(ready, motion.to("cpu"), kept)
        return parts_of(self.model, ready, motion.to(self.device), kept)[0]

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


def opened(photo: str | Path | Pixels) -> tuple[str, Pixels]:
    """Return the name for messages and the pixels of a photo."""
    return (str(photo), load_image(photo)) if isinstance(photo, str | Path) else ("photo", photo)


def choose(faces: list[Face], index: int, name: str) -> Face:
    """Return the face asked for.

    Raises:
        NoFaceFound: there are not so many.
    """
    if not 0 <= index < len(faces):
        raise NoFaceFound(name, f"{len(faces)} found: --face takes 0 to {len(faces) - 1}")
    return faces[index]


def _pixels(images: Tensor) -> list[Pixels]:
    """Return pictures (B, 3, S, S) in [0, 1] as B of (S, S, 3)."""
    scaled = (images.clamp(0, 1) * 255).round_().to(torch.uint8).permute(0, 2, 3, 1)
    return list(np.ascontiguousarray(scaled.cpu().numpy()))
