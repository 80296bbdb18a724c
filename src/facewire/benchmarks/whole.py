"""What the whole picture costs: composed heads of several sizes, and a photo animated into a file."""

from __future__ import annotations

import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np

from facewire.animation.composition.composer import Composer
from facewire.engines.engine import Engine, Prepared
from facewire.face.crop import CropBox
from facewire.geometry.head_motion import HeadMotion
from facewire.media.frame import Frame, Pixels
from facewire.media.image import resize
from facewire.media.video import VideoWriter

HEADS = (512, 1024)
"""Sides of the composed squares, in pixels."""
PHOTO = 1280
"""Longest side of the photo that is animated into a file."""
HEAD_SHARE = 0.4
"""Side of the head's square in it."""
RATE = Fraction(25)


def composers(picture: Pixels) -> dict[str, Composer]:
    """Return composers of a head crop at the sizes that are measured, by name."""
    return {
        f"head of {side}": _separated(Composer(resize(picture, (side, side)), CropBox(0, 0, side)), picture)
        for side in HEADS
    }


def _separated(composer: Composer, picture: Pixels) -> Composer:
    """Return a composer whose photo is taken apart, all of it the person: what is read costs the same."""
    composer.separate(np.ones(picture.shape[:2], np.float32), picture)
    return composer


def photo_fps(engine: Engine, person: Prepared, picture: Pixels, motions: HeadMotion) -> float:
    """Return frames per second of animating a photo of 1280 pixels into an .mp4, all included but reading the driver.

    Args:
        engine: what computes.
        person: of the head crop.
        picture: the head crop, (S, S, 3).
        motions: one a frame.
    """
    side = round(HEAD_SHARE * PHOTO)
    photo = resize(picture, (PHOTO, PHOTO))
    composer = _separated(Composer(photo, CropBox((PHOTO - side) // 2, (PHOTO - side) // 3, side)), picture)
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        with VideoWriter(Path(folder) / "photo.mp4", (PHOTO, PHOTO), RATE, synthetic=True) as writer:
            for number in range(len(motions)):
                parts = engine.compose(person, motions[number : number + 1])
                writer.write(Frame(composer.whole(parts), number, 1 / RATE))
        return len(motions) / (time.perf_counter() - begin)
