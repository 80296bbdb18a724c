"""Drawing (source, driving) pairs: two frames of one clip.

Everything a batch needs follows from (seed, step): a resumed run draws the same pairs without any stored
reader position.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from facewire.base.errors import ConfigError
from facewire.data.clips import Clip

CANDIDATES = 4
"""Driving frames drawn to choose from when a step looks for a large change."""
DETAIL_WEIGHT = 3.0
"""Of what lips, lids and irises do within the face, against the motion of all landmarks."""
DETAIL = slice(36, 78)
"""Lids, lips and irises among the landmarks."""
NOSE_BRIDGE = 27
"""The landmark that detail is measured from."""


@dataclass(frozen=True, slots=True)
class FrameBatch:
    """B labelled frames.

    image        (B, 3, S, S)   RGB in [0, 1]
    landmarks    (B, 78, 2)     in [-1, 1]
    rotation     (B, 3, 3)
    translation  (B, 3)
    """

    image: Tensor
    landmarks: Tensor
    rotation: Tensor
    translation: Tensor

    def to(self, device: torch.device) -> FrameBatch:
        """Return the same frames on a device, pictures in channels_last."""
        image = self.image.to(device, memory_format=torch.channels_last)
        rest = (part.to(device) for part in (self.landmarks, self.rotation, self.translation))
        return FrameBatch(image, *rest)


@dataclass(frozen=True, slots=True)
class PairBatch:
    """B pairs of frames; row i of both comes from the same clip, `clips` names the clips."""

    source: FrameBatch
    driving: FrameBatch
    clips: tuple[str, ...] = ()

    def to(self, device: torch.device) -> PairBatch:
        """Return the same pairs on a device, pictures in channels_last."""
        return PairBatch(self.source.to(device), self.driving.to(device), self.clips)


class PairSampler:
    """Draws batches of pairs; clips by the square root of their length, large changes more often."""

    def __init__(self, clips: Sequence[Clip], batch: int, seed: int, prefer_change: float = 0.5) -> None:
        """Sample from `clips`; with probability `prefer_change` a pair is the one of 4 that differs most.

        Raises:
            ConfigError: there is no clip, or one in which no frame shows a face.
        """
        self.clips = clips
        self.batch = batch
        self.seed = seed
        self.prefer_change = prefer_change
        self.usable = [np.flatnonzero(clip.labels.detected) for clip in clips]
        if not clips or not all(len(frames) for frames in self.usable):
            raise ConfigError("clips", len(clips), "at least one clip, each with a face in some frame")
        weight = np.sqrt([len(frames) for frames in self.usable])
        self.probability = weight / weight.sum()

    def draw(self, step: int) -> list[tuple[int, int, int]]:
        """Return the (clip, source frame, driving frame) of every pair of a step."""
        rng = np.random.default_rng((self.seed, step))
        chosen = rng.choice(len(self.clips), size=self.batch, p=self.probability)
        return [(int(clip), *self._frames(int(clip), rng)) for clip in chosen]

    def load(self, step: int) -> PairBatch:
        """Return the frames and labels of a step's pairs."""
        drawn = self.draw(step)
        return PairBatch(
            self._collect([(clip, source) for clip, source, _ in drawn]),
            self._collect([(clip, driving) for clip, _, driving in drawn]),
            tuple(self.clips[clip].name for clip, _, _ in drawn),
        )

    def _frames(self, clip: int, rng: np.random.Generator) -> tuple[int, int]:
        frames = self.usable[clip]
        source = int(rng.choice(frames))
        candidates = rng.choice(frames, size=CANDIDATES)
        if rng.random() >= self.prefer_change:
            return source, int(candidates[0])
        change = _change(self.clips[clip], source, candidates)
        return source, int(candidates[int(np.argmax(change))])

    def _collect(self, drawn: list[tuple[int, int]]) -> FrameBatch:
        chosen = [(self.clips[clip], index) for clip, index in drawn]
        image = _stacked([clip.frames[index] for clip, index in chosen])
        return FrameBatch(
            image.permute(0, 3, 1, 2).float().div_(255),
            _stacked([clip.labels.landmarks[index] for clip, index in chosen]),
            _stacked([clip.labels.rotation[index] for clip, index in chosen]),
            _stacked([clip.labels.translation[index] for clip, index in chosen]),
        )


def _stacked(parts: list[npt.NDArray[Any]]) -> Tensor:
    return torch.from_numpy(np.stack(parts))


def _change(clip: Clip, source: int, candidates: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Return how much candidate frames differ from the source: landmark motion plus lip and lid motion."""
    before, after = clip.labels.landmarks[source], clip.labels.landmarks[candidates]
    whole = np.abs(after - before).mean(axis=(1, 2))
    own_before, own_after = (part - part[..., NOSE_BRIDGE, None, :] for part in (before, after))
    detail = np.abs(own_after - own_before)[:, DETAIL].mean(axis=(1, 2))
    return np.asarray(whole + DETAIL_WEIGHT * detail, dtype=np.float64)
