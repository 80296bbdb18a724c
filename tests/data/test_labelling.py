"""Labels made by our own face finder, on an astronaut who moves through the picture."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from numpy.typing import NDArray

from facewire.base.errors import NoFaceFound
from facewire.data.clips import open_clip
from facewire.data.labelling import label_frames, nearest_seen, stored_labels
from facewire.data.labels import in_picture
from facewire.face.crop import CropBox, crop
from facewire.face.expression import SEVENTY_EIGHT
from facewire.face.finder import Face, FaceFinder
from facewire.face.pose import head_pose
from facewire.media.frame import Frame
from facewire.media.video import VideoWriter

Pixels = NDArray[np.uint8]

SIDE = 160
BOXES = (CropBox(120, 0, 220), CropBox(126, 4, 220), CropBox(132, 8, 220), CropBox(138, 12, 220))
BLANK = (0, 3)
"""Frames without a face: the first one, and one in the middle."""


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder()


@pytest.fixture(scope="module")
def astronaut() -> Pixels:
    pictures: Any = skimage.data
    return np.array(pictures.astronaut(), np.uint8)


@pytest.fixture(scope="module")
def face(finder: FaceFinder, astronaut: Pixels) -> Face:
    return finder.find(astronaut)[0]


@pytest.fixture(scope="module")
def frames(astronaut: Pixels) -> Pixels:
    """Blank, two frames, blank, two frames."""
    shown = [crop(astronaut, box, SIDE) for box in BOXES]
    blank = np.full_like(shown[0], 128)
    return np.stack((blank, *shown[:2], blank, *shown[2:]))


def test_landmarks_and_pose_are_those_of_the_face(frames: Pixels, face: Face, finder: FaceFinder) -> None:
    labels = label_frames(frames, Path("a.mp4"), finder)
    assert labels.detected.tolist() == [number not in BLANK for number in range(6)]
    wanted = head_pose(torch.from_numpy(face.landmarks))
    for number, box in zip((1, 2, 4, 5), BOXES, strict=True):
        places = in_picture(box.relative(face.landmarks)[list(SEVENTY_EIGHT), :2], SIDE)
        assert np.abs(labels.landmarks[number] - places).mean() < 0.015  # one pixel of 160
        centre = (wanted.translation[:2].numpy() - (box.left, box.top)) / box.side
        np.testing.assert_allclose(labels.translation[number, :2], in_picture(centre, SIDE), atol=0.03)
        cosine = (np.trace(labels.rotation[number].T @ wanted.rotation.numpy()) - 1) / 2
        assert np.degrees(np.arccos(min(1.0, cosine))) < 4
    assert (labels.translation[:, 2] == 0).all()


def test_frames_without_a_face_take_the_nearest_labels(frames: Pixels, finder: FaceFinder) -> None:
    labels = label_frames(frames, Path("a.mp4"), finder)
    for blank, neighbour in ((0, 1), (3, 2)):
        np.testing.assert_array_equal(labels.landmarks[blank], labels.landmarks[neighbour])
        np.testing.assert_array_equal(labels.rotation[blank], labels.rotation[neighbour])


def test_the_nearest_of_two_is_taken_and_the_earlier_of_equals() -> None:
    assert nearest_seen(np.array((2, 4, 9)), 12).tolist() == [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2]
    assert nearest_seen(np.array((3,)), 5).tolist() == [0] * 5


def test_a_clip_without_a_face_is_refused(finder: FaceFinder) -> None:
    with pytest.raises(NoFaceFound, match=r"a\.mp4"):
        label_frames(np.full((2, 64, 64, 3), 128, np.uint8), Path("a.mp4"), finder)


class _Counting(FaceFinder):
    """A finder that counts the frames it looks at."""

    def __init__(self) -> None:
        super().__init__()
        self.looked = 0

    def find(self, photo: Pixels, *, profiles: bool = False) -> list[Face]:
        self.looked += 1
        return super().find(photo, profiles=profiles)


def test_labels_are_made_once(frames: Pixels, tmp_path: Path) -> None:
    finder, stored = _Counting(), tmp_path / "a.safetensors"
    seen: list[int] = []
    first = stored_labels(frames[:2], stored, Path("a.mp4"), finder, seen.append)
    assert seen == [1, 2]
    looked = finder.looked
    again = stored_labels(frames[:2], stored, Path("a.mp4"), finder)
    assert finder.looked == looked
    np.testing.assert_array_equal(again.landmarks, first.landmarks)
    np.testing.assert_array_equal(again.detected, first.detected)
    assert again.detected.dtype == bool
    stored.write_bytes(stored.read_bytes()[:-3])
    repaired = stored_labels(frames[:2], stored, Path("a.mp4"), finder)
    assert finder.looked > looked
    np.testing.assert_array_equal(repaired.rotation, first.rotation)
    longer = stored_labels(frames[:3], stored, Path("a.mp4"), finder)
    assert len(longer) == 3


def test_a_clip_without_labels_becomes_a_labelled_one(frames: Pixels, tmp_path: Path) -> None:
    video = tmp_path / "plain.mp4"
    with VideoWriter(video, (SIDE, SIDE), Fraction(25)) as writer:
        for number, pixels in enumerate(frames):
            writer.write(Frame(np.ascontiguousarray(pixels), number, Fraction(1, 25)))
    seen: list[str] = []
    clip = open_clip(video, tmp_path, SIDE, FaceFinder, lambda stage, done, total: seen.append(stage))
    assert clip.labels.detected.sum() == 4
    assert set(seen) == {"labels of plain.mp4"}
    assert len(list(tmp_path.glob("plain-*.labels1.safetensors"))) == 1
