"""Synthetic things in front of a face: a hand-like blob or a box, with its mask.

Drawn from a seed, with soft edges of about a pixel and plain shading. They are no photographs of hands: they test
whether something in the way throws the motion or spreads over the picture, not how a hand looks afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from facewire.media.frame import Pixels

Kind = Literal["hand", "box"]
KINDS: tuple[Kind, ...] = ("hand", "box")
FloatArray = npt.NDArray[np.float64]

SKIN = ((226, 178, 146), (198, 144, 110), (150, 102, 74), (98, 66, 48))
THINGS = ((40, 42, 46), (232, 232, 228), (150, 38, 40), (36, 78, 140))
FINGERS = 4


@dataclass(frozen=True, slots=True)
class Occluder:
    """Something in front of a picture of side S.

    colour  (S, S, 3) its pixels
    cover   (S, S) 0 to 1, how much of the picture it hides
    """

    colour: FloatArray
    cover: FloatArray

    def on(self, picture: Pixels) -> Pixels:
        """Return the picture with the thing in front of it."""
        cover = self.cover[..., None]
        mixed = picture * (1 - cover) + self.colour * cover
        covered: Pixels = mixed.round().clip(0, 255).astype(np.uint8)
        return covered

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """(S, S), True where the thing is."""
        hidden: npt.NDArray[np.bool_] = self.cover > 0.5
        return hidden


def occluder(kind: Kind, size: int, centre: tuple[float, float], seed: int) -> Occluder:
    """Return a thing about a quarter of the picture wide.

    Args:
        kind: hand or box.
        size: side of the pictures.
        centre: (x, y) in [0, 1] of the picture.
        seed: decides angle, colour and proportions.
    """
    rng = np.random.default_rng(seed)
    places = (np.arange(size) + 0.5) / size
    x, y = np.meshgrid(places - centre[0], places - centre[1])
    angle = rng.uniform(-0.9, 0.9)
    across, along = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    inside = _hand(across, along, rng) if kind == "hand" else _box(across, along, rng)
    palette = SKIN if kind == "hand" else THINGS
    base = np.array(palette[rng.integers(len(palette))], dtype=np.float64)
    shade = 1 + 0.5 * across + 0.35 * along
    cover = np.clip(inside * size / 1.5 + 0.5, 0, 1)
    return Occluder((base * shade[..., None]).clip(0, 255), cover)


def _hand(across: FloatArray, along: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return how deep inside a palm with fingers each place is, in picture sides (negative outside)."""
    palm = 0.105 - np.hypot(across, along * 0.85)
    inside = palm
    for finger in range(FINGERS):
        start = (finger - (FINGERS - 1) / 2) * 0.05
        length = rng.uniform(0.12, 0.17)
        lean = start * 0.5
        depth = np.clip(-along - 0.05, 0, length)
        inside = np.maximum(
            inside, 0.024 - np.hypot(across - start - lean * depth / length, along + 0.05 + depth)
        )
    return inside


def _box(across: FloatArray, along: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return how deep inside a rectangle each place is."""
    width, height = rng.uniform(0.09, 0.13), rng.uniform(0.06, 0.1)
    deep: FloatArray = np.minimum(width - np.abs(across), height - np.abs(along))
    return deep
