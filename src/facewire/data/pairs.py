"""Drawing (source, driving) pairs: two frames of one clip.

Row r of the batch of a step follows from (seed, step, r) alone: a resumed run draws the same pairs without any
stored reader position, and a rank that computes some rows of a batch draws and loads just those.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from facewire.base.errors import ConfigError
from facewire.data.clips import LabelledClip
from facewire.face.expression import eye_aperture, mouth_aperture

CANDIDATES = 4
"""Driving frames drawn to choose from when a step looks for a large change."""
DETAIL_WEIGHT = 3.0
"""Of what lips, lids and irises do within the face, against the motion of all landmarks."""
DETAIL = slice(36, 78)
"""Lids, lips and irises among the landmarks."""
NOSE_BRIDGE = 27
"""The landmark that detail is measured from."""
MOST_CLOSED, MOST_OPEN = 0.3, 0.1
"""Shares of a clip's frames that pairs which open go from and to."""
LARGE_TURN = math.radians(30)
"""The turn away from the camera that `prefer_turn` speaks of."""


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
    """B pairs of frames; row i of both comes from the same clip, `clips` names the clips.

    `still` says of each row whether both are the same frame, as they are of stills; without it none is.
    """

    source: FrameBatch
    driving: FrameBatch
    clips: tuple[str, ...] = ()
    still: tuple[bool, ...] = ()

    def to(self, device: torch.device) -> PairBatch:
        """Return the same pairs on a device, pictures in channels_last."""
        return PairBatch(self.source.to(device), self.driving.to(device), self.clips, self.still)


class PairSampler:
    """Draws batches of pairs; clips by the square root of their length, turned heads and large changes more often."""

    def __init__(
        self,
        clips: Sequence[LabelledClip],
        batch: int,
        seed: int,
        prefer_change: float = 0.5,
        prefer_turn: float = 0.0,
        prefer_opening: float = 0.0,
    ) -> None:
        """Sample from `clips`.

        Args:
            clips: what to draw from.
            batch: pairs in a step.
            seed: of all draws.
            prefer_change: probability that a pair is the one of 4 that differs most.
            prefer_turn: how much more often a frame turned by 30 degrees is drawn than a frontal one: 0 draws
                both alike, 1 twice as often; between and beyond the factor runs linearly.
            prefer_opening: probability that a pair opens: from one of the clip's most closed frames to one of its
                most open ones, by mouth or by eyes. What no source shows must be learned from such pairs.

        Raises:
            ConfigError: there is no clip, or one in which no frame shows a face.
        """
        self.clips = clips
        self.batch = batch
        self.seed = seed
        self.prefer_change = prefer_change
        self.prefer_turn = prefer_turn
        self.prefer_opening = prefer_opening
        seen = np.array([clip.seen for clip in clips], np.float64)
        if not len(clips) or not seen.all():
            raise ConfigError("clips", len(clips), "at least one clip, each with a face in some frame")
        turn = np.array([clip.mean_turn for clip in clips], np.float64)
        weight = np.sqrt(seen) * (1 + prefer_turn * turn / LARGE_TURN)
        self.cumulative = np.cumsum(weight) / weight.sum()

    def draw(self, step: int, rows: range | None = None) -> list[tuple[int, int, int]]:
        """Return the (clip, source frame, driving frame) of rows of a step's batch; None means all."""
        return [self._pair(step, row) for row in (range(self.batch) if rows is None else rows)]

    def load(self, step: int, rows: range | None = None, device: torch.device | None = None) -> PairBatch:
        """Return the frames and labels of rows of a step's batch, on a device (None is the CPU)."""
        drawn = self.draw(step, rows)
        return PairBatch(
            self._collect([(clip, source) for clip, source, _ in drawn], device),
            self._collect([(clip, driving) for clip, _, driving in drawn], device),
            tuple(self.clips[clip].name for clip, _, _ in drawn),
            tuple(source == driving for _, source, driving in drawn),
        )

    def _pair(self, step: int, row: int) -> tuple[int, int, int]:
        rng = np.random.default_rng((self.seed, step, row))
        number = min(int(np.searchsorted(self.cumulative, rng.random(), side="right")), len(self.clips) - 1)
        clip = self.clips[number]
        labels = clip.labels
        frames = np.flatnonzero(labels.detected)
        weight = 1 + self.prefer_turn * labels.turn[frames] / LARGE_TURN
        source, *candidates = rng.choice(frames, size=1 + CANDIDATES, p=weight / weight.sum())
        if self.prefer_opening and rng.random() < self.prefer_opening:
            order = frames[np.argsort(_aperture(clip, frames, mouth=bool(rng.integers(2) == 0)))]
            closed, most_open = (max(1, round(share * len(order))) for share in (MOST_CLOSED, MOST_OPEN))
            return number, int(rng.choice(order[:closed])), int(rng.choice(order[-most_open:]))
        if rng.random() >= self.prefer_change:
            return number, int(source), int(candidates[0])
        change = _change(clip, int(source), np.array(candidates))
        return number, int(source), int(candidates[int(np.argmax(change))])

    def _collect(self, drawn: list[tuple[int, int]], device: torch.device | None) -> FrameBatch:
        chosen = [(self.clips[clip], index) for clip, index in drawn]
        # Bytes travel to the device, a quarter of what numbers would be.
        image = _stacked([clip.frames[index] for clip, index in chosen]).to(device)
        return FrameBatch(
            image.permute(0, 3, 1, 2).float().div_(255),
            _stacked([clip.labels.landmarks[index] for clip, index in chosen]).to(device),
            _stacked([clip.labels.rotation[index] for clip, index in chosen]).to(device),
            _stacked([clip.labels.translation[index] for clip, index in chosen]).to(device),
        )


def _stacked(parts: list[npt.NDArray[Any]]) -> Tensor:
    return torch.from_numpy(np.stack(parts))


def _aperture(clip: LabelledClip, frames: npt.NDArray[np.intp], mouth: bool) -> npt.NDArray[np.float64]:
    """Return how far the mouth, or the eyes, of frames are open."""
    landmarks = torch.from_numpy(clip.labels.landmarks[frames])
    open_ = mouth_aperture(landmarks) if mouth else eye_aperture(landmarks).mean(dim=-1)
    return np.asarray(open_, dtype=np.float64)


def _change(clip: LabelledClip, source: int, candidates: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Return how much candidate frames differ from the source: landmark motion plus lip and lid motion."""
    before, after = clip.labels.landmarks[source], clip.labels.landmarks[candidates]
    whole = np.abs(after - before).mean(axis=(1, 2))
    own_before, own_after = (part - part[..., NOSE_BRIDGE, None, :] for part in (before, after))
    detail = np.abs(own_after - own_before)[:, DETAIL].mean(axis=(1, 2))
    return np.asarray(whole + DETAIL_WEIGHT * detail, dtype=np.float64)
