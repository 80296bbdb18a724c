"""Labels: their convention is not ours, and the matrix is the only bridge."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from facewire.base.errors import MediaError
from facewire.data.labels import FOCAL, ClipLabels, in_picture, label_rotation, load_labels
from facewire.geometry.pose import angles_from_rotation

NOSE = np.array((0.0, 0.0, -1.0))
RIGHT = np.array((1.0, 0.0, 0.0))


def _rotation(yaw: float, pitch: float, roll: float) -> NDArray[np.float32]:
    rotation: NDArray[np.float32] = label_rotation(np.array([[yaw, pitch, roll]], np.float32))[0]
    return rotation


def _degrees(rotation: NDArray[np.float32]) -> list[float]:
    return [math.degrees(float(angle)) for angle in angles_from_rotation(torch.from_numpy(rotation))]


def test_positive_label_yaw_turns_the_nose_to_the_left_of_the_image() -> None:
    np.testing.assert_allclose(_rotation(90, 0, 0) @ NOSE, (-1, 0, 0), atol=1e-6)
    assert _degrees(_rotation(30, 0, 0)) == pytest.approx([-30, 0, 0], abs=1e-4)


def test_positive_label_pitch_lowers_the_nose() -> None:
    np.testing.assert_allclose(_rotation(0, 90, 0) @ NOSE, (0, 1, 0), atol=1e-6)
    assert _degrees(_rotation(0, 20, 0)) == pytest.approx([0, -20, 0], abs=1e-4)


def test_positive_label_roll_turns_clockwise_as_ours() -> None:
    np.testing.assert_allclose(_rotation(0, 0, 90) @ RIGHT, (0, 1, 0), atol=1e-6)
    assert _degrees(_rotation(0, 0, 15)) == pytest.approx([0, 0, 15], abs=1e-4)


def test_signs_alone_would_not_do() -> None:
    """With two angles at once the order matters: Ry Rx Rz is not Rx Ry Rz."""
    yaw, pitch, _ = _degrees(_rotation(40, 30, 0))
    assert abs(yaw + 40) > 3
    assert abs(pitch + 30) > 3


def test_the_matrix_is_scipy_s() -> None:
    degrees = np.random.default_rng(0).uniform(-80, 80, (50, 3)).astype(np.float32)
    expected = Rotation.from_euler("YXZ", degrees, degrees=True).as_matrix()  # capitals: Ry Rx Rz
    np.testing.assert_allclose(label_rotation(degrees), expected, atol=1e-6)


def _write(path: Path, **changed: Any) -> Path:
    arrays: dict[str, Any] = {
        "lm": np.full((4, 78, 2), 0.5, np.float16),
        "pose": np.tile(np.array((10, 0, 0, 3, -2, 60), np.float32), (4, 1)),
        "det": np.array((True, True, False, True)),
    }
    np.savez(path, **{name: value for name, value in (arrays | changed).items() if value is not None})
    return path


def test_a_file_is_read(tmp_path: Path) -> None:
    labels = load_labels(_write(tmp_path / "a.npz"), 256)
    assert len(labels) == 4
    np.testing.assert_allclose(labels.landmarks, 0, atol=1e-6)
    assert labels.detected.tolist() == [True, True, False, True]
    assert _degrees(labels.rotation[1]) == pytest.approx([-10, 0, 0], abs=1e-4)
    centre = 2 * FOCAL * np.array((3 / 60, -2 / 60)) * 256 / 255
    np.testing.assert_allclose(labels.translation[0], (*centre, 0), atol=1e-6)


def test_shares_of_the_picture_count_from_edge_to_edge() -> None:
    middle_of_pixels = np.array(((0.5 / 4, 3.5 / 4), (0.5, 0.5)))
    np.testing.assert_allclose(in_picture(middle_of_pixels, 4), ((-1, 1), (0, 0)), atol=1e-6)


@pytest.mark.parametrize(
    "changed",
    [
        {"lm": None},
        {"lm": np.zeros((4, 68, 2))},
        {"lm": np.float32(1)},
        {"pose": np.zeros((3, 6))},
        {"det": np.ones(5, bool)},
        {"pose": np.zeros((4, 6))},
        {"lm": np.full((4, 78, 2), np.nan)},
        {"lm": np.array([[{}]], object)},
    ],
    ids=["missing", "68 points", "a number", "too short", "too long", "no depth", "nan", "objects"],
)
def test_wrong_labels_are_named(tmp_path: Path, changed: dict[str, Any]) -> None:
    with pytest.raises(MediaError, match=r"a\.npz"):
        load_labels(_write(tmp_path / "a.npz", **changed), 256)


def test_broken_files_are_named(tmp_path: Path) -> None:
    whole = _write(tmp_path / "a.npz").read_bytes()
    for data in (b"", b"not an archive", whole[: len(whole) // 2], b"PK\x03\x04" + b"\0" * 60):
        (tmp_path / "b.npz").write_bytes(data)
        with pytest.raises(MediaError, match=r"b\.npz"):
            load_labels(tmp_path / "b.npz", 256)
    with (tmp_path / "b.npz").open("wb") as stream:
        np.save(stream, np.zeros(3))
    with pytest.raises(MediaError, match=r"b\.npz"):
        load_labels(tmp_path / "b.npz", 256)
    with pytest.raises(MediaError, match="cannot be read"):
        load_labels(tmp_path / "none.npz", 256)


def test_labels_are_as_long_as_their_frames(tmp_path: Path) -> None:
    labels: ClipLabels = load_labels(_write(tmp_path / "a.npz"), 64)
    assert labels.landmarks.dtype == labels.rotation.dtype == labels.translation.dtype == np.float32
    assert labels.rotation.shape == (4, 3, 3)
