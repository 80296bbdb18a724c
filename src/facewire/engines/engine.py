"""What runs the networks, frame by frame: one small interface, several engines behind it.

    head crop of a photo --identity--> Prepared ---------+
                                                         +--render---> picture (256, 256, 3)
                                                         +--compose--> Parts, for whole pictures (composition/)
    head crop of a frame --read--> Reading.motion -------+
                 ^                    |
                 +---- square --------+   where the face was: the next frame needs one network less

    torch        the reference, on any device           engines/torch_engine.py
    openvino     default on x86 processors              openvino_runner.py
    onnxruntime  portable                               onnx_runner.py

All engines give the same pictures up to their number format (tests/engines/test_engines.py states how nearly).
`engines/choice.py` picks one and says why; `animation/head_tracker.py` turns camera frames into head crops.

Threads: an engine may be shared. `read` and `render` may run at the same time in two threads (a sender and a
receiver); two calls of the same kind wait for each other. Nothing here blocks on anything but the processor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from facewire.engines.parts import Drawn, Parts
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints
from facewire.media.frame import Pixels

PRESENT = 0.5
"""Probability of a face below which a reading should not be believed."""


@dataclass(frozen=True, slots=True)
class FaceSquare:
    """The turned square around a face that the fine mesh looks at, in fractions of the head crop.

    centre  (1, 2) float32, x and y
    axes    (1, 2, 2) float32, the whole side to the right and the whole side down
    """

    centre: NDArray[np.float32]
    axes: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a sender learns from one frame.

    motion    of one head, on the CPU; arrays of numpy where torch does not compute
    presence  probability that the crop shows a face
    square    where to look in the next frame
    face      (4,) float32: left, top, right, bottom of the face in fractions of the head crop
    """

    motion: HeadMotion
    presence: float
    square: FaceSquare
    face: NDArray[np.float32]

    @property
    def present(self) -> bool:
        """True if the crop shows a face."""
        return self.presence >= PRESENT


class Layers(NamedTuple):
    """A head crop taken apart.

    matte       (S, S) float32, share of the person in every pixel
    background  (S, S, 3) uint8, what stands behind the person
    """

    matte: NDArray[np.float32]
    background: Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A person made ready for one engine: everything that does not change from frame to frame.

    motion     the photo's own R, t and delta (batch of one), where relative motion starts
    canonical  keypoints without pose and expression (1)
    buffers    the engine's own; opaque
    layers     of models that have them
    """

    motion: HeadMotion
    canonical: CanonicalKeypoints
    buffers: object
    layers: Layers | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """What an engine is and how it computes."""

    name: str
    precision: str
    """Number format of the convolutions of the receiver; coordinates are float32 everywhere."""
    device: str
    threads: int


class Engine(Protocol):
    """Runs one model."""

    @property
    def info(self) -> EngineInfo:
        """Return name, number format, device and threads."""

    @property
    def size(self) -> int:
        """Side of every picture in pixels."""

    @property
    def keypoints(self) -> int:
        """K of every HeadMotion."""

    def identity(self, picture: Pixels) -> Prepared:
        """Return the person of a head crop (S, S, 3); once per photo."""

    def read(self, picture: Pixels, square: FaceSquare | None = None) -> Reading:
        """Return the motion of a head crop (S, S, 3).

        Args:
            picture: the head crop of a frame.
            square: of the frame before, if it showed the same head in the same crop; None looks for the face first.
        """

    def render(self, person: Prepared, motion: HeadMotion, kept: int | None = None) -> Pixels:
        """Return the picture (S, S, 3) of a person in a motion (batch of one); the array is the caller's own.

        Args:
            person: from this engine.
            motion: how.
            kept: how many of the ordered keypoints are used; None means all.
        """

    def compose(self, person: Prepared, motion: HeadMotion, kept: int | None = None) -> Parts:
        """Return what that picture is put together from, for pictures of any size (animation/composition)."""

    def draw(self, person: Prepared, motion: HeadMotion, kept: int | None = None) -> Drawn:
        """Return that picture and which keypoint moved what of it (animation/second_look.py); of compact models."""
