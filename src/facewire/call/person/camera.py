"""From camera pictures to head crops, live: one square that stands still as long as the head stays in it.

every picture      -> crop with the square as it is                                             quick
every few pictures -> face followed -> square glides after a head that leaves its middle        slow
once a second      -> all faces counted: a second person?                                       slow

One thread may look while another cuts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facewire.face.crop import FACE_SHARE, CropBox, crop
from facewire.face.detection import Detection
from facewire.face.finder import Face, FaceFinder
from facewire.face.relatives.framing import Framing, upright_box
from facewire.media.frame import Pixels

LOOK_SECONDS = 0.4
"""Between looks at where the face is."""
COUNT_SECONDS = 1.0
"""Between counts of all faces."""
FAR = 0.12
"""A head whose middle is further off, in sides of the square, makes the square glide."""
SIZES = (0.8, 1.3)
"""So do faces smaller or larger than this, relative to what the square is made for."""
GLIDE = 0.25
"""Share of the way that the square glides at each look."""
SECOND_SHARE = 0.35
"""A second face counts if its height is at least this share of the first one's."""
SURE = 0.8
"""Least score of a second face: pictures on a wall at the limit of the detector's resolution do not count."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What the camera sees.

    crop   the head, (S, S, 3)
    faces  at the last count
    found  whether a face was found at all
    box    what `crop` is of the picture
    """

    crop: Pixels
    faces: int
    found: bool
    box: CropBox


class Camera:
    """Follows one person's head through live pictures.

    Args:
        finder: the face finder.
        size: side of the crops, pixels.
        framing: how squares are laid; None: as ours.
    """

    def __init__(self, finder: FaceFinder, size: int, framing: Framing | None = None) -> None:
        self._finder, self._size, self._framing = finder, size, framing
        self._face: Face | None = None
        self._square: np.ndarray | None = None
        self._faces = 0
        self._looked = self._counted = float("-inf")
        self._shape: tuple[int, int] = (0, 0)

    @property
    def face(self) -> Face | None:
        """The face at the last look, in pixels of the picture; None if there was none."""
        return self._face

    @property
    def faces(self) -> int:
        """How many there were at the last count."""
        return self._faces

    def cut(self, picture: Pixels) -> Sight:
        """Return the head crop of a picture (H, W, 3); where no face was ever seen, its middle."""
        height, width = picture.shape[:2]
        box = self.box if self._shape == (height, width) else _middle(height, width)
        return Sight(crop(picture, box, self._size), self._faces, self._face is not None, box)

    def due(self, now: float) -> bool:
        """Say whether it is time for a look."""
        return now - self._looked >= LOOK_SECONDS or now - self._counted >= COUNT_SECONDS

    def look(self, picture: Pixels, now: float) -> None:
        """See where the face is, if it is time."""
        if picture.shape[:2] != self._shape:
            self._shape, self._square, self._face = picture.shape[:2], None, None
            self._looked = self._counted = float("-inf")
        if now - self._counted >= COUNT_SECONDS:
            self._count(picture)
            self._counted = self._looked = now
            self._glide()
        elif now - self._looked >= LOOK_SECONDS:
            self._face = None if self._face is None else self._finder.track(picture, self._face)
            self._looked = now
            self._glide()

    @property
    def box(self) -> CropBox:
        """The square as it is."""
        square = self._square
        if square is None:
            return _middle(*self._shape)
        x, y, side = square
        return CropBox(round(x - side / 2), round(y - side / 2), max(1, round(side)))

    def _count(self, picture: Pixels) -> None:
        """Follow the face, or look for it anew, and count all faces; the whole search runs only without a face."""
        face = None if self._face is None else self._finder.track(picture, self._face)
        if face is None:
            faces = self._finder.find(picture)
            self._face, self._faces = faces[0] if faces else None, len(faces)
            return
        tall = SECOND_SHARE * (face.box[3] - face.box[1])
        others = [d for d in self._finder.detect(picture) if d.score >= SURE and d.box[3] - d.box[1] >= tall]
        self._face, self._faces = face, 1 + sum(not _inside(face, detection) for detection in others)

    def _glide(self) -> None:
        if self._face is None:
            return
        box = upright_box(self._face, self._framing, *self._shape)
        goal = np.array((box.left + box.side / 2, box.top + box.side / 2, box.side), float)
        if self._square is None:
            self._square = self._whole() if self._is_head_crop() else goal
            return
        away = float(np.abs(goal[:2] - self._square[:2]).max()) / float(self._square[2])
        size = float(goal[2] / self._square[2])
        if away > FAR or not SIZES[0] <= size <= SIZES[1]:
            self._square = self._square + GLIDE * (goal - self._square)

    def _is_head_crop(self) -> bool:
        """Say whether the picture is a head crop already: square, the face about as tall as in ours."""
        height, width = self._shape
        face = self._face
        if face is None or abs(height - width) > 0.02 * width:
            return False
        share = (face.box[3] - face.box[1]) / height
        return 0.8 * FACE_SHARE <= share <= 1.3 * FACE_SHARE

    def _whole(self) -> np.ndarray:
        height, width = self._shape
        return np.array((width / 2, height / 2, min(height, width)), float)


def _middle(height: int, width: int) -> CropBox:
    """Return the largest square in the middle of a picture."""
    side = min(height, width)
    return CropBox((width - side) // 2, (height - side) // 2, side)


def _inside(face: Face, detection: Detection) -> bool:
    """Say whether the middle of a detection lies in a face's box."""
    x0, y0, x1, y1 = (float(value) for value in detection.box)
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    return face.box[0] <= x <= face.box[2] and face.box[1] <= y <= face.box[3]
