"""The second engine behind the preview: the web package's, in the page itself.

    Wanted --heads_of--> Heads --> page: head of 256 pixels in its motion, faded into the photo

The page is told motions instead of pictures while something moves; what stands comes from this machine's engine,
bit by bit. It is used where it was given a folder of `facewire web`, and is faster than this machine's own engine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from facewire.animation.animator import Animator, Person
from facewire.animation.composition.turned_composer import TurnedComposer
from facewire.base.errors import MediaError
from facewire.base.files import read_json
from facewire.geometry.arrays import as_array
from facewire.geometry.head_motion import HeadMotion

MOST_MILLISECONDS = 1000 / 15
"""For a head; a slower engine is none for the preview."""
TRIES = 5
MANIFEST = "manifest.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """A head that the page renders.

    face         which of the photo
    left, top    corner of its square, in shares of the picture
    width, height  of its square, in shares of the picture
    rotation     9 numbers; translation 3; expression 3 a keypoint
    """

    face: int
    left: float
    top: float
    width: float
    height: float
    rotation: tuple[float, ...]
    translation: tuple[float, ...]
    expression: tuple[float, ...]


def head_of(person: Person, face: int, motion: HeadMotion) -> Head | None:
    """Return a person in a motion (1) as the page renders it; None where it cannot: tilted heads, the head alone."""
    composer = person.composer
    if person.head or isinstance(composer, TurnedComposer):
        return None
    (height, width), box = composer.photo.shape[:2], composer.box
    numbers = [
        tuple(as_array(part).ravel().tolist())
        for part in (motion.rotation, motion.translation, motion.expression)
    ]
    return Head(
        face=face,
        left=box.left / width,
        top=box.top / height,
        width=box.side / width,
        height=box.side / height,
        rotation=numbers[0],
        translation=numbers[1],
        expression=numbers[2],
    )


def square_of(person: Person) -> bytes:
    """Return what the page makes a person of: the head crop as RGB and how far it is shown, 4 bytes a pixel."""
    window = np.rint(255 * person.composer.window(len(person.picture))).astype(np.uint8)
    return np.dstack((person.picture, window)).tobytes()


def milliseconds(animator: Animator) -> float:
    """Return how long this machine's engine takes for a head, as the page measures its own."""
    grey = np.full((animator.size, animator.size, 3), 128, np.uint8)
    ready, _ = animator.ready(grey)
    own, _ = animator.read([grey])
    return median(_timed(lambda: animator.ready_parts(ready, own)) for _ in range(TRIES))


def is_fast_enough(in_page: float, here: float) -> bool:
    """Return whether the page's engine is used, given milliseconds for a head there and here."""
    return in_page <= MOST_MILLISECONDS and in_page < here


def checked_folder(folder: Path, weights: str) -> Path:
    """Return a folder of `facewire web`, which has these weights.

    Raises:
        MediaError: it is none, or has others.
    """
    manifest = read_json(folder / MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("weights") != weights:
        raise MediaError(folder, "is no folder that `facewire web` wrote with these weights: write it again")
    return folder


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - begun)
