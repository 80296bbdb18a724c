"""The two networks of the face finder, whatever computes them.

torch        face/networks/both.py          on any device
openvino     engines/face_graphs.py          graphs that come with the package, without torch
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class FaceNetworks(Protocol):
    """Detector and mesh."""

    def detect(self, pictures: Floats) -> tuple[Floats, Floats]:
        """Return what the detector says of pictures.

        Args:
            pictures: [B, 3, 128, 128] in [0, 1].

        Returns:
            logits [B, 896] and places [B, 896, 8, 2], see face/networks/blaze.py.
        """

    def mesh(self, picture: Floats) -> tuple[Floats, float]:
        """Return the mesh [478, 3] of a picture [3, 192, 192] in [0, 1], and the logit of a face's presence."""


def in_torch(device: Any = "cpu") -> FaceNetworks:
    """Return both networks in torch, on a device."""
    from facewire.face.networks.both import TorchFaceNetworks

    return TorchFaceNetworks(device)
