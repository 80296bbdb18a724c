"""Pictures side by side with small labels, for demos and reports.

          column 0   column 1
    row 0 [cell]     [cell]
    row 1 [cell]     [cell]

Pure: arrays in, one array out. Knows nothing about files.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from facewire.media.frame import Pixels, check_pixels
from facewire.media.image import resize

_WHITE = (255, 255, 255)
_INK = (32, 32, 32)
_FONT_SIZE = 14  # pixels
_PADDING = 4  # pixels around label text

_Font = ImageFont.ImageFont | ImageFont.FreeTypeFont


def contact_sheet(
    rows: Sequence[Sequence[Pixels]],
    *,
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
    cell_size: tuple[int, int] = (256, 256),
    gap: int = 4,
) -> Pixels:
    """Return one picture, uint8 [H, W, 3], with `rows` laid out as a table on white.

    Args:
        rows: pictures uint8 [H, W, 3] of any size; rows may differ in length. Each is scaled to fit its cell
            with its proportions kept, and centred.
        row_labels: text left of each row; may be shorter than `rows`.
        column_labels: text above each column; may be shorter than the longest row.
        cell_size: (width, height) of one cell in pixels.
        gap: white pixels between and around cells.
    """
    columns = max((len(row) for row in rows), default=0)
    if columns == 0:
        raise ValueError("a contact sheet needs at least one picture")
    if min(cell_size) < 1 or gap < 0:
        raise ValueError(f"cell_size is {cell_size} and gap is {gap}; both must be positive")
    font = ImageFont.load_default(_FONT_SIZE)
    left = _extent(row_labels, font, axis=0)
    top = _extent(column_labels, font, axis=1)
    step_x, step_y = cell_size[0] + gap, cell_size[1] + gap
    sheet = Image.new("RGB", (left + gap + columns * step_x, top + gap + len(rows) * step_y), _WHITE)
    draw = ImageDraw.Draw(sheet)
    for column, label in zip_longest(range(columns), column_labels[:columns], fillvalue=""):
        middle = left + gap + int(column) * step_x + cell_size[0] // 2
        draw.text((middle, top // 2), str(label), fill=_INK, font=font, anchor="mm")
    for index, row in enumerate(rows):
        y = top + gap + index * step_y
        if index < len(row_labels):
            draw.text(
                (left // 2, y + cell_size[1] // 2), row_labels[index], fill=_INK, font=font, anchor="mm"
            )
        for column, pixels in enumerate(row):
            _place(sheet, pixels, (left + gap + column * step_x, y), cell_size)
    return np.array(sheet)


def _extent(labels: Sequence[str], font: _Font, axis: int) -> int:
    """Pixels that the labels need along `axis` (0 width, 1 height) with padding; 0 without labels."""
    if not any(labels):
        return 0
    boxes = [font.getbbox(label) for label in labels]
    if axis == 0:
        return int(max(box[2] - box[0] for box in boxes)) + 2 * _PADDING
    return _FONT_SIZE + 2 * _PADDING


def _place(sheet: Image.Image, pixels: Pixels, corner: tuple[int, int], cell_size: tuple[int, int]) -> None:
    """Paste one picture, fitted and centred, into the cell whose upper left is `corner`."""
    check_pixels("cell", pixels)
    height, width = pixels.shape[:2]
    scale_down = max(width * cell_size[1], height * cell_size[0])  # compares width/cell_w with height/cell_h
    fitted = (
        max(1, width * cell_size[0] * cell_size[1] // scale_down),
        max(1, height * cell_size[0] * cell_size[1] // scale_down),
    )
    x = corner[0] + (cell_size[0] - fitted[0]) // 2
    y = corner[1] + (cell_size[1] - fitted[1]) // 2
    picture = pixels if fitted == (width, height) else resize(pixels, fitted)
    sheet.paste(Image.fromarray(np.ascontiguousarray(picture)), (x, y))
