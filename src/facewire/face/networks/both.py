"""Detector and mesh of the face finder in torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewire.face.networks.attention import load_attention_mesh
from facewire.face.networks.blaze import load_blaze_face

Floats = NDArray[np.float32]


class TorchFaceNetworks:
    """Implements `face.backend.FaceNetworks` on a device."""

    def __init__(self, device: Any = "cpu") -> None:
        self.device = torch.device(device)
        self._detector = load_blaze_face().to(self.device)
        self._mesh = load_attention_mesh().to(self.device)

    @torch.inference_mode()
    def detect(self, pictures: Floats) -> tuple[Floats, Floats]:
        """Return logits [B, 896] and places [B, 896, 8, 2] of pictures [B, 3, 128, 128]."""
        logits, places = self._detector(self._there(pictures))
        return logits.cpu().numpy(), places.cpu().numpy()

    @torch.inference_mode()
    def mesh(self, picture: Floats) -> tuple[Floats, float]:
        """Return the mesh [478, 3] of a picture [3, 192, 192], and the logit of a face's presence."""
        landmarks, logit = self._mesh(self._there(picture[None]))
        return landmarks[0].cpu().numpy(), float(logit)

    def _there(self, pictures: Floats) -> Tensor:
        return torch.from_numpy(pictures).to(self.device, memory_format=torch.channels_last)
