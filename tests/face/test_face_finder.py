"""Finding and tracking on real pictures, against MediaPipe's answers and against themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from facewire.base.errors import ShapeError
from facewire.face.detection import Detection
from facewire.face.finder import (
    PRESENCE_THRESHOLD,
    Face,
    FaceFinder,
    cut_tiles,
    face_of,
    level_count,
    prominence,
    square_of_detection,
    square_of_landmarks,
    tile_starts,
)
from facewire.face.profile import profile_points
from facewire.face.region import SquareRegion
from facewire.geometry.pose import rotation_from_degrees

Photo = NDArray[np.uint8]
Reference = dict[str, NDArray[np.float64]]


def resized(photo: Photo, side: int) -> Photo:
    return np.array(Image.fromarray(photo).resize((side, side), Image.Resampling.LANCZOS))


def distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    away: NDArray[np.float64] = np.linalg.norm(a[:, :2] - b[:, :2], axis=1)
    return away


def test_rotated_square_gives_mediapipe_landmarks(
    finder: FaceFinder, astronaut: Photo, reference: Reference
) -> None:
    """Tolerance: MediaPipe samples its squares half a cell off, which moves points by up to 0.3 pixels."""
    square = SquareRegion(225.0, 125.0, 160.0, 0.25)
    landmarks, _ = finder.networks.mesh(square.sample(astronaut, 192))
    pixels = square.to_photo(landmarks.astype(np.float64))
    assert distance(pixels, reference["square_attention"]).max() < 0.6
    assert np.abs(pixels[:, 2] - reference["square_attention"][:, 2]).max() < 0.6


def test_found_face_is_mediapipes(face: Face, reference: Reference) -> None:
    """`tracked` is MediaPipe's answer for a second, equal frame: from the square of the first, like ours."""
    assert distance(face.landmarks, reference["tracked"]).mean() < 0.5
    assert distance(face.landmarks, reference["tracked"]).max() < 1.0
    assert distance(face.landmarks, reference["found"]).mean() < 1.0


def test_detection_is_near_mediapipes(finder: FaceFinder, astronaut: Photo, reference: Reference) -> None:
    """Ours averages where MediaPipe skips pixels, so the detector sees another picture."""
    (detection,) = finder.detect(astronaut)
    assert np.abs(np.array(detection.box) - reference["box"]).max() < 4
    assert detection.score == pytest.approx(float(reference["score"]), abs=0.02)


def test_face_fields(face: Face, astronaut: Photo) -> None:
    assert face.landmarks.shape == (478, 3)
    assert face.presence > 0.99
    assert face.score > 0.9
    left, top, right, bottom = face.box
    assert 60 < top < 80 < 170 < bottom < 190
    assert 170 < left < 190 < 260 < right < 280
    assert face.area == pytest.approx((right - left) * (bottom - top))
    nose, chin = face.landmarks[1], face.landmarks[152]
    assert nose[1] < chin[1]
    assert nose[2] < face.landmarks[:, 2].mean()
    assert face.landmarks[468, 0] < face.landmarks[473, 0]


def test_track_agrees_with_find_and_follows(finder: FaceFinder, astronaut: Photo, face: Face) -> None:
    same = finder.track(astronaut, face)
    assert same is not None
    assert distance(same.landmarks, face.landmarks).mean() < 0.6
    moved = np.roll(astronaut, (6, 9), axis=(0, 1))
    followed = finder.track(moved, face)
    assert followed is not None
    assert distance(followed.landmarks, same.landmarks + np.array((9, 6, 0))).mean() < 1.5
    assert followed.score == face.score


def test_track_notices_that_the_face_is_gone(finder: FaceFinder, astronaut: Photo, face: Face) -> None:
    assert finder.track(np.full_like(astronaut, 90), face) is None
    away = replace(face, landmarks=face.landmarks + np.array((220, 300, 0)))
    assert finder.track(astronaut, away) is None


@pytest.mark.slow
@pytest.mark.parametrize("side", [300, 140])
def test_small_face_in_a_large_picture(finder: FaceFinder, astronaut: Photo, face: Face, side: int) -> None:
    canvas = np.full((1200, 1600, 3), 127, np.uint8)
    canvas[700 : 700 + side, 1000 : 1000 + side] = resized(astronaut, side)
    (found,) = finder.find(canvas)
    at_full_size = (found.landmarks - (1000, 700, 0)) * (512 / side)
    assert distance(at_full_size, face.landmarks).mean() < 4.5


@pytest.mark.parametrize("degrees", [-45, 30, 75])
def test_tilted_face(finder: FaceFinder, astronaut: Photo, face: Face, degrees: float) -> None:
    turned = np.array(Image.fromarray(astronaut).rotate(degrees, Image.Resampling.BICUBIC))
    (found,) = finder.find(turned)
    angle = np.deg2rad(-degrees)
    matrix = np.array(((np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))))
    expected = (face.landmarks[:, :2] - 256) @ matrix + 256
    assert distance(found.landmarks, expected).mean() < 2.5


def test_grey_picture(finder: FaceFinder, astronaut: Photo, face: Face) -> None:
    grey = np.array(Image.fromarray(astronaut).convert("L").convert("RGB"))
    (found,) = finder.find(grey)
    assert distance(found.landmarks, face.landmarks).mean() < 1.5


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket", "colorwheel", "brick", "cell", "coins"])
def test_pictures_without_a_face(finder: FaceFinder, name: str) -> None:
    picture = np.array(getattr(skimage.data, name)())
    if picture.ndim == 2:
        picture = np.stack([picture] * 3, axis=-1)
    assert finder.find(picture[..., :3].astype(np.uint8)) == []


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 700, 3), (40, 2, 3)])
def test_degenerate_pictures(finder: FaceFinder, shape: tuple[int, int, int]) -> None:
    assert finder.find(np.full(shape, 200, np.uint8)) == []


def test_several_faces_largest_first(finder: FaceFinder, astronaut: Photo) -> None:
    """Faces of 64, 109 and 51 pixels in a picture 1100 wide."""
    canvas = np.zeros((512, 1100, 3), np.uint8)
    canvas[:300, :300] = resized(astronaut, 300)
    canvas[:, 300:812] = astronaut
    canvas[100:340, 840:1080] = resized(astronaut, 240)
    found = finder.find(canvas)
    assert [round(f.box[0] / 100) for f in found] == [5, 1, 9]
    assert found[0].area > found[1].area > found[2].area


def test_prominence_by_hand(face: Face) -> None:
    """Half outside leaves a 64th; a head that looks to the side counts by the square of the cosine."""
    left, _, right, _ = face.box
    whole = prominence(face, 512, 512)
    assert 0.8 * face.area < whole <= face.area
    assert prominence(face, 512, round((left + right) / 2)) == pytest.approx(whole / 64, rel=0.1)
    aside = face.landmarks @ rotation_from_degrees(60, 0, 0).double().numpy().T
    turned = replace(face, landmarks=aside)
    assert prominence(turned, 512, 512) < 0.5 * whole


def test_a_face_cut_by_the_border_is_not_the_first(finder: FaceFinder, astronaut: Photo) -> None:
    """The one at the border is twice as tall, and a third of it is outside."""
    canvas = np.full((600, 1000, 3), 90, np.uint8)
    canvas[100:612, 500:1000] = astronaut[: 600 - 100, 12:]
    large = np.array(Image.fromarray(astronaut).resize((1000, 1000), Image.Resampling.LANCZOS))
    canvas[:, :140] = large[:600, 400:540]
    found = finder.find(canvas)
    assert found[0].box[0] > 500


@pytest.mark.slow
def test_small_faces_the_detector_is_not_sure_of_are_looked_at_nearer(
    finder: FaceFinder, astronaut: Photo
) -> None:
    """At the limit of its resolution the detector places eyes anywhere, and the mesh sees nothing there."""
    canvas = np.full((720, 1280, 3), 127, np.uint8)
    canvas[300:540, 700:940] = resized(astronaut, 240)
    (true,) = finder.find(canvas)
    left, top, right, bottom = true.box
    unsure = Detection((left + 12, top + 20, right + 12, bottom), np.full((6, 2), 5.0), 0.51)
    seen = finder._nearer(canvas, unsure)
    assert np.abs(square_of_detection(seen).x - square_of_landmarks(true.landmarks).x) < 0.1 * seen.area**0.5
    assert finder._describe(canvas, unsure, profiles=False) is not None


@pytest.mark.slow
def test_a_head_that_only_the_detector_sees_is_found_as_a_profile(
    astronaut: Photo, face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = FaceFinder()
    monkeypatch.setattr(blind, "_mesh_in", lambda *_: None)
    assert blind.find(astronaut) == []
    (seen,) = blind.find(astronaut, profiles=True)
    assert seen.landmarks.shape == (478, 3)
    assert seen.presence < PRESENCE_THRESHOLD
    assert seen.box[1] == pytest.approx(face.box[1], abs=0.25 * (face.box[3] - face.box[1]))
    assert seen.box[3] == pytest.approx(face.box[3], abs=0.25 * (face.box[3] - face.box[1]))
    assert blind.find(np.array(skimage.data.coffee()), profiles=True) == []


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_profile_points_by_hand(side: float) -> None:
    """Eyes in one place, the mouth 40 below them, the ear behind: the nose points away from the ear."""
    keypoints = np.array(
        [(100, 80), (100, 80), (100 + side * 20, 100), (100, 120), (100 - side * 60, 95)] * 2
    )[[0, 1, 2, 3, 4, 4]].astype(float)
    points = profile_points(Detection((60.0, 60.0, 140.0, 140.0), keypoints, 0.9))
    assert np.sign(points[1, 0] - points[[234, 454], 0].mean()) == side
    eyes, mouth = points[[33, 133, 263, 362]].mean(axis=0), points[[13, 14]].mean(axis=0)
    assert mouth[1] - eyes[1] == pytest.approx(40)
    assert (eyes[1] + mouth[1]) / 2 == pytest.approx(100)


def test_find_is_deterministic_and_leaves_the_photo_alone(
    finder: FaceFinder, astronaut: Photo, face: Face
) -> None:
    photo = astronaut.copy()
    photo.flags.writeable = False
    (again,) = finder.find(photo)
    np.testing.assert_array_equal(again.landmarks, face.landmarks)
    np.testing.assert_array_equal(photo, astronaut)


@pytest.mark.parametrize(
    "photo",
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8, 3), np.float32),
        np.zeros((0, 8, 3), np.uint8),
    ],
)
def test_other_arrays_are_refused(finder: FaceFinder, photo: Photo, face: Face) -> None:
    with pytest.raises(ShapeError, match="photo"):
        finder.find(photo)
    with pytest.raises(ShapeError, match="photo"):
        finder.track(photo, face)


def test_squares_by_hand() -> None:
    landmarks = np.zeros((478, 3))
    landmarks[:, :2] = (100.0, 50.0)
    landmarks[33, :2], landmarks[263, :2] = (80.0, 40.0), (120.0, 80.0)
    square = square_of_landmarks(landmarks)
    assert (square.x, square.y, square.side) == (100.0, 60.0, 60.0)
    assert square.angle == pytest.approx(np.pi / 4)
    assert face_of(landmarks, 0.5, 0.6).box == (80.0, 40.0, 120.0, 80.0)


def test_square_of_detection_is_level_with_the_eyes(finder: FaceFinder, astronaut: Photo) -> None:
    (detection,) = finder.detect(astronaut)
    square = square_of_detection(detection)
    assert square.side == pytest.approx(1.5 * (detection.box[3] - detection.box[1]), rel=0.01)
    assert 0 < np.rad2deg(square.angle) < 10


def test_upright_square_of_whole_cells_is_a_plain_cut(astronaut: Photo) -> None:
    square = SquareRegion(200.0, 150.0, 64.0, 0.0)
    picture = square.sample(astronaut, 64).transpose(1, 2, 0) * 255
    np.testing.assert_allclose(picture, astronaut[118:182, 168:232], atol=1e-2)


def test_large_square_is_averaged(astronaut: Photo) -> None:
    picture = SquareRegion(256.0, 256.0, 512.0, 0.0).sample(astronaut, 64)
    blocks = astronaut.reshape(64, 8, 64, 8, 3).mean(axis=(1, 3)) / 255
    np.testing.assert_allclose(picture.transpose(1, 2, 0), blocks, atol=1e-4)


def test_square_maps_its_corners_back() -> None:
    square = SquareRegion(10.0, 20.0, 4.0, np.pi / 2)
    corners = np.array([(0.0, 0.0, 0.5), (1.0, 0.0, 0.0), (0.5, 0.5, 0.0)])
    expected = [(12.0, 18.0, 2.0), (12.0, 22.0, 0.0), (10.0, 20.0, 0.0)]
    np.testing.assert_allclose(square.to_photo(corners), expected, atol=1e-9)


def test_tiles_cover_the_picture() -> None:
    assert tile_starts(128) == [0]
    assert tile_starts(256) == [0, 64, 128]
    assert tile_starts(130) == [0, 2]
    photo = np.full((300, 400, 3), 255, np.uint8)
    tiles, corners, scale = cut_tiles(photo, 0)
    assert tiles.shape == (1, 3, 128, 128)
    assert corners == [(0, -16)]
    assert scale == pytest.approx(400 / 128)
    assert tiles[0, 0, :16].sum() == 0
    assert tiles[0, 0, 16:112].min() == 1
    assert level_count(photo) == 2
    assert level_count(np.zeros((1200, 1600, 3), np.uint8)) == 4
