"""Finding faces in photographs, and following one through a video.

    find:   photograph -> detector, coarse to fine -> square around each face -> mesh, repeated
                       -> detector again, close up, where it was not sure      -> faces, prominent first
    track:  photograph, face of the frame before   -> square around its mesh  -> mesh -> face or None

The square is 1.5 times the face and turned so that the line between the eyes is horizontal. A square from
the detector is only roughly right, so the mesh is computed again in the square around the first mesh, as
`track` does, until the square stands still; a still and a video's frames are therefore treated alike.

Source of the geometry: MediaPipe's face landmark graphs (Apache-2.0), in own words.

Knows nothing about files, head pose or the project's crop.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from facewire.base.errors import ShapeError
from facewire.face.backend import FaceNetworks, Floats, in_torch
from facewire.face.detection import BLAZE_INPUT_SIZE, Detection, detections_of, intersection_over_smaller
from facewire.face.mesh_points import MESH_INPUT_SIZE
from facewire.face.pose import head_pose
from facewire.face.profile import profile_points, upright_square
from facewire.face.region import SquareRegion
from facewire.face.resize import resized

FACE_MARGIN = 1.5
"""Side of the square shown to the mesh network, relative to the face."""

PRESENCE_THRESHOLD = 0.5
"""Probability below which the mesh network's answer is not a face."""

MOST_LEVELS = 4
"""Levels of the pyramid: the whole picture, then pieces of a half, a quarter, an eighth of its side."""

FREE_LEVELS = 2
"""Levels that are looked at even if the picture has to be enlarged for them."""

RELIABLE_SHARE = 0.125
"""Least height of a face, relative to the side of what the detector is shown, that it finds reliably."""

RELATIVE_SIZE = 0.5
"""A search goes on to finer levels until faces of this height, relative to the largest, would be found."""

MOST_PASSES = 4
"""Times the mesh is computed at most before its square is taken as it is; usually twice."""

SETTLED_ANGLE = math.radians(5)
SETTLED_SHARE = 0.05
"""A square stands still if it turns by less than the angle, and moves and grows by less than this share."""

SURE_SCORE = 0.9
"""A detection with a lower score is looked at again, close up. Of things that are no face none had more than 0.85
(docs/lab/2026-11-29-finder.md)."""

CLOSE_UP_MARGINS = (2.0, 2.6, 3.4)
"""Sides of the close-ups, relative to the face: what only looks like one does so at one size."""

CLOSE_UP_SCORE = 0.7
"""Least mean score of the close-ups. Things that are no face reached 0.68, portraits had 0.74 or more."""

NEARER_MARGIN = 2.6
"""Side of the close-up in which a detection is made again, relative to its box."""

SECOND_SCORE = 0.78
"""Least mean score of the close-ups of a face that the mesh sees only at the second look."""

PROFILE_SCORE = 0.75
"""Least score, at the first look and close up, of a head that only the detector sees. Things that are no face had
less than 0.65 and 0.70."""

LEAST_SCORE = 0.05
"""A close-up in which the detector sees less counts as nothing."""

CENTRAL = 0.2
"""How far from its centre, relative to its side, the face may lie in the close-up."""

CUT_POWER, TURN_POWER = 6, 2
"""How much a face loses that the border cuts, by the share of its box that is inside, and that is turned away, by the
cosine of its angle: a fifth cut off costs three quarters, 45 degrees half."""

SAME_FACE = 0.5
"""Two boxes are one face if they share this part of the smaller one."""

BATCH = 16
"""Tiles given to the detector at once, so that memory stays small."""

EYE_CORNERS = (33, 263)
"""Outer corners of the eye on the left of the picture and of the one on the right."""


@dataclass(frozen=True, slots=True)
class Face:
    """One face, in pixels of the photograph.

    Attributes:
        box: left, top, right, bottom of all mesh points (forehead to chin, cheek to cheek).
        score: the detector's probability, the mean over the close-ups if there were any; a tracked face carries that
            of its first frame.
        landmarks: [478, 3] float64, x right, y down, z away from the camera in the same unit; points 468
            to 472 are the iris on the left of the picture, 473 to 477 the other one, centre first.
        presence: the mesh network's probability that this is a face.
    """

    box: tuple[float, float, float, float]
    score: float
    landmarks: NDArray[np.float64]
    presence: float

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])


class FaceFinder:
    """Detector and mesh together, loaded once.

    Args:
        networks: what runs both; None loads them in torch.
    """

    def __init__(self, networks: FaceNetworks | None = None) -> None:
        self.networks = networks or in_torch()

    def find(self, photo: NDArray[np.uint8], *, profiles: bool = False) -> list[Face]:
        """Find all faces of a photograph.

        Every face at least half as tall as the largest is looked for, down to about a fiftieth of the
        picture's longer side.

        Args:
            photo: [H, W, 3] uint8 RGB.
            profiles: also return heads seen from the side, in which the detector sees a face and the mesh network
                none: their `presence` is below PRESENCE_THRESHOLD, and their points are an average face's.

        Returns:
            Faces, most prominent first (`prominence`); an empty list if there is none.
        """
        check_photo(photo)
        faces: list[Face] = []
        reliable = RELIABLE_SHARE * max(photo.shape[:2])
        for level in range(level_count(photo)):
            tallest = max((face.box[3] - face.box[1] for face in faces), default=0.0)
            if RELATIVE_SIZE * tallest > reliable * 2 / 2**level:
                break
            new = [d for d in self.detect(photo, level) if not _known(d.box, [face.box for face in faces])]
            for face in (self._describe(photo, detection, profiles) for detection in new):
                if face is not None and not _known(face.box, [known.box for known in faces]):
                    faces.append(face)
        return sorted(faces, key=lambda face: prominence(face, *photo.shape[:2]), reverse=True)

    def track(self, photo: NDArray[np.uint8], previous: Face) -> Face | None:
        """Find the face of the frame before in this frame, without the detector.

        Args:
            photo: [H, W, 3] uint8 RGB.
            previous: the face where it was one frame ago.

        Returns:
            The face, or None if it is not there any more (then call `find`).
        """
        check_photo(photo)
        return self._mesh_in(photo, square_of_landmarks(previous.landmarks), previous.score)

    def detect(self, photo: NDArray[np.uint8], level: int = 0) -> list[Detection]:
        """Run the detector on one level of the pyramid.

        Args:
            photo: [H, W, 3] uint8 RGB.
            level: 0 shows the whole picture at once, each further level pieces of half the size.

        Returns:
            Detections in pixels of the photograph, best first, no two of the same face.
        """
        tiles, corners, scale = cut_tiles(photo, level)
        found = []
        for start in range(0, len(tiles), BATCH):
            batch = tiles[start : start + BATCH]
            outputs = zip(*self.networks.detect(batch), corners[start : start + BATCH], strict=True)
            for logits, places, (left, top) in outputs:
                found += [d.moved(scale, left * scale, top * scale) for d in detections_of(logits, places)]
        kept: list[Detection] = []
        for detection in sorted(found, key=lambda d: d.score, reverse=True):
            if not _known(detection.box, [k.box for k in kept]):
                kept.append(detection)
        return kept

    def _describe(self, photo: NDArray[np.uint8], detection: Detection, profiles: bool) -> Face | None:
        """Return the face of a detection; None if it is no face after all."""
        face = self._settled(photo, detection)
        if face is None:
            return self._second_look(photo, self._nearer(photo, detection), profiles)
        return self._confirmed(photo, face)

    def _second_look(self, photo: NDArray[np.uint8], detection: Detection, profiles: bool) -> Face | None:
        """Return the face of a detection in which the mesh saw nothing at first, now made nearer."""
        face = self._settled(photo, detection)
        if face is None:
            return self._profile(photo, detection) if profiles else None
        score = self._close_up(photo, square_of_landmarks(face.landmarks))
        return replace(face, score=score) if score >= SECOND_SCORE else None

    def _settled(self, photo: NDArray[np.uint8], detection: Detection) -> Face | None:
        """Compute the mesh of a detection until its square stands still; None if it sees no face."""
        square = square_of_detection(detection)
        face = self._mesh_in(photo, square, detection.score)
        for _ in range(MOST_PASSES - 1):
            if face is None:
                break
            before, square = square, square_of_landmarks(face.landmarks)
            if _is_settled(before, square):
                break
            face = self._mesh_in(photo, square, detection.score)
        return face

    def _nearer(self, photo: NDArray[np.uint8], detection: Detection) -> Detection:
        """Return the detection as a close-up shows it: one of a few pixels has its key points anywhere."""
        x0, y0, x1, y1 = detection.box
        square = SquareRegion((x0 + x1) / 2, (y0 + y1) / 2, NEARER_MARGIN * max(x1 - x0, y1 - y0), 0.0)
        logits, places = self.networks.detect(square.sample(photo, BLAZE_INPUT_SIZE)[None])
        seen = [d for d in detections_of(logits[0], places[0]) if _is_central(d)]
        if not seen:
            return detection
        left, top = square.x - square.side / 2, square.y - square.side / 2
        return seen[0].moved(square.side / BLAZE_INPUT_SIZE, left, top)

    def _profile(self, photo: NDArray[np.uint8], detection: Detection) -> Face | None:
        """Return a detection without a mesh as a head seen from the side, if the detector is sure."""
        if detection.score < PROFILE_SCORE:
            return None
        score = self._close_up(photo, upright_square(detection, FACE_MARGIN))
        return face_of(profile_points(detection), score, 0.0) if score >= PROFILE_SCORE else None

    def _confirmed(self, photo: NDArray[np.uint8], face: Face) -> Face | None:
        """Look at a doubtful face close up; return it with its new score, or None if it is none."""
        if face.score >= SURE_SCORE:
            return face
        score = self._close_up(photo, square_of_landmarks(face.landmarks))
        return replace(face, score=score) if score >= CLOSE_UP_SCORE else None

    def _close_up(self, photo: NDArray[np.uint8], square: SquareRegion) -> float:
        """Return the detector's mean score over close-ups of the face in a mesh square."""
        squares = [replace(square, side=square.side * margin / FACE_MARGIN) for margin in CLOSE_UP_MARGINS]
        pictures = np.stack([one.sample(photo, BLAZE_INPUT_SIZE) for one in squares])
        scores = []
        for logits, places in zip(*self.networks.detect(pictures), strict=True):
            central = [d.score for d in detections_of(logits, places, LEAST_SCORE) if _is_central(d)]
            scores.append(max(central, default=0.0))
        return sum(scores) / len(scores)

    def _mesh_in(self, photo: NDArray[np.uint8], square: SquareRegion, score: float) -> Face | None:
        """Run the mesh network on a square; None where it sees no face."""
        landmarks, logit = self.networks.mesh(square.sample(photo, MESH_INPUT_SIZE))
        presence = 1 / (1 + math.exp(-logit))
        if presence < PRESENCE_THRESHOLD:
            return None
        return face_of(square.to_photo(landmarks.astype(np.float64)), score, presence)


def face_of(landmarks: NDArray[np.float64], score: float, presence: float) -> Face:
    """Build a face from its mesh in pixels of the photograph."""
    x0, y0 = landmarks[:, :2].min(axis=0).tolist()
    x1, y1 = landmarks[:, :2].max(axis=0).tolist()
    return Face((x0, y0, x1, y1), score, landmarks, presence)


def prominence(face: Face, height: int, width: int) -> float:
    """Say how much a face is the one that a picture is about: its area in square pixels, less where it is cut by the
    border of the picture or turned away.

    Args:
        face: one face.
        height: of the picture in pixels.
        width: of the picture in pixels.
    """
    left, top, right, bottom = face.box
    across = max(0.0, min(right, width) - max(left, 0.0))
    down = max(0.0, min(bottom, height) - max(top, 0.0))
    inside = across * down / face.area if face.area else 0.0
    towards_us = float(head_pose(face.landmarks).rotation[2, 2])
    return face.area * inside**CUT_POWER * max(0.0, towards_us) ** TURN_POWER


def square_of_detection(detection: Detection) -> SquareRegion:
    """Choose the square for the mesh around a detection: 1.5 times its box, eyes horizontal."""
    return _square(detection.box, detection.keypoints[0], detection.keypoints[1])


def square_of_landmarks(landmarks: NDArray[np.float64]) -> SquareRegion:
    """Choose the square for the mesh around an earlier mesh [478, 3] in pixels."""
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    left, right = (landmarks[corner, :2] for corner in EYE_CORNERS)
    return _square((low[0], low[1], high[0], high[1]), left, right)


def _square(
    box: tuple[float, float, float, float], left: NDArray[np.float64], right: NDArray[np.float64]
) -> SquareRegion:
    x0, y0, x1, y1 = (float(value) for value in box)
    angle = math.atan2(float(right[1] - left[1]), float(right[0] - left[0]))
    return SquareRegion((x0 + x1) / 2, (y0 + y1) / 2, FACE_MARGIN * max(x1 - x0, y1 - y0), angle)


def level_count(photo: NDArray[np.uint8]) -> int:
    """Count the levels worth looking at: beyond the first two the picture is not enlarged."""
    longer = max(photo.shape[:2])
    levels = FREE_LEVELS
    while levels < MOST_LEVELS and BLAZE_INPUT_SIZE << levels <= longer:
        levels += 1
    return levels


def cut_tiles(photo: NDArray[np.uint8], level: int) -> tuple[Floats, list[tuple[int, int]], float]:
    """Resize a photograph and cut it into overlapping squares for the detector.

    Args:
        photo: [H, W, 3] uint8.
        level: the longer side becomes 128 * 2 ** level pixels.

    Returns:
        tiles: [N, 3, 128, 128] float32 in [0, 1], black where there is no picture.
        corners: left and top of each tile in the resized picture; negative where a margin was added.
        scale: photograph pixels per pixel of the resized picture.
    """
    height, width = photo.shape[:2]
    longer = BLAZE_INPUT_SIZE << level
    scale = max(height, width) / longer
    size = (max(1, round(width / scale)), max(1, round(height / scale)))
    small = resized(photo, size[1], size[0])
    margins = [max(0, BLAZE_INPUT_SIZE - length) for length in size]
    left, top = margins[0] // 2, margins[1] // 2
    padded = np.pad(small, ((top, margins[1] - top), (left, margins[0] - left), (0, 0)))
    places = [(x, y) for y in tile_starts(padded.shape[0]) for x in tile_starts(padded.shape[1])]
    side = BLAZE_INPUT_SIZE
    tiles = np.stack([padded[y : y + side, x : x + side] for x, y in places])
    shares = tiles.transpose(0, 3, 1, 2).astype(np.float32) / 255
    return np.asarray(shares, np.float32), [(x - left, y - top) for x, y in places], scale


def tile_starts(length: int) -> list[int]:
    """Spread tiles of 128 over `length` pixels so that neighbours share at least half of each."""
    spare = length - BLAZE_INPUT_SIZE
    count = math.ceil(spare / (BLAZE_INPUT_SIZE // 2)) + 1
    starts = [round(value) for value in np.linspace(0, spare, count)]
    if any(b - a > BLAZE_INPUT_SIZE // 2 for a, b in pairwise(starts)):
        raise AssertionError("tiles leave a gap")
    return starts


def check_photo(photo: NDArray[np.uint8]) -> None:
    """Raise `ShapeError` unless the photograph is [H, W, 3] uint8 with at least one pixel."""
    if photo.ndim != 3 or photo.shape[2] != 3 or 0 in photo.shape or photo.dtype != np.uint8:
        raise ShapeError("photo", f"[H, W, 3] uint8, not {photo.dtype}", photo.shape)


def _is_settled(before: SquareRegion, after: SquareRegion) -> bool:
    """Say whether two squares are so similar that the network would see the same in both."""
    turn = abs(math.remainder(after.angle - before.angle, math.tau))
    move = max(abs(after.x - before.x), abs(after.y - before.y), abs(after.side - before.side))
    return turn < SETTLED_ANGLE and move < SETTLED_SHARE * before.side


def _is_central(detection: Detection) -> bool:
    """Say whether a detection in a 128 x 128 picture lies in its middle."""
    x0, y0, x1, y1 = detection.box
    centre, reach = BLAZE_INPUT_SIZE / 2, CENTRAL * BLAZE_INPUT_SIZE
    return abs((x0 + x1) / 2 - centre) < reach and abs((y0 + y1) / 2 - centre) < reach


def _known(box: tuple[float, float, float, float], others: list[tuple[float, float, float, float]]) -> bool:
    """Say whether `box` is the same face as one of the others."""
    if not others:
        return False
    return bool((intersection_over_smaller(np.array(box), np.array(others)) > SAME_FACE).any())
