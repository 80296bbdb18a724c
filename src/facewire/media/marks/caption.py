"""A line of text in the lower left corner of pictures, for people: light on a dark strip, legible at any size."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from facewire.base.errors import ConfigError
from facewire.media.frame import Pixels

USUAL = "Synthetic: animated with Facewire"
LONGEST = 200
"""Characters."""
SHARE = 0.035
"""Height of the letters relative to the picture's shorter side."""
SMALLEST = 9
"""Height of the letters in pixels."""
DARKNESS = 0.6
"""Of the strip behind the letters."""


class Caption:
    """A text, drawn once per size of picture.

    Raises:
        ConfigError: the text is empty, too long or of several lines.
    """

    def __init__(self, text: str = USUAL) -> None:
        if not text.strip() or len(text) > LONGEST or not text.isprintable():
            raise ConfigError("caption", text, f"one line of at most {LONGEST} characters")
        self._text = text.strip()
        self._drawn: dict[tuple[int, ...], np.ndarray] = {}

    def on(self, picture: Pixels) -> Pixels:
        """Return a picture (H, W, 3) with the text; what is too long for it is cut off."""
        letters = self._letters(picture.shape)
        height, width = letters.shape[:2]
        result = picture.copy()
        corner = result[-height:, :width]
        corner[...] = np.maximum((corner * (1 - DARKNESS)).astype(np.uint8), letters)
        return result

    def _letters(self, shape: tuple[int, ...]) -> np.ndarray:
        """Return the strip, (h, w, 1) uint8."""
        if shape not in self._drawn:
            size = max(SMALLEST, round(SHARE * min(shape[:2])))
            font, margin = ImageFont.load_default(size), size // 3
            left, top, right, bottom = font.getbbox(self._text)
            strip = Image.new("L", (round(right - left) + 2 * margin, round(bottom - top) + 2 * margin))
            ImageDraw.Draw(strip).text((margin - left, margin - top), self._text, fill=255, font=font)
            self._drawn[shape] = np.asarray(strip)[: shape[0], : shape[1], None]
        return self._drawn[shape]
