"""Quality by how far the head is turned from where the source picture shows it.

Averages over a clip hide what a user sees first: near the source everything is easy. The angle is the one between
the measured rotations of the source frame and of the driving frame, whatever the axis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from facewire.evaluation.measuring.look import FloatArray
from facewire.evaluation.measuring.scores import mean_of
from facewire.metrics.absolute_error import L1
from facewire.metrics.keypoint_distance import AKD
from facewire.metrics.metric import Metric
from facewire.metrics.pose_error import rotation_angle
from facewire.metrics.psnr import PSNR

RANGES = ((0, 5), (5, 10), (10, 20), (20, 180))
"""Degrees, the upper end not included."""
BASES = (L1, PSNR, AKD)


def name_of(base: Metric, low: int) -> str:
    """Return the name of a metric within the range that starts at `low` degrees."""
    return f"{base.name}-turned-{low}"


def _card(base: Metric, low: int, high: int) -> Metric:
    ends = f"{low} to {high}°" if high < 180 else f"{low}° and more"
    return replace(
        base,
        name=name_of(base, low),
        title=f"{base.title}, turned {ends}",
        source=f"{base.source}; frames whose head is turned {ends} from the source frame",
    )


TURN_METRICS = tuple(_card(base, low, high) for base in BASES for low, high in RANGES)


def by_turn(
    source: FloatArray, rotations: FloatArray, per_frame: Mapping[str, FloatArray]
) -> dict[str, float]:
    """Return the means of a clip's frames within every range; a range without frames is left out.

    Args:
        source: (3, 3), of the source frame; NaN without a face.
        rotations: (T, 3, 3), of the driving frames; NaN without a face, such frames are in no range.
        per_frame: (T,) by the name of the metric.
    """
    turn = rotation_angle(rotations, np.broadcast_to(source, rotations.shape))
    found = {}
    for base in BASES:
        for low, high in RANGES:
            mean = mean_of(per_frame[base.name][(turn >= low) & (turn < high)])
            if mean is not None:
                found[name_of(base, low)] = mean
    return found
