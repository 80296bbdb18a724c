"""Quality by how far the head is turned."""

from __future__ import annotations

import numpy as np
import pytest

from facewire.evaluation.measuring.turn_ranges import BASES, RANGES, TURN_METRICS, by_turn, name_of
from facewire.geometry.pose import rotation_from_degrees


def _rotations(*degrees: float) -> np.ndarray:
    return np.stack([rotation_from_degrees(angle, 0, 0).double().numpy() for angle in degrees])


def test_every_frame_counts_in_its_own_range_only() -> None:
    rotations = _rotations(0, 4, -7, 15, 25, -60)
    rotations[0] = np.nan  # no face
    per_frame = {base.name: np.array([1000.0, 1, 2, 3, 4, 6]) for base in BASES}
    found = by_turn(_rotations(0)[0], rotations, per_frame)
    assert [found[name_of(BASES[0], low)] for low, _ in RANGES] == pytest.approx([1, 2, 3, 5])
    assert set(found) == {metric.name for metric in TURN_METRICS}


def test_a_range_without_frames_is_left_out() -> None:
    per_frame = {base.name: np.array([1.0, np.nan]) for base in BASES}
    found = by_turn(_rotations(10)[0], _rotations(10, 10), per_frame)
    assert set(found) == {name_of(base, 0) for base in BASES}
    assert found[name_of(BASES[0], 0)] == 1


def test_without_a_face_in_the_source_nothing_is_known() -> None:
    per_frame = {base.name: np.ones(2) for base in BASES}
    assert by_turn(np.full((3, 3), np.nan), _rotations(0, 1), per_frame) == {}
