"""The face finder's networks in OpenVINO, from graphs that come with the package: no torch is loaded for them."""

from __future__ import annotations

import numpy as np

from facewire.engines.graphs.names import DETECT, LANDMARKS, LOGITS, MESH, PICTURE, PLACES, PRESENCE
from facewire.engines.openvino_runner import OpenVinoRunner
from facewire.engines.shipped_graphs import ShippedGraphs
from facewire.face.backend import Floats


class OpenVinoFaces:
    """Implements `face.backend.FaceNetworks`."""

    def __init__(self, graphs: ShippedGraphs, threads: int) -> None:
        self._runner = OpenVinoRunner(graphs, threads)
        self._runner.start(DETECT, MESH)

    def detect(self, pictures: Floats) -> tuple[Floats, Floats]:
        """Return logits [B, 896] and places [B, 896, 8, 2] of pictures [B, 3, 128, 128]."""
        found = [self._runner.run(DETECT, {PICTURE: picture[None]}) for picture in pictures]
        logits, places = (np.concatenate([one[name] for one in found]) for name in (LOGITS, PLACES))
        return logits, places

    def mesh(self, picture: Floats) -> tuple[Floats, float]:
        """Return the mesh [478, 3] of a picture [3, 192, 192], and the logit of a face's presence."""
        found = self._runner.run(MESH, {PICTURE: picture[None]})
        return found[LANDMARKS][0], float(found[PRESENCE][0])
