"""What the metrics see in pictures, computed once per picture and shared by all of them.

    pictures --Observer--> Look: image tensor, SqueezeNet taps, set features, landmarks, rotation, identity vector

An observer follows one face through the pictures it is shown, so each side of a comparison has its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from facewire.evaluation.measuring.panel import Panel
from facewire.face.expression import SEVENTY_EIGHT
from facewire.face.finder import Face
from facewire.face.pose import head_pose
from facewire.media.frame import Pixels
from facewire.metrics.frechet import FID, FRECHET_SQUEEZE
from facewire.metrics.squeeze_net import pooled_features

FloatArray = npt.NDArray[np.float64]

LANDMARK_SIDE = 256
"""Landmarks are given in pixels of a picture of this side, whatever the model's size."""
IDENTITY_NUMBERS = 128


@dataclass(frozen=True, slots=True)
class Look:
    """B pictures as the metrics see them; NaN rows where there is no face or nobody looked.

    images      (B, 3, S, S) in [0, 1]
    taps        SqueezeNet's features; empty without the network
    features    vectors for distances of sets, (B, D) by the metric's name
    points      (B, 78, 3) landmarks in pixels of a 256 x 256 picture
    rotations   (B, 3, 3)
    identities  (B, 128)
    """

    images: Tensor
    taps: tuple[Tensor, ...]
    features: dict[str, Tensor]
    points: FloatArray
    rotations: FloatArray
    identities: FloatArray

    def __len__(self) -> int:
        return len(self.images)

    def repeated(self, count: int) -> Look:
        """Return the same single picture `count` times."""
        return Look(
            self.images.expand(count, -1, -1, -1),
            tuple(tap.expand(count, -1, -1, -1) for tap in self.taps),
            {name: feature.expand(count, -1) for name, feature in self.features.items()},
            np.repeat(self.points, count, axis=0),
            np.repeat(self.rotations, count, axis=0),
            np.repeat(self.identities, count, axis=0),
        )


class Observer:
    """Looks at the pictures of one side of a clip, in order."""

    def __init__(
        self,
        panel: Panel,
        device: torch.device | str,
        *,
        taps: bool = True,
        features: bool = True,
        identity_stride: int | None = 1,
    ) -> None:
        """Take what to look for besides the face.

        Args:
            panel: the networks.
            device: where tensors live.
            taps: SqueezeNet's taps, for the perceptual distance.
            features: vectors for distances of sets.
            identity_stride: every how many pictures the identity network looks; None means never.
        """
        self._panel = panel
        self._device = device
        self._taps = taps
        self._features = features
        self._identity_stride = identity_stride
        self._seen = 0
        self._face: Face | None = None

    @torch.inference_mode()
    def look(self, pictures: Sequence[Pixels]) -> Look:
        """Return the look of the next pictures, all of one square size."""
        stacked = torch.from_numpy(np.stack(pictures)).to(self._device)
        images = stacked.permute(0, 3, 1, 2).float().div(255).contiguous(memory_format=torch.channels_last)
        taps, features = self._networks(images)
        read = [self._read(picture) for picture in pictures]
        points, rotations, identities = (np.stack(column) for column in zip(*read, strict=True))
        return Look(images, taps, features, points, rotations, identities)

    def _networks(self, images: Tensor) -> tuple[tuple[Tensor, ...], dict[str, Tensor]]:
        """Return the taps and the set features that are wanted and can be had."""
        taps: tuple[Tensor, ...] = ()
        features: dict[str, Tensor] = {}
        if self._panel.squeeze is not None and (self._taps or self._features):
            taps = tuple(self._panel.squeeze(images))
        if taps and self._features:
            features[FRECHET_SQUEEZE.name] = pooled_features(taps)
        if self._panel.inception is not None and self._features:
            features[FID.name] = self._panel.inception(images)
        return taps if self._taps else (), features

    def _read(self, picture: Pixels) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return landmarks, rotation and identity of one picture."""
        scale = LANDMARK_SIDE / picture.shape[1]
        self._face = self._follow(picture)
        identity = np.full(IDENTITY_NUMBERS, np.nan)
        if self._face is None:
            self._seen += 1
            return np.full((len(SEVENTY_EIGHT), 3), np.nan), np.full((3, 3), np.nan), identity
        points = self._face.landmarks[list(SEVENTY_EIGHT)]
        network, stride = self._panel.identity, self._identity_stride
        if network is not None and stride is not None and self._seen % stride == 0:
            identity = network.embed(picture, points)
        self._seen += 1
        rotation = head_pose(torch.from_numpy(self._face.landmarks)).rotation.numpy()
        return points * scale, rotation, identity

    def _follow(self, picture: Pixels) -> Face | None:
        finder = self._panel.finder
        tracked = None if self._face is None else finder.track(picture, self._face)
        if tracked is not None:
            return tracked
        found = finder.find(picture)
        return found[0] if found else None
