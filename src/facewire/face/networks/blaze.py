"""BlazeFace, short range: where the faces are in a 128 x 128 picture, with six key points each.

    image [B, 3, 128, 128] -> trunk -+-> [88, 16, 16] -> 2 anchors a cell -+-> 896 scores and boxes
                                     +-> [96,  8,  8] -> 6 anchors a cell -+

Finds faces whose height is at least about a tenth of the longer side of what it is shown;
`facewire.face.finder` shows it pieces of a photograph to find smaller ones, `facewire.face.detection` merges what
overlaps.

Source: Bazarevsky et al., BlazeFace (2019); numbers converted from MediaPipe's
`face_detection_short_range.tflite` (Apache-2.0, see `weights/NOTICE`).

Knows nothing about landmarks beyond the six key points.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from facewire.base.errors import ShapeError
from facewire.face.detection import BLAZE_INPUT_SIZE
from facewire.face.networks.blocks import BlazeBlock, full_precision, pad_same
from facewire.face.networks.filling import fill
from facewire.face.store import WEIGHTS_FOLDER

ANCHOR_GRIDS = ((16, 2), (8, 6))
"""Cells along a side and anchors in each cell, for the two output scales."""

ANCHORS = 896
"""16 * 16 * 2 + 8 * 8 * 6."""

KEYPOINTS = 6
"""Eye on the left of the picture, eye on the right, nose tip, mouth, ear on the left, ear on the right."""

BLAZE_FILE = "blaze_face.safetensors"


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
    counts = torch.tensor([1.0, 0.0] + [1.0] * KEYPOINTS)[:, None]  # a size has no place
    return pairs + (anchor_centres()[:, None] * counts).to(raw)


def load_blaze_face(folder: Path = WEIGHTS_FOLDER) -> BlazeFace:
    """Build the detector with its published weights, on the CPU, in float32 and evaluation mode.

    Raises:
        WeightsError, HashMismatch, SchemaMismatch: the weights file is not the published one.
    """
    return fill(BlazeFace(), BLAZE_FILE, folder)
