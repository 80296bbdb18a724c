"""BlazeFace, short range: where the faces are in a 128 x 128 picture, with six key points each.

    image [B, 3, 128, 128] -> trunk -+-> [88, 16, 16] -> 2 anchors a cell -+-> 896 scores and boxes
                                     +-> [96,  8,  8] -> 6 anchors a cell -+

    photograph -> square with black margins -> network -> decode -> merge overlapping -> pixels

Finds faces whose height is at least about a tenth of the longer side of what it is shown;
`facewire.face.finder` shows it pieces of a photograph to find smaller ones.

Source: Bazarevsky et al., BlazeFace (2019); numbers converted from MediaPipe's
`face_detection_short_range.tflite` (Apache-2.0, see `weights/NOTICE`).

Knows nothing about landmarks beyond the six key points.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from facewire.base.errors import ShapeError
from facewire.face.blocks import BlazeBlock, full_precision, pad_same
from facewire.face.store import WEIGHTS_FOLDER, fill

BLAZE_INPUT_SIZE = 128
"""Side of the input picture in pixels."""

ANCHOR_GRIDS = ((16, 2), (8, 6))
"""Cells along a side and anchors in each cell, for the two output scales."""

ANCHORS = 896
"""16 * 16 * 2 + 8 * 8 * 6."""

KEYPOINTS = 6
"""Eye on the left of the picture, eye on the right, nose tip, mouth, ear on the left, ear on the right."""

BLAZE_FILE = "blaze_face.safetensors"

SCORE_THRESHOLD = 0.5
"""Detections below this probability are dropped (MediaPipe's default)."""

OVERLAP_THRESHOLD = 0.3
"""Boxes whose intersection over union is larger are one face (MediaPipe's default)."""


class BlazeFace(nn.Module):
    """The detector network."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 24, 5, 2)
        self.fine = _blocks((24, 24, 28, -32, 36, 42, -48, 56, 64, 72, 80, 88))
        self.coarse = _blocks((88, -96, 96, 96, 96, 96))
        self.fine_scores, self.coarse_scores = nn.Conv2d(88, 2, 1), nn.Conv2d(96, 6, 1)
        self.fine_boxes, self.coarse_boxes = nn.Conv2d(88, 2 * 16, 1), nn.Conv2d(96, 6 * 16, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Score and place one face per anchor.

        Args:
            image: [B, 3, 128, 128], RGB in [0, 1].

        Returns:
            logits [B, 896]: the sigmoid is the probability of a face at the anchor.
            places [B, 896, 8, 2]: centre, size and six key points, (x, y) in [0, 1] of the picture.
        """
        if image.shape[1:] != (3, BLAZE_INPUT_SIZE, BLAZE_INPUT_SIZE):
            raise ShapeError("image", "[B, 3, 128, 128]", tuple(image.shape))
        fine = self.fine(torch.relu(self.stem(pad_same(image * 2 - 1, 5, 2))))
        coarse = self.coarse(fine)
        heads = (self.fine_scores, fine, 1), (self.coarse_scores, coarse, 1)
        logits = torch.cat([_per_anchor(*head) for head in heads], dim=1).squeeze(-1)
        heads = (self.fine_boxes, fine, 16), (self.coarse_boxes, coarse, 16)
        raw = torch.cat([_per_anchor(*head) for head in heads], dim=1)
        return logits, decode(raw)


def _blocks(channels: tuple[int, ...]) -> nn.Sequential:
    """Chain blocks of these channel counts; a negative one halves the size."""
    return nn.Sequential(
        *(
            BlazeBlock(abs(a), abs(b), stride=2 if b < 0 else 1, activation="relu")
            for a, b in pairwise(channels)
        )
    )


def _per_anchor(head: nn.Module, features: Tensor, values: int) -> Tensor:
    """Apply an output layer; [B, C, H, W] -> [B, H * W * anchors a cell, values]."""
    out = full_precision(head, features)
    return out.permute(0, 2, 3, 1).reshape(len(out), -1, values)


def anchor_centres() -> Tensor:
    """Compute the centre of each anchor: [896, 2], (x, y) in [0, 1], in the order of the network's output."""
    grids = []
    for cells, repeats in ANCHOR_GRIDS:
        steps = (torch.arange(cells, dtype=torch.float32) + 0.5) / cells
        rows, columns = torch.meshgrid(steps, steps, indexing="ij")
        centres = torch.stack((columns, rows), dim=-1).reshape(-1, 2)
        grids.append(centres.repeat_interleave(repeats, dim=0))
    return torch.cat(grids)


def decode(raw: Tensor) -> Tensor:
    """Turn raw outputs into places.

    Args:
        raw: [B, 896, 16]: centre and key points relative to the anchor, and the size, in pixels of 128.

    Returns:
        [B, 896, 8, 2]: centre, size and six key points, (x, y) in [0, 1] of the picture.
    """
    pairs = raw.reshape(*raw.shape[:2], KEYPOINTS + 2, 2) / BLAZE_INPUT_SIZE
    offset = anchor_centres().to(raw)[None, :, None].repeat(1, 1, KEYPOINTS + 2, 1)
    offset[:, :, 1] = 0
    return pairs + offset


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


def detections_of(logits: Tensor, places: Tensor, threshold: float = SCORE_THRESHOLD) -> list[Detection]:
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
    scores = torch.sigmoid(logits.float().clamp(-100, 100)).cpu().double().numpy()
    keep = np.flatnonzero(scores >= threshold)
    order = keep[np.argsort(-scores[keep], kind="stable")]
    scores, shapes = scores[order], places.float().cpu().double().numpy()[order] * BLAZE_INPUT_SIZE
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


def load_blaze_face(folder: Path = WEIGHTS_FOLDER) -> BlazeFace:
    """Build the detector with its published weights, on the CPU, in float32 and evaluation mode.

    Raises:
        WeightsError, HashMismatch, SchemaMismatch: the weights file is not the published one.
    """
    return fill(BlazeFace(), BLAZE_FILE, folder)
