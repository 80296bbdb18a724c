"""Drawing (source, driving) pairs: two frames of one clip.

Everything a batch needs follows from (seed, step): a resumed run draws the same pairs without any stored
reader position.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from facewire.data.clips import Clip

CANDIDATES = 4
"""Driving frames drawn to choose from when a step looks for a large change."""


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


@dataclass(frozen=True, slots=True)
class PairBatch:
    """B pairs of frames; row i of both comes from the same clip."""

    source: FrameBatch
    driving: FrameBatch


class PairSampler:
    """Draws batches of pairs; clips by the square root of their length, large changes more often."""

    def __init__(self, clips: Sequence[Clip], batch: int, seed: int, prefer_change: float = 0.5) -> None:
        """Sample from `clips`; with probability `prefer_change` a pair is the one of 4 that differs most."""
        self.clips = clips
        self.batch = batch
        self.seed = seed
        self.prefer_change = prefer_change
        weight = np.sqrt([len(clip) for clip in clips])
        self.probability = weight / weight.sum()
        self.usable = [np.flatnonzero(clip.labels.detected) for clip in clips]

    def draw(self, step: int) -> list[tuple[int, int, int]]:
        """Return the (clip, source frame, driving frame) of every pair of a step."""
        rng = np.random.default_rng((self.seed, step))
        chosen = rng.choice(len(self.clips), size=self.batch, p=self.probability)
        return [(int(clip), *self._frames(int(clip), rng)) for clip in chosen]

    def _frames(self, clip: int, rng: np.random.Generator) -> tuple[int, int]:
        frames = self.usable[clip]
        source = int(rng.choice(frames))
        candidates = rng.choice(frames, size=CANDIDATES)
        if rng.random() >= self.prefer_change:
            return source, int(candidates[0])
        change = _change(self.clips[clip], source, candidates)
        return source, int(candidates[int(np.argmax(change))])

    def load(self, step: int) -> PairBatch:
        """Return the frames and labels of a step's pairs."""
        drawn = self.draw(step)
        return PairBatch(
            self._collect([(clip, source) for clip, source, _ in drawn]),
            self._collect([(clip, driving) for clip, _, driving in drawn]),
        )

    def _collect(self, frames: list[tuple[int, int]]) -> FrameBatch:
        pixels = np.stack([self.clips[clip].frames[index] for clip, index in frames])
        image = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div_(255)

        def stack(name: str) -> Tensor:
            return torch.from_numpy(np.stack([getattr(self.clips[c].labels, name)[i] for c, i in frames]))

        return FrameBatch(image, stack("landmarks"), stack("rotation"), stack("translation"))


def _change(clip: Clip, source: int, candidates: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return how much candidate frames differ from the source: landmark motion plus lip and lid motion."""
    landmarks = clip.labels.landmarks
    whole = np.abs(landmarks[candidates] - landmarks[source]).mean(axis=(1, 2))
    own = landmarks - landmarks[:, 27:28]
    detail = np.abs(own[candidates, 36:78] - own[source, 36:78]).mean(axis=(1, 2))
    return np.asarray(whole + 3 * detail, dtype=np.float64)
