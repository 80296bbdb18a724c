"""The reference engine: the networks themselves, in PyTorch, on any device it has."""

from __future__ import annotations

import threading

import numpy as np
import torch

from facewire.base.errors import ConfigError
from facewire.engines.engine import EngineInfo, FaceSquare, Prepared, Reading
from facewire.engines.graphs.live_graphs import Find, Read, image_of, picture_of
from facewire.engines.parts import Drawn, Parts
from facewire.engines.torch_batches import TorchBatches, drawn_of, parts_of
from facewire.face.finder import FaceFinder
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints
from facewire.media.frame import Pixels
from facewire.networks.compact.model import CompactTalkingHead
from facewire.networks.presets import Model
from facewire.networks.types import Identity

WHOLE = np.array((0.0, 0.0, 1.0, 1.0), np.float32)


class TorchEngine:
    """Implements `engines.engine.Engine` for every model.

    Args:
        model: in evaluation mode, on its device.
        reduced: renders under autocast: bfloat16, or float16 on CUDA. Coordinates stay float32.
        compiled: compiles the renderer at its first call, which then takes a minute.
    """

    def __init__(self, model: Model, *, reduced: bool = False, compiled: bool = False) -> None:
        self.model = model
        self.device = next(model.parameters()).device
        self._type = torch.float16 if self.device.type == "cuda" else torch.bfloat16
        self._reduced = reduced
        self._render = torch.compile(model.render) if compiled else model.render
        self._sending, self._receiving = threading.Lock(), threading.Lock()
        compact = isinstance(model, CompactTalkingHead)
        self._find = Find(model) if compact else None  # type: ignore[arg-type]
        self._read = Read(model) if compact else None  # type: ignore[arg-type]
        self._finder = None if compact else FaceFinder()

    @property
    def info(self) -> EngineInfo:
        """Return name, number format, device and threads."""
        precision = str(self._type).removeprefix("torch.") if self._reduced else "float32"
        return EngineInfo(
            name="torch", precision=precision, device=self.device.type, threads=torch.get_num_threads()
        )

    @property
    def size(self) -> int:
        """Side of every picture in pixels."""
        return self.model.resolution

    @property
    def keypoints(self) -> int:
        """K of every HeadMotion."""
        return self.model.keypoints

    @torch.inference_mode()
    def identity(self, picture: Pixels) -> Prepared:
        """Return the person of a head crop (S, S, 3)."""
        with self._receiving:
            identity = self.model.identity(image_of(self._tensor(picture)))
        canonical = CanonicalKeypoints(identity.canonical.points.cpu())
        layers = TorchBatches(self.model).layers(identity)
        return Prepared(identity.motion.to("cpu"), canonical, identity, layers)

    @torch.inference_mode()
    def read(self, picture: Pixels, square: FaceSquare | None = None) -> Reading:
        """Return the motion of a head crop (S, S, 3)."""
        frame = self._tensor(picture)
        with self._sending:
            if self._finder is not None:
                motion = self.model.motion(image_of(frame)).to("cpu")
                presence = float(bool(self._finder.find(picture)))
                return Reading(motion, presence, square or _nowhere(), WHOLE)
            assert self._find is not None
            assert self._read is not None
            if square is None:
                centre, axes = self._find(frame)
            else:
                centre, axes = (
                    torch.from_numpy(part).to(self.device) for part in (square.centre, square.axes)
                )
            rotation, translation, expression, presence_, face, *following, _ = self._read(
                frame, centre, axes
            )
        return Reading(
            HeadMotion(rotation, translation, expression).to("cpu"),
            float(presence_[0]),
            FaceSquare(*(part.cpu().numpy() for part in following)),
            face[0].cpu().numpy(),
        )

    @torch.inference_mode()
    def render(self, person: Prepared, motion: HeadMotion, kept: int | None = None) -> Pixels:
        """Return the picture (S, S, 3) of a person in a motion (batch of one)."""
        identity = person.buffers
        if not isinstance(identity, Identity):
            raise ConfigError("person", type(identity).__name__, "a person of this engine")
        with self._receiving, torch.autocast(self.device.type, self._type, enabled=self._reduced):
            image = self._render(identity, motion.to(self.device), kept)
        picture: Pixels = picture_of(image.float().clamp(0, 1)).cpu().numpy()
        return np.ascontiguousarray(picture)

    @torch.inference_mode()
    def compose(self, person: Prepared, motion: HeadMotion, kept: int | None = None) -> Parts:
        """Return what the picture of a person in a motion (batch of one) is put together from."""
        identity = person.buffers
        if not isinstance(identity, Identity):
            raise ConfigError("person", type(identity).__name__, "a person of this engine")
        with self._receiving, torch.autocast(self.device.type, self._type, enabled=self._reduced):
            (parts,) = parts_of(self.model, identity, motion.to(self.device), kept)
        return parts

    @torch.inference_mode()
    def draw(self, person: Prepared, motion: HeadMotion, kept: int | None = None) -> Drawn:
        """Return the picture of a person in a motion (batch of one), and which keypoint moved what of it."""
        identity = person.buffers
        if not isinstance(identity, Identity) or not isinstance(self.model, CompactTalkingHead):
            raise ConfigError(
                "person", type(identity).__name__, "a person of this engine, of a compact model"
            )
        with self._receiving, torch.autocast(self.device.type, self._type, enabled=self._reduced):
            (drawn,) = drawn_of(self.model, identity, motion.to(self.device), kept)
        return drawn

    def _tensor(self, picture: Pixels) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(picture)).to(self.device)


def _nowhere() -> FaceSquare:
    """Return a square for models that need none."""
    return FaceSquare(np.full((1, 2), 0.5, np.float32), np.eye(2, dtype=np.float32)[None])
