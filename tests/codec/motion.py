"""Made-up motion for tests: slow waves of the size of real motion, and the jitter of an estimator."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from facewire.codec.state import MotionFrame

Floats = npt.NDArray[np.float32]


def made_up_clips(*, clips: int, frames: int, keypoints: int, seed: int) -> list[Floats]:
    """Return arrays (frames, 6 + 3 keypoints); keypoints move together, as parts of a face do."""
    rng = np.random.default_rng(seed)
    modes = rng.normal(0, 1, (6, 3 * keypoints)) / np.arange(1, 7)[:, None]
    return [_clip(rng, modes, frames) for _ in range(clips)]


def _clip(rng: np.random.Generator, modes: npt.NDArray[np.float64], frames: int) -> Floats:
    time_s = np.arange(frames)[:, None] / 25
    rates = rng.uniform(0.1, 3, (1, 6 + len(modes)))
    waves = np.sin(2 * np.pi * rates * time_s + rng.uniform(0, 6, rates.shape))
    angles, places, faces = waves[:, :3] * 0.15, waves[:, 3:6] * 0.08, waves[:, 6:] @ modes * 0.01
    clean = np.concatenate((angles, places, faces), axis=1)
    return np.asarray(clean + rng.normal(0, 0.002, clean.shape), dtype=np.float32)


def frames_of(clip: Floats) -> list[MotionFrame]:
    """Return the rows of a clip as frames."""
    return [MotionFrame.from_vector(row) for row in clip]
