"""An engine made of exported graphs and something that runs them (openvino_runner.py, onnx_runner.py)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from facewire.engines.artefact import Artefact
from facewire.engines.engine import EngineInfo, FaceSquare, Layers, Prepared, Reading
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
from facewire.engines.parts import Drawn, Layer, Parts
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints
from facewire.media.frame import Pixels

Array = NDArray[Any]


class Runner(Protocol):
    """Runs the graphs of an artefact by name, from several threads."""

    name: str

    def keep(self, buffers: Mapping[str, Array]) -> Mapping[str, Any]:
        """Return buffers as the runner wants to find them in every call."""

    def run(
        self,
        graph: str,
        inputs: Mapping[str, Array],
        kept: Mapping[str, Any] | None = None,
        wanted: Collection[str] | None = None,
    ) -> dict[str, Array]:
        """Run a graph and return the wanted results, all by default; they are the caller's own."""


class GraphEngine:
    """Implements `engines.engine.Engine`."""

    def __init__(self, artefact: Artefact, runner: Runner, threads: int) -> None:
        self.artefact = artefact
        self._runner = runner
        self._info = EngineInfo(name=runner.name, precision=artefact.precision, device="cpu", threads=threads)
        self._of_parts = tuple(
            name for name in artefact.graphs[RENDER]["outputs"] if name not in (PICTURE, MASKS)
        )
        self._counts = {count: np.array([count], np.int64) for count in range(artefact.keypoints + 1)}

    @property
    def info(self) -> EngineInfo:
        """Return name, number format, device and threads."""
        return self._info

    @property
    def size(self) -> int:
        """Side of every picture in pixels."""
        return self.artefact.resolution

    @property
    def keypoints(self) -> int:
        """K of every HeadMotion."""
        return self.artefact.keypoints

    def identity(self, picture: Pixels) -> Prepared:
        """Return the person of a head crop (S, S, 3)."""
        if PREPARE in self.artefact.graphs:
            found = self._seen(picture, self._found(picture))
            seen = {name: found[name] for name in (CANONICAL, *MOTION)}
            found |= self._runner.run(PREPARE, {PICTURE: picture} | seen)
        else:
            found = self._runner.run(IDENTITY, {PICTURE: picture})
        buffers = {name: found[name] for name in found if name.startswith("person_")}
        layers = Layers(found[MATTE], found[BACKGROUND]) if MATTE in found else None
        canonical = CanonicalKeypoints(found[CANONICAL])
        return Prepared(_motion(found), canonical, self._runner.keep(buffers), layers)

    def read(self, picture: Pixels, square: FaceSquare | None = None) -> Reading:
        """Return the motion of a head crop (S, S, 3)."""
        seen = self._seen(picture, square or self._found(picture))
        return Reading(
            _motion(seen),
            float(seen["presence"][0]),
            FaceSquare(seen["centre_next"], seen["axes_next"]),
            seen["face"][0],
        )

    def _found(self, picture: Pixels) -> FaceSquare:
        found = self._runner.run(FIND, {PICTURE: picture})
        return FaceSquare(found["centre"], found["axes"])

    def _seen(self, picture: Pixels, square: FaceSquare) -> dict[str, Array]:
        return self._runner.run(READ, {PICTURE: picture, "centre": square.centre, "axes": square.axes})

    def render(self, person: Prepared, motion: HeadMotion, kept: int | None = None) -> Pixels:
        """Return the picture (S, S, 3) of a person in a motion (batch of one)."""
        picture: Pixels = self._rendered(person, motion, kept, (PICTURE,))[PICTURE]
        return picture

    def compose(self, person: Prepared, motion: HeadMotion, kept: int | None = None) -> Parts:
        """Return what the picture of a person in a motion (batch of one) is put together from."""
        found = self._rendered(person, motion, kept, self._of_parts)
        candidates = tuple(
            Layer(of, found[name][0] if (name := f"{FLOW}{number}") in found else None)
            for number, of in enumerate(self.artefact.graphs[RENDER]["candidates"])
        )
        return Parts(candidates, unfolded(found[SHARES][0]), unfolded(found[REPAIR][0]))

    def draw(self, person: Prepared, motion: HeadMotion, kept: int | None = None) -> Drawn:
        """Return the picture of a person in a motion (batch of one), and which keypoint moved what of it."""
        found = self._rendered(person, motion, kept, (PICTURE, MASKS))
        return Drawn(found[PICTURE], found[MASKS][0])

    def _rendered(
        self, person: Prepared, motion: HeadMotion, kept: int | None, wanted: Collection[str]
    ) -> dict[str, Array]:
        inputs = {name: getattr(motion.arrays(), name) for name in MOTION}
        inputs["kept"] = self._counts[self.keypoints if kept is None else kept]
        return self._runner.run(RENDER, inputs, person.buffers, wanted)  # type: ignore[arg-type]


def unfolded(maps: Array) -> Array:
    """Return maps (C, 4, H, W), four pixels of a square one behind the other, as (2 H, 2 W, C)."""
    channels, _, height, width = maps.shape
    squares = maps.reshape(channels, 2, 2, height, width).transpose(3, 1, 4, 2, 0)
    return squares.reshape(2 * height, 2 * width, channels)


def _motion(found: Mapping[str, Array]) -> HeadMotion:
    return HeadMotion(*(found[name] for name in MOTION))
