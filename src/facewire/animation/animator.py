"""Animator: a model, an identity made once from a photo, frames rendered from motions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from facewire.animation.composition.composer import Composer
from facewire.animation.composition.turned_composer import together
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
from facewire.engines.ahead import faces_beside, take
from facewire.engines.choice import OPENVINO, TORCH, Choice, open_engine
from facewire.engines.choice import choose as choose_engine
from facewire.engines.engine import Engine, Layers, Prepared
from facewire.engines.parts import Drawn, Parts
from facewire.engines.shipped_graphs import comes_with_graphs
from facewire.face.advice import missed, turned
from facewire.face.crop import CropBox, crop, crop_box_from_faces
from facewire.face.finder import Face, FaceFinder
from facewire.face.relatives.framing import FRAMINGS, Framing
from facewire.face.relatives.openness import openness
from facewire.geometry.arrays import Numbers
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints
from facewire.media.image import load_image, resize
from facewire.networks.manifest import COMPACT, DEFAULT, Manifest, WeightsFile

if TYPE_CHECKING:
    import torch

    from facewire.engines.torch_batches import TorchBatches
    from facewire.networks.presets import Model
    from facewire.networks.relatives.model import RelativeTalkingHead
    from facewire.networks.types import Identity

Pixels = npt.NDArray[np.uint8]
BATCH = 8
"""Frames per call of a network; more gains nothing on a CPU."""
Ready = Any
"""A head crop made ready: the engine's `Prepared`, or without an engine an `Identity`."""
Taken = tuple[Ready, Layers | None]
"""The same, and its layers where the model takes pictures apart."""
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
        self,
        model: Model | None,
        manifest: Manifest,
        device: str | torch.device = "cpu",
        path: Path | None = None,
    ) -> None:
        """Take a model on its device, or none, which is built from the file at `path` when torch must compute.

        Args:
            model: the networks.
            manifest: of their weights.
            device: where torch computes.
            path: the weights, if they come from a file.
        """
        self.manifest = manifest
        self.device = str(device)
        self.path = path
        self.engine: Engine | None = None
        self._model = model
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
        animator = cls.named(weights, device)
        if engine == TORCH:
            animator.batches  # noqa: B018  (finds out whether the weights fit)
        animator.use(engine)
        return animator

    @classmethod
    def named(cls, weights: str | Path = DEFAULT, device: str | torch.device = "cpu") -> Animator:
        """Return an animator whose networks are not loaded before something must compute.

        Raises:
            WeightsError: there are no such weights.
        """
        file = WeightsFile.of(weights)
        return cls(None, file.manifest, device, file.path)

    @property
    def model(self) -> Model:
        """The networks in torch, built at first use.

        Raises:
            WeightsError: they cannot be used (see networks.weights.load_model).
        """
        if self._model is None:
            from facewire.networks.weights import load_for

            assert self.path is not None
            self._model = load_for(self.path, self.device)
        return self._model

    @cached_property
    def batches(self) -> TorchBatches:
        """The networks in torch, pictures in and out."""
        from facewire.engines.torch_batches import TorchBatches

        return TorchBatches(self.model)

    @property
    def compact(self) -> bool:
        """Whether the networks are those of compact-256."""
        return self.manifest.preset == COMPACT

    @property
    def two_step(self) -> bool:
        """Whether the networks are the paper's, with canonical keypoints that R, t and delta move."""
        return self.manifest.config.get("composition") == "two-step"

    @property
    def foreign(self) -> RelativeTalkingHead | None:
        """The model if it was imported from another family; None for our own."""
        if self.compact:
            return None
        from facewire.networks.relatives.model import RelativeTalkingHead

        return self.model if isinstance(self.model, RelativeTalkingHead) else None

    def use(self, engine: str) -> Choice:
        """Let an engine read and render frames from now on: auto, torch, openvino or onnxruntime.

        OpenVINO with the shipped weights takes a few seconds at its first use, and no torch; that of other weights,
        or of ONNX Runtime, exports graphs, which takes half a minute.

        Raises:
            ConfigError: the engine is unknown or cannot run here.
            OutputError: there is nowhere to put its graphs; auto then takes torch.
        """
        self._prepared.clear()
        self._finder = None
        self.engine = None
        if engine == TORCH:
            return choose_engine(engine, self._place, self.compact)
        found, choice = self.open(engine)
        self.engine = None if choice.name == TORCH else found
        return choice

    def opens_at_once(self, engine: str) -> bool:
        """Return whether an engine runs here from graphs that come with the package, so that nothing is exported."""
        return (
            self._place == "cpu"
            and comes_with_graphs(self.manifest.sha256)
            and choose_engine(engine).name == OPENVINO
        )

    def open(self, engine: str) -> tuple[Engine, Choice]:
        """Return an engine that runs these networks, and why it is this one; see `use`."""
        if self.path is not None and self.opens_at_once(engine):
            return take(WeightsFile(self.path, self.manifest), engine)
        choose_engine(engine, self._place, self.compact)
        return open_engine(self.model, self.manifest.sha256, engine)

    @property
    def _place(self) -> str:
        """The kind of device."""
        return self.device.partition(":")[0]

    @property
    def finder(self) -> FaceFinder:
        """The face finder, loaded at first use."""
        if self._finder is None:
            self._finder = FaceFinder(faces_beside(self.engine))
        return self._finder

    @property
    def batch(self) -> int:
        """Frames that are rendered at once; one by one where a frame takes seconds and much memory."""
        return 1 if self._place == "cpu" and self.foreign is not None else BATCH

    @property
    def framing(self) -> Framing | None:
        """How the model wants its squares laid; None: as our own models."""
        return None if self.foreign is None else FRAMINGS.get(self.foreign.family.framing)

    def openness(self, picture: Pixels) -> Numbers:
        """Return how far left eye, right eye and lips are open in a head crop (S, S, 3), (3,).

        Raises:
            NoFaceFound: there is no face.
        """
        faces = self.finder.find(picture)
        if not faces:
            raise NoFaceFound("the head's square", "in which eyes and lips could be measured")
        return openness(faces[0].landmarks).astype(np.float32)

    @property
    def size(self) -> int:
        """Side of every picture in pixels."""
        return self.model.resolution if self.engine is None else self.engine.size

    @property
    def keypoints(self) -> int:
        """K of every HeadMotion."""
        return self.model.keypoints if self.engine is None else self.engine.keypoints

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
            return self._known(picture, self.ready(picture), faces, composer, head=head, layered=False)
        if not head and abs(tilt(face)) > TILTED:
            upright = tilted(pixels, face, size)
            picture = crop(upright.upright, upright.box, self.size)
            return self._known(picture, self.ready(picture), faces, upright, head=head)
        height, width = pixels.shape[:2]
        usual = crop_box_from_faces([face], height, width)
        box, picture, taken = self._seen(pixels, usual)
        if not head and cuts_hair(taken[1]):
            larger = self._seen(pixels, crop_box_from_faces([face], height, width, ROOMY_SHARE))
            if not cuts_hair(larger[2][1]):
                box, picture, taken = larger
        composer = head_alone(pixels, box, size, self.size) if head else whole(pixels, box, size)
        return self._known(picture, taken, faces, composer, head=head, reach=usual.side / box.side)

    def _seen(self, pixels: Pixels, box: CropBox) -> tuple[CropBox, Pixels, Taken]:
        """Return a square of a photo, what it shows, and what is kept of that."""
        picture = crop(pixels, box, self.size)
        return box, picture, self.ready(picture)

    def _known(
        self,
        picture: Pixels,
        taken: Taken,
        faces: int,
        composer: Composer,
        *,
        head: bool,
        layered: bool = True,
        reach: float = 1.0,
    ) -> Person:
        """Return a person whose photo is taken apart as the model takes its crop apart."""
        identity, layers = taken
        if layered and layers is not None:
            composer.separate(*layers)
        person = Person(identity, picture, faces, composer, head, reach)
        if isinstance(identity, Prepared):
            self._keep(person, identity)
        return person

    def ready(self, picture: Pixels) -> Taken:
        """Return a head crop (S, S, 3) as what renders it wants it, and its layers."""
        if self.engine is not None:
            prepared = self.engine.identity(picture)
            return prepared, prepared.layers
        identity = self.batches.identity(picture)
        return identity, self.batches.layers(identity)

    def separate(self, composer: Composer, picture: Pixels) -> None:
        """Take a photo apart as the model takes its head crop (S, S, 3) apart; nothing for models that do not."""
        if (layers := self.ready(picture)[1]) is not None:
            composer.separate(*layers)

    def _square_person(self, pixels: Pixels, size: Size) -> Person:
        side = max(pixels.shape[:2]) if size == OWN else int(size or self.size)
        picture = resize(pixels, (self.size, self.size))
        shown = picture if side == self.size else resize(pixels, (side, side))
        composer = Composer(shown, CropBox(0, 0, side))
        return self._known(picture, self.ready(picture), 1, composer, head=True)

    def identity(self, picture: Pixels) -> Identity:
        """Return what the networks in torch keep of a head crop (S, S, 3)."""
        return self.batches.identity(picture)

    def canonical(self, picture: Pixels) -> CanonicalKeypoints:
        """Return the keypoints of a head crop (S, S, 3) without pose and expression."""
        canonical: CanonicalKeypoints = self.ready(picture)[0].canonical
        return canonical

    def motion(self, pictures: list[Pixels]) -> HeadMotion:
        """Return the motion of head crops (S, S, 3), as torch reads it."""
        return self.batches.motion([self._square(picture) for picture in pictures])

    def read(self, pictures: list[Pixels]) -> tuple[HeadMotion, list[bool]]:
        """Return the motion of head crops (S, S, 3), and whether each shows a face at all."""
        if self.engine is not None:
            readings = [self.engine.read(self._square(picture)) for picture in pictures]
            return HeadMotion.cat([r.motion for r in readings]), [r.present for r in readings]
        read = self.batches.read([self._square(picture) for picture in pictures])
        return read or (self.motion(pictures), [bool(self.finder.find(picture)) for picture in pictures])

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

    def parts(self, person: Person, motions: HeadMotion, *, kept: int | None = None) -> list[Parts]:
        """Return what the pictures of a person in motions are put together from."""
        if self.engine is not None:
            ready, moves = self._ready(person), motions.arrays()
            return [self.engine.compose(ready, moves[i : i + 1], kept) for i in range(len(moves))]
        return self.batches.parts(self.identity_of(person), motions, kept)

    def render_batch(self, person: Person, motions: HeadMotion, *, kept: int | None = None) -> list[Pixels]:
        """Return the networks' own picture (S, S, 3) of the head per motion, all at once."""
        if self.engine is not None:
            ready, moves = self._ready(person), motions.arrays()
            return [self.engine.render(ready, moves[i : i + 1], kept) for i in range(len(moves))]
        return self.batches.render(self.identity_of(person), motions, kept)

    def draw(self, person: Person, motions: HeadMotion, *, kept: int | None = None) -> list[Drawn]:
        """Return the networks' own picture per motion, and which keypoint moved what of it; not of foreign models."""
        if self.engine is not None:
            ready, moves = self._ready(person), motions.arrays()
            return [self.engine.draw(ready, moves[i : i + 1], kept) for i in range(len(moves))]
        return self.batches.draw(self.identity_of(person), motions, kept)

    def ready_parts(self, ready: Ready, motion: HeadMotion, *, kept: int | None = None) -> Parts:
        """Return what the picture of a head crop that was made `ready` is put together from in a motion (1)."""
        if self.engine is not None:
            return self.engine.compose(ready, motion.arrays(), kept)
        return self.batches.parts(ready, motion, kept)[0]

    def identity_of(self, person: Person) -> Identity:
        """Return what the networks in torch keep of a person."""
        known = person.identity
        return self.identity(person.picture) if isinstance(known, Prepared) else known

    def tensor(self, pictures: Sequence[Pixels]) -> torch.Tensor:
        """Return (B, 3, S, S) in [0, 1] of pictures of any size."""
        return self.batches.tensor([self._square(picture) for picture in pictures])

    def _square(self, picture: Pixels) -> Pixels:
        size = (self.size, self.size)
        return picture if picture.shape[:2] == size else resize(picture, size)

    def _ready(self, person: Person) -> Prepared:
        """Return the person as the engine needs it; made once, kept for the last few persons."""
        assert self.engine is not None
        if id(person) not in self._prepared:
            self._keep(person, self.engine.identity(person.picture))
        return self._prepared[id(person)][1]

    def _keep(self, person: Person, prepared: Prepared) -> None:
        self._prepared[id(person)] = (person, prepared)
        while len(self._prepared) > MOST_PREPARED:
            self._prepared.popitem(last=False)


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
