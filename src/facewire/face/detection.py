"""From the detector's answers to detected faces.

    scores and boxes of 896 anchors -> those above a threshold -> overlapping ones merged -> pixels

Source of the merging: MediaPipe (Apache-2.0), in own words. Knows nothing about the network (face/networks/blaze.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLAZE_INPUT_SIZE = 128
"""Side of the detector's input picture in pixels."""

SCORE_THRESHOLD = 0.5
"""Detections below this probability are dropped (MediaPipe's default)."""

OVERLAP_THRESHOLD = 0.3
"""Boxes whose intersection over union is larger are one face (MediaPipe's default)."""

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Detection:
    """One detected face, in pixels of the picture that was searched.

    Attributes:
        box: left, top, right, bottom; a square from the eyebrows to the chin, roughly.
        keypoints: [6, 2] float64 (x, y): eye on the left of the picture, eye on the right, nose tip,
            mouth, ear on the left, ear on the right.
        score: probability in [0, 1].
    """

    box: tuple[float, float, float, float]
    keypoints: NDArray[np.float64]
    score: float

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])

    def moved(self, scale: float, left: float, top: float) -> Detection:
        """Return the detection in other coordinates: (x, y) * scale + (left, top)."""
        x0, y0, x1, y1 = (float(value) * scale for value in self.box)
        box = (x0 + left, y0 + top, x1 + left, y1 + top)
        return Detection(box, self.keypoints * scale + np.array((left, top)), self.score)


def detections_of(logits: Floats, places: Floats, threshold: float = SCORE_THRESHOLD) -> list[Detection]:
    """Merge the anchors of one picture that see the same face.

    The best anchor's box and key points become the mean over all anchors that overlap it, weighted by
    their scores; its score stays (MediaPipe's "weighted" suppression).

    Args:
        logits: [896].
        places: [896, 8, 2], as `BlazeFace` returns them.
        threshold: probability below which an anchor is ignored.

    Returns:
        Faces in pixels of the 128 x 128 picture, best first.
    """
    scores = 1 / (1 + np.exp(-logits.astype(np.float64).clip(-100, 100)))
    keep = np.flatnonzero(scores >= threshold)
    order = keep[np.argsort(-scores[keep], kind="stable")]
    scores, shapes = scores[order], places.astype(np.float64)[order] * BLAZE_INPUT_SIZE
    corners = np.concatenate((shapes[:, 0] - shapes[:, 1] / 2, shapes[:, 0] + shapes[:, 1] / 2), axis=1)
    points = np.concatenate((corners.reshape(-1, 2, 2), shapes[:, 2:]), axis=1)
    found = []
    while len(scores):
        same = intersection_over_union(corners[0], corners) > OVERLAP_THRESHOLD
        same[0] = True
        mean = np.average(points[same], axis=0, weights=scores[same])
        (x0, y0), (x1, y1) = mean[:2].tolist()
        found.append(Detection((x0, y0, x1, y1), mean[2:], float(scores[0])))
        scores, corners, points = scores[~same], corners[~same], points[~same]
    return found


def intersection_over_union(box: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compare one box [4] with boxes [N, 4], all (left, top, right, bottom); returns [N] in [0, 1]."""
    shared = _intersection(box, boxes)
    union = _area(box) + _area(boxes) - shared
    return shared / np.maximum(union, 1e-12)


def intersection_over_smaller(box: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Like `intersection_over_union`, but relative to the smaller box: 1 where one contains the other."""
    return _intersection(box, boxes) / np.maximum(np.minimum(_area(box), _area(boxes)), 1e-12)


def _intersection(box: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[2:], boxes[:, 2:])
    sides: NDArray[np.float64] = np.clip(high - low, 0, None)
    product: NDArray[np.float64] = sides.prod(axis=-1)
    return product


def _area(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    product: NDArray[np.float64] = np.clip(boxes[..., 2:] - boxes[..., :2], 0, None).prod(axis=-1)
    return product
