"""A person to animate: the head's crop that the networks see, and the picture that is shown of it.

photo --crop--> picture 256 --> identity        what moves
      --limited to --size --> composer          the whole photo, shown by default
      --the square at --size --> composer       the head alone
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facewire.animation.composition.composer import Composer
from facewire.animation.composition.turned_composer import TurnedComposer
from facewire.base.errors import ConfigError
from facewire.engines.engine import Layers, Prepared
from facewire.face.crop import CENTRE_SHARE, FACE_SHARE, CropBox
from facewire.face.finder import EYE_CORNERS, Face
from facewire.face.region import SquareRegion
from facewire.face.relatives.framing import scaled
from facewire.media.frame import Pixels
from facewire.media.image import resize

if TYPE_CHECKING:
    from facewire.networks.types import Identity

OWN = "own"
"""A size: the photo's own."""
TILTED = math.radians(12)
"""Heads that are tilted further have a square that is tilted with them: networks know upright heads best."""
LONGEST = 1920
"""Longest side of a whole picture if nothing else is asked for."""
SMALLEST, LARGEST = 16, 8192
"""Of a size that can be asked for, in pixels."""

ROOMY_SHARE = 0.47
"""Height of the face relative to the square's side where hair would be cut off by the usual square."""

Size = int | str | None
"""In pixels: the longest side of a whole picture at most, the side of a head; OWN, or None for the default."""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """A source photo, made ready once.

    identity  what the networks keep of it, in torch or in an engine
    picture   (S, S, 3) the head crop itself
    faces     how many faces the photo shows; the chosen one is animated
    composer  the photo at the size in which it is shown, with the place of the head
    head      whether the head's square alone is shown
    reach     how large the head is in its square, relative to the usual: as far as a driver's changes reach
    """

    identity: Identity | Prepared
    picture: Pixels
    faces: int
    composer: Composer
    head: bool
    reach: float = 1.0

    @property
    def shown(self) -> Pixels:
        """The photo as it is shown, at rest, (H, W, 3)."""
        if self.head and self.finished:
            return self.picture
        return self.composer.own if self.head else self.composer.photo

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of what is shown, in pixels."""
        height, width = self.shown.shape[:2]
        return width, height

    @property
    def finished(self) -> bool:
        """Whether the networks' own picture is what is shown."""
        return self.head and self.composer.box.side == len(self.picture)


def checked_size(size: Size) -> Size:
    """Return a size that can be asked for.

    Raises:
        ConfigError: it is none.
    """
    if size is None or size == OWN or (isinstance(size, int) and SMALLEST <= size <= LARGEST):
        return size
    raise ConfigError("size", size, f"own, or {SMALLEST} to {LARGEST} pixels")


def cuts_hair(layers: Layers | None) -> bool:
    """Say whether the upper border of a square crosses the person; not where a model knows no layers."""
    if layers is None:
        return False
    matte, side = layers[0], len(layers[0])
    return bool(matte[: round(0.02 * side), side // 4 : -side // 4].max() > 0.5)


def tilt(face: Face) -> float:
    """Return how far a face is tilted in its photo, clockwise in radians."""
    eyes = face.landmarks[EYE_CORNERS[1], :2] - face.landmarks[EYE_CORNERS[0], :2]
    return math.atan2(eyes[1], eyes[0])


def tilted(photo: Pixels, face: Face, size: Size) -> TurnedComposer:
    """Return the whole photo, its longest side limited to `size`, with a tilted head's own square in it."""
    height, width = photo.shape[:2]
    smaller, angle = limited(width, height, size), tilt(face)
    scale = max(smaller) / max(height, width)
    points = scale * face.landmarks[:, :2]
    turn = np.array(((math.cos(angle), -math.sin(angle)), (math.sin(angle), math.cos(angle))))
    upright = points @ turn
    low, high = upright.min(axis=0), upright.max(axis=0)
    side = float(high[1] - low[1]) / FACE_SHARE
    middle = turn @ ((low + high) / 2 + np.array((0.0, (0.5 - CENTRE_SHARE) * side)))
    shown = photo if smaller == (width, height) else resize(photo, smaller)
    return TurnedComposer(shown, SquareRegion(float(middle[0]), float(middle[1]), side, angle))


def framed(photo: Pixels, region: SquareRegion, size: Size, *, head: bool, usual: int) -> Composer:
    """Return the whole photo with a turned square in it, or that square alone, `size` pixels wide (None: `usual`)."""
    if head:
        side = max(1, round(region.side)) if size == OWN else int(size or usual)
        return Composer(region.cut(photo, side), CropBox(0, 0, side))
    height, width = photo.shape[:2]
    smaller = limited(width, height, size)
    if smaller == (width, height):
        return TurnedComposer(photo, region)
    return TurnedComposer(resize(photo, smaller), scaled(region, max(smaller) / max(height, width)))


def whole(photo: Pixels, box: CropBox, size: Size) -> Composer:
    """Return the whole photo, its longest side limited to `size`, with the square of a head in it.

    When the head moves down, hair that the photo's upper border cuts off ends above as a head does.
    """
    height, width = photo.shape[:2]
    smaller = limited(width, height, size)
    if smaller == (width, height):
        return Composer(photo, box, capped=True)
    scale = max(smaller) / max(height, width)
    placed = CropBox(round(scale * box.left), round(scale * box.top), max(1, round(scale * box.side)))
    return Composer(resize(photo, smaller), placed, capped=True)


def limited(width: int, height: int, size: Size) -> tuple[int, int]:
    """Return width and height of a whole picture whose longest side is limited."""
    limit = LONGEST if size is None else size
    if limit == OWN or max(height, width) <= int(limit):
        return width, height
    scale = int(limit) / max(height, width)
    return max(1, round(scale * width)), max(1, round(scale * height))


def head_alone(photo: Pixels, box: CropBox, size: Size, usual: int) -> Composer:
    """Return the square of a head, `size` pixels wide (None: `usual`), with the photo around it for reading."""
    side = box.side if size == OWN else int(size or usual)
    pixels = box.side / side
    spans = [
        (
            math.ceil((max(0, start - box.side) - start) / pixels),
            math.floor((min(length, start + 2 * box.side) - start) / pixels),
        )
        for start, length in ((box.left, photo.shape[1]), (box.top, photo.shape[0]))
    ]
    (left, right), (top, bottom) = spans
    window = (
        box.left + left * pixels,
        box.top + top * pixels,
        box.left + right * pixels,
        box.top + bottom * pixels,
    )
    around = resize(photo, (right - left, bottom - top), window)
    return Composer(around, CropBox(-left, -top, side))
