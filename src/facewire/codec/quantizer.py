"""Components to integer coefficients and back (docs/bitstream.md sections 4 and 5).

Only the way back is normative. The way there works stage by stage: the first stage holds the pose and the
first keypoints, each later one the next keypoints, and each sees the true remainder, so what quantisation did
to the pose is corrected by the keypoints that follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from facewire.base.errors import ConfigError
from facewire.codec.modes import LARGEST_LEVEL
from facewire.codec.state import POSE, Integers, MotionFrame
from facewire.codec.tables.artefact import ANALYSIS_BITS, BASIS_BITS, POINT_BITS, CodecTables

ANGLE_LIMIT, PLACE_LIMIT = 4 << POINT_BITS, 8 << POINT_BITS
"""Largest decoded magnitudes: 4 radians, 8 picture units."""
ANGLE_INPUT, PLACE_INPUT = round(3.2 * (1 << POINT_BITS)), 4 << POINT_BITS
"""Largest magnitudes an encoder takes; larger ones are cut."""
REMAINDER_BITS = ANALYSIS_BITS + BASIS_BITS
"""Fractional bits of coefficients while they are sought."""
FINER_BITS = REMAINDER_BITS - ANALYSIS_BITS - POINT_BITS
"""What they have more than analysis times components."""
SHOWN_BITS = 8
"""Fractional bits of a coefficient when it is rounded."""
_TO_POINTS: Final = np.float32(1 << POINT_BITS)


def limits(components: int, angle: int, place: int) -> Integers:
    """Return the largest magnitude of each component, (N,), units of 2^-16."""
    out = np.full(components, place, dtype=np.int64)
    out[:3] = angle
    return out


class Quantizer:
    """Turns frames into coefficients and coefficients into frames, for one set of tables."""

    def __init__(self, tables: CodecTables) -> None:
        self.tables = tables
        components = POSE + 3 * tables.keypoints
        self._limit = limits(components, ANGLE_LIMIT, PLACE_LIMIT)
        self._input = limits(components, ANGLE_INPUT, PLACE_INPUT)
        self._gram = tables.analysis @ tables.basis
        starts = (0, *tables.stages[:-1])
        self._stages = list(zip(starts, tables.stages))
        self._bias = [(1 << SHOWN_BITS - 1) - zone for zone in tables.dead_zone]

    def points(self, frame: MotionFrame) -> Integers:
        """Return a frame's components as integers (N,), units of 2^-16, cut to what the format can hold.

        Raises:
            ConfigError: the frame has another number of keypoints than the tables.
        """
        if frame.keypoints != self.tables.keypoints:
            raise ConfigError("keypoints", frame.keypoints, f"{self.tables.keypoints}, as the tables have")
        points = np.rint(frame.vector() * _TO_POINTS)
        cut: Integers = np.minimum(np.maximum(points, -self._input), self._input).astype(np.int64)
        return cut

    def residuals(self, points: Integers, prediction: Sequence[int]) -> list[int]:
        """Return r, M integers, of components (N,) against the prediction of all M coefficients."""
        wanted = self.tables.analysis @ (points - self.tables.offset) << FINER_BITS
        residuals: list[int] = []
        last = len(self._stages) - 1
        for number, (start, stop) in enumerate(self._stages):
            shown = (wanted[start:stop] >> REMAINDER_BITS - SHOWN_BITS).tolist()
            found = self._rounded(shown, prediction, start)
            residuals += found
            if number < last:
                levels = np.array(prediction[start:stop], dtype=np.int64) + np.array(found, dtype=np.int64)
                wanted[stop:] -= self._gram[stop:, start:stop] @ levels
        return residuals

    def _rounded(self, shown: Sequence[int], prediction: Sequence[int], start: int) -> list[int]:
        """Return residuals of the coefficients from `start` on, rounded with their dead zones."""
        out = []
        for index, value in enumerate(shown, start):
            p = prediction[index]
            away = value - (p << SHOWN_BITS)
            if away >= 0:
                out.append(min(away + self._bias[index] >> SHOWN_BITS, LARGEST_LEVEL - p, LARGEST_LEVEL))
            else:
                out.append(-min(self._bias[index] - away >> SHOWN_BITS, LARGEST_LEVEL + p, LARGEST_LEVEL))
        return out

    def frame(self, levels: Sequence[int], kept: int) -> MotionFrame:
        """Return the frame of M coefficients: the same bits on every machine."""
        total = self.tables.basis @ np.array(levels, dtype=np.int64)
        shift = BASIS_BITS - POINT_BITS
        points = self.tables.offset + (total + (1 << shift - 1) >> shift)
        return frame_of_points(np.minimum(np.maximum(points, -self._limit), self._limit), kept)


def frame_of_points(points: Integers, kept: int) -> MotionFrame:
    """Return the frame of components (N,) in units of 2^-16; the division is exact."""
    return MotionFrame.from_vector(points.astype(np.float32) / _TO_POINTS, kept)
