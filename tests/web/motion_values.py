"""Values of head motions, as Python computes them, for the tests of the modules in JavaScript.

`python -m web.motion_values` in tests/ writes the file anew; test_motion_values.py says whether it is out of date.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from facewire.animation.reference import best_reference, median_motion
from facewire.animation.smoothing import MotionSmoother
from facewire.call.playout.concealment import Concealment
from facewire.call.playout.playout import Playout
from facewire.codec.state import MotionFrame
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints, place
from facewire.geometry.pose import rotation_from_degrees
from facewire.talks.bridge import to_motions

FILE = Path(__file__).parents[2] / "web" / "test" / "motion_values.json"
KEYPOINTS = 4
VIEW = (24.0, -11.0, 5.0)
"""Yaw, pitch and roll in degrees."""


def values() -> dict[str, Any]:
    """Return everything that the tests compare."""
    rng = np.random.default_rng(7)
    frames = [MotionFrame.from_vector(row) for row in _walk(rng, 30)]
    motions = to_motions(frames)
    canonical = torch.from_numpy(rng.normal(0, 0.3, (KEYPOINTS, 3)).astype(np.float32))
    view = rotation_from_degrees(*VIEW)
    smoother = MotionSmoother()
    times = np.cumsum(np.where(np.arange(30) == 20, 0.9, 0.04)).tolist()
    return {
        "frames": [frame.vector().tolist() for frame in frames],
        "canonical": canonical.reshape(-1).tolist(),
        "view": VIEW,
        "motions": _listed(motions),
        "turned": _listed(motions.turned(view)),
        "turned_at_neck": _listed(motions.turned_at_neck(view)),
        "relative": _listed(motions.relative(motions[3:4], motions[9:10])),
        "best_reference": best_reference(motions, motions[9:10].turned(view)),
        "median_motion": median_motion(motions),
        "placed": place(CanonicalKeypoints(canonical[None]).expand(30), motions)
        .points.reshape(30, -1)
        .tolist(),
        "times": times,
        "smoothed": _listed(HeadMotion.cat([smoother(motions[i : i + 1], t) for i, t in enumerate(times)])),
        "concealed": _concealed(frames),
        "played": _played(rng),
    }


def _walk(rng: np.random.Generator, count: int) -> Any:
    return np.cumsum(rng.normal(0, 0.03, (count, 6 + 3 * KEYPOINTS)), axis=0).astype(np.float32)


def _listed(motions: HeadMotion) -> list[dict[str, list[float]]]:
    return [
        {
            "rotation": motions.rotation[i].reshape(-1).tolist(),
            "translation": motions.translation[i].tolist(),
            "expression": motions.expression[i].reshape(-1).tolist(),
        }
        for i in range(len(motions))
    ]


def _concealed(frames: list[MotionFrame]) -> list[list[float] | None]:
    """Return what is shown of ten frames, a silence of 1.5 s and ten more frames."""
    held = Concealment(frames[0])
    shown: list[MotionFrame | None] = [held.arrive(frame, 0.04 * i) for i, frame in enumerate(frames[:10])]
    shown += [held.ease(frames[9], 0.15 * i) for i in range(11)]
    shown += [held.arrive(frame, 3 + 0.04 * i) for i, frame in enumerate(frames[10:20])]
    return [None if motion is None else motion.vector().tolist() for motion in shown]


def _played(rng: np.random.Generator) -> list[list[float]]:
    """Return packets (start, end, arrival), and base and position of the face after each."""
    clock, rows, end = Playout(), [], 0
    for number in range(160):
        length = 1920 if number < 80 else (2880, 5760, 1920)[number % 3]
        start, end = end, end + length
        now = end / 48_000 + float(rng.exponential(0.02)) + (0.2 if number > 120 else 0)
        if number % 3 == 0:
            clock.face_came(end, now + 0.01)
            clock.rendered(0.03 + 0.001 * number)
        clock.sound_came(start, end, now)
        position = clock.face_position(now)
        assert clock.base is not None
        assert position is not None
        rows.append([start, end, now, clock.base, position])
    return rows


if __name__ == "__main__":
    FILE.write_text(json.dumps(values()) + "\n", encoding="utf-8")
