"""Pictures and films for a page: which clips to show, strips of frames, short side-by-side films."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np

from facewire.evaluation.reports.page import Embedded
from facewire.media.contact_sheet import contact_sheet
from facewire.media.frame import Frame, Pixels
from facewire.media.image import save_image
from facewire.media.video import VideoWriter
from facewire.metrics.metric import Metric

CELL = 148
"""Side of a picture in a strip, in pixels."""
COLUMNS = 6
FILM_CRF = 24
DIFFERENCE_GAIN = 3


def extremes(metric: Metric, per_clip: Mapping[str, float]) -> list[tuple[str, str]]:
    """Return ("best", clip), ("median", clip), ("worst", clip), without repeats when there are few clips."""
    if metric.better == "ideal":
        order = sorted(per_clip, key=lambda name: abs(per_clip[name] - metric.ideal))
    else:
        order = sorted(per_clip, key=lambda name: per_clip[name], reverse=metric.better == "higher")
    if not order:
        return []
    picked = {order[-1]: "worst", order[len(order) // 2]: "median", order[0]: "best"}
    found = {label: name for name, label in picked.items()}
    return [(label, found[label]) for label in ("best", "median", "worst") if label in found]


def spread_columns(count: int, columns: int = COLUMNS) -> list[int]:
    """Return the places of `columns` frames spread over `count`."""
    return sorted(set(np.linspace(0, count - 1, min(columns, count)).round().astype(int).tolist()))


def strip(
    path: Path,
    rows: Sequence[Sequence[Pixels]],
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    caption: str,
) -> Embedded:
    """Return rows of pictures as one embedded picture; the file stays at `path` (.jpg)."""
    sheet = contact_sheet(rows, row_labels=row_labels, column_labels=column_labels, cell_size=(CELL, CELL))
    save_image(path, sheet)
    return Embedded(path.read_bytes(), path.suffix, caption)


def film(path: Path, frames: Iterable[Sequence[Pixels]], rate: Fraction, caption: str) -> Embedded | None:
    """Return pictures side by side as an embedded film; the file stays at `path` (.mp4). None without frames."""
    joined = (np.ascontiguousarray(np.concatenate(list(pictures), axis=1)) for pictures in frames)
    first = next(joined, None)
    if first is None:
        return None
    size = (first.shape[1], first.shape[0])
    with VideoWriter(path, size, rate, crf=FILM_CRF) as writer:
        for index, pixels in enumerate(chain([first], joined)):
            writer.write(Frame(pixels, index, 1 / rate))
    return Embedded(path.read_bytes(), path.suffix, caption)


def difference(result: Pixels, truth: Pixels) -> Pixels:
    """Return how far two pictures differ, three times as strong, on mid-grey."""
    away = (result.astype(np.int16) - truth) * DIFFERENCE_GAIN
    shown: Pixels = np.clip(away + 128, 0, 255).astype(np.uint8)
    return shown
