"""LivePortrait's crop matrices against the originals'."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facewire.base.errors import ConfigError
from facewire.face.region import SquareRegion
from facewire.face.relatives.landmark_crop import DRIVING, SOURCE, Square, laid

GOLDEN = Path(__file__).parents[1] / "networks" / "relatives" / "golden" / "crop.npz"
TOLERANCE = 5e-3
"""Pixels: the original takes an angle by acos in float32."""
LANDMARKS = Square(1.5, -0.1)
"""Of a network that finds 203 landmarks."""
SETS = ["a203", "a106", "b203", "b106", "c203", "c106"]


def crop_matrix(region: SquareRegion, size: int) -> np.ndarray:
    """Return the matrix (3, 3) that takes photograph pixels to pixels of a crop, both counted from centres.

    Args:
        region: the square.
        size: side of the crop in pixels.
    """
    c, s, k = np.cos(region.angle), np.sin(region.angle), size / region.side
    x, y = region.x, region.y
    return np.array(
        (
            (k * c, k * s, size / 2 - k * (c * x + s * y)),
            (-k * s, k * c, size / 2 - k * (-s * x + c * y)),
            (0.0, 0.0, 1.0),
        )
    )


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
    found = np.asarray(crop_matrix(laid(points, square), size), float)
    if inverse:
        found = np.asarray(np.linalg.inv(found), float)
    corners = np.array(((0, 0, 1), (size, 0, 1), (0, size, 1), (size, size, 1)), float).T
    places = corners if inverse else np.linalg.inv(wanted) @ corners
    assert np.abs(found @ places - wanted @ places).max() < TOLERANCE * (1 if inverse else 10)


def test_faces_without_extent_count_as_upright() -> None:
    points = np.zeros((203, 2))
    points[0] = (-1, 0)
    points[6] = (1, 0)
    matrix = crop_matrix(laid(points, SOURCE), 512)
    assert matrix[0, 1] == matrix[1, 0] == 0


def test_other_counts_are_refused() -> None:
    with pytest.raises(ConfigError, match="203"):
        laid(np.zeros((7, 2)), SOURCE)


@pytest.mark.parametrize("name", [*SETS, "degenerate203"])
def test_middle_and_side(name: str) -> None:
    with np.load(GOLDEN) as golden:
        points = golden[f"in/{name}"].astype(float)
        middle, side = golden[f"out/{name}/center"], golden[f"out/{name}/size"]
    region = laid(points, SOURCE)
    assert np.allclose((region.x, region.y), middle, atol=2e-2)
    assert np.allclose(region.side, side, rtol=1e-4)


@pytest.mark.parametrize("name", SETS)
def test_driving_square(name: str) -> None:
    with np.load(GOLDEN) as golden:
        points, corners = golden[f"in/{name}"].astype(float), golden[f"out/{name}/drv_bbox"]
    region = laid(points, DRIVING)
    assert region.angle == 0
    low, high = corners.min(axis=0), corners.max(axis=0)
    assert np.allclose((region.x, region.y), (low + high) / 2, atol=2e-2)
    assert np.allclose(region.side, high - low, rtol=1e-4)
