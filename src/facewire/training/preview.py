"""A look at what a step made."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from facewire.data.pairs import PairBatch
from facewire.media.contact_sheet import contact_sheet
from facewire.media.frame import Pixels
from facewire.training.objectives.objective import Made

COLUMNS = 6
"""Pairs shown at most."""


def preview(pair: PairBatch, made: Made) -> Pixels:
    """Return a sheet with source, driving, made and (where it exists) warped pictures, one column a pair."""
    rows = {"source": pair.source.image, "driving": pair.driving.image, "made": made.image}
    if made.warped is not None:
        rows["warped"] = made.warped
    side = pair.source.image.shape[-1]
    cells = [[pixels_of(image) for image in images[:COLUMNS]] for images in rows.values()]
    return contact_sheet(cells, row_labels=list(rows), cell_size=(side, side))


def pixels_of(image: Tensor) -> Pixels:
    """Return a picture (3, H, W), RGB around [0, 1], as uint8 [H, W, 3]; what lies outside is clamped."""
    scaled = (image.detach().float().clamp(0, 1) * 255).round().byte()
    return np.ascontiguousarray(scaled.permute(1, 2, 0).cpu().numpy())
