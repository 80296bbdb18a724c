"""LivePortrait's crop matrices against the originals'."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facewire.base.errors import ConfigError
from facewire.face.landmark_crop import LANDMARKS, SOURCE, Square, crop_matrix

GOLDEN = Path(__file__).parents[1] / "networks" / "relatives" / "golden" / "crop.npz"
TOLERANCE = 5e-3
"""Pixels: the original takes an angle by acos in float32."""
SETS = ["a203", "a106", "b203", "b106", "c203", "c106"]


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize(
    ("square", "size", "key", "inverse"),
    [
        (SOURCE, 512, "src_M_o2c", False),
        (SOURCE, 512, "src_M_c2o", True),
        (Square(2.3, -0.125, turns=False), 512, "src_norot_M_o2c", False),
        (LANDMARKS, 224, "lmknet_M_c2o", True),
    ],
)
def test_matrix(name: str, square: Square, size: int, key: str, inverse: bool) -> None:
    with np.load(GOLDEN) as golden:
        points, wanted = golden[f"in/{name}"].astype(float), golden[f"out/{name}/{key}"]
    found = np.asarray(crop_matrix(points, square, size), float)
    if inverse:
        found = np.asarray(np.linalg.inv(found), float)
    corners = np.array(((0, 0, 1), (size, 0, 1), (0, size, 1), (size, size, 1)), float).T
    places = corners if inverse else np.linalg.inv(wanted) @ corners
    assert np.abs(found @ places - wanted @ places).max() < TOLERANCE * (1 if inverse else 10)


def test_faces_without_extent_count_as_upright() -> None:
    points = np.zeros((203, 2))
    points[0] = (-1, 0)
    points[6] = (1, 0)
    matrix = crop_matrix(points, SOURCE, 512)
    assert matrix[0, 1] == matrix[1, 0] == 0


def test_other_counts_are_refused() -> None:
    with pytest.raises(ConfigError, match="203"):
        crop_matrix(np.zeros((7, 2)), SOURCE, 512)
