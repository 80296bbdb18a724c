"""From tracks to takes: which frames become a clip, seen through which square; and why others do not.

A track longer than the longest clip is cut into equal pieces. Where the head moves too far for a square that stands
still, the piece is halved, as long as the halves are long enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray

from facewire.base.errors import ShapeError
from facewire.data.labels import LANDMARKS
from facewire.data.preparation.settings import RATE, PrepareConfig
from facewire.data.preparation.tracks import Box, Track
from facewire.face.crop import CropBox, crop_box_from_faces
from facewire.face.finder import Face

REMNANT = "remnant"
REASONS = {
    "missing": "the video is not there",
    "unreadable": "the video cannot be read",
    "crashed": "the process that prepared the video died or took too long",
    "low-bit-rate": "the video has too few bits per pixel",
    "no-face": "a shot shows no face",
    "small-face": "a face is too small",
    "short": "a face is seen too briefly",
    REMNANT: "a shot is shorter than a clip: nothing is wrong with it",
    "lost-face": "the face is lost in too many frames",
    "moves-too-far": "the head moves too far for a square that stands still",
    "outside": "the square does not fit into the picture",
    "enlarged": "the square is too small for the clips' size",
    "still": "nothing moves within the face: a photograph, or one panned over",
    "blurred": "the picture is blurred",
    "dark": "the picture is too dark",
    "bright": "the picture is too bright",
}
"""Every reason for which something is left out."""

MOST_OUTSIDE = 0.02
"""Share of the square's side that may lie outside the picture, on any side."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A piece of a video that gives no clip.

    reason  a key of REASONS
    detail  the measured value, or the error
    start   seconds from the beginning of the video
    end     the same
    """

    reason: str
    detail: str = ""
    start: float = 0.0
    end: float = 0.0


@dataclass(frozen=True, slots=True)
class Take:
    """Frames [first, first + length) of a video, seen through one square, of one track.

    square    left, top, side in whole pixels
    labels    landmarks (T, 78, 2) and centre (T, 2) as shares of the square, rotation (T, 3, 3), detected (T,)
    face      median height of the face in pixels of the video
    motion    movement within the face, as a share of its size
    """

    name: str
    first: int
    square: CropBox
    landmarks: NDArray[np.float32]
    rotation: NDArray[np.float32]
    centre: NDArray[np.float32]
    detected: NDArray[np.bool_]
    face: float
    motion: float

    def __len__(self) -> int:
        return len(self.detected)


def takes_of(
    track: Track, size: tuple[int, int], config: PrepareConfig, fixed: Box | None = None
) -> Iterator[Take | Rejected]:
    """Yield the takes of a track in order, and what is left out of it.

    Args:
        track: closed.
        size: width and height of the video.
        config: what is asked for.
        fixed: the crop, where a list gives one, in pixels.
    """
    if len(track) < config.least_frames:
        yield _rejected("short", f"{len(track)} frames", track.first, len(track))
        return
    pieces = ceil(len(track) / config.most_frames)
    bounds = [round(piece * len(track) / pieces) for piece in range(pieces + 1)]
    for begin, end in pairwise(bounds):
        yield from _takes(track, begin, end, size, config, fixed)


def _takes(
    track: Track, begin: int, end: int, size: tuple[int, int], config: PrepareConfig, fixed: Box | None
) -> Iterator[Take | Rejected]:
    found = _take(track, begin, end, size, config, fixed)
    middle = (begin + end) // 2
    slides = isinstance(found, Rejected) and found.reason in ("moves-too-far", "outside")
    if slides and fixed is None and middle - begin >= config.least_frames:
        yield from _takes(track, begin, middle, size, config, fixed)
        yield from _takes(track, middle, end, size, config, fixed)
    else:
        yield found


def _take(
    track: Track, begin: int, end: int, size: tuple[int, int], config: PrepareConfig, fixed: Box | None
) -> Take | Rejected:
    boxes = np.array(track.box[begin:end])
    detected = np.array(track.detected[begin:end])
    face = float(np.median(boxes[:, 3] - boxes[:, 1]))
    square = square_of(boxes, size) if fixed is None else fixed_square(fixed, size)
    landmarks = np.stack(track.landmarks[begin:end])
    motion = inner_motion(landmarks[detected])
    reason = None
    if face < config.least_face_px:
        reason, detail = "small-face", f"{face:.0f} px"
    elif (missing := float(1 - detected.mean())) > config.most_missing:
        reason, detail = "lost-face", f"{missing:.0%} of the frames"
    elif (share := face / square.side) < config.least_share or not _inside(boxes, square):
        reason, detail = "moves-too-far", f"face {share:.0%} of the square"
    elif (outside := _outside(square, size)) > MOST_OUTSIDE:
        reason, detail = "outside", f"{outside:.0%} of its side"
    elif 0 < config.most_enlarged < (enlarged := config.size / square.side):
        reason, detail = "enlarged", f"{enlarged:.2f} times"
    elif motion < config.least_motion:
        reason, detail = "still", f"{motion:.4f}"
    if reason is not None:
        return _rejected(reason, detail, track.first + begin, end - begin)
    corner = np.array((square.left, square.top))
    return Take(
        name="",
        first=track.first + begin,
        square=square,
        landmarks=((landmarks - corner) / square.side).astype(np.float32),
        rotation=np.stack(track.rotation[begin:end]),
        centre=((np.stack(track.centre[begin:end]) - corner) / square.side).astype(np.float32),
        detected=detected,
        face=face,
        motion=motion,
    )


def square_of(boxes: NDArray[np.float64], size: tuple[int, int]) -> CropBox:
    """Return the project's crop (face/crop.py) of face boxes (T, 4) in a picture of `size` (width, height)."""
    none = np.zeros((0, 3))
    faces = [Face((left, top, right, bottom), 1.0, none, 1.0) for left, top, right, bottom in boxes.tolist()]
    return crop_box_from_faces(faces, size[1], size[0])


def fixed_square(box: Box, size: tuple[int, int]) -> CropBox:
    """Return the square around the middle of a rectangle, moved into the picture where it fits."""
    width, height = size
    side = min(round(max(box[2] - box[0], box[3] - box[1])), max(size))
    left = min(max(round((box[0] + box[2] - side) / 2), 0), max(width - side, 0))
    top = min(max(round((box[1] + box[3] - side) / 2), 0), max(height - side, 0))
    return CropBox(left, top, max(1, side))


def inner_motion(landmarks: NDArray[np.float32]) -> float:
    """Return how much landmarks (T, 78, 2) move against each other, as a share of the face's size.

    Place and size are taken out first, so panning over a photograph or zooming into it is no motion.
    """
    if landmarks.shape[1:] != (LANDMARKS, 2):
        raise ShapeError("landmarks", f"(T, {LANDMARKS}, 2)", landmarks.shape)
    points = torch.from_numpy(landmarks).double()
    points = points - points.mean(dim=1, keepdim=True)
    points = points / points.square().sum(dim=2).mean(dim=1).sqrt()[:, None, None]
    return float(points.std(dim=0, correction=0).square().sum(dim=1).sqrt().mean())


def _inside(boxes: NDArray[np.float64], square: CropBox) -> bool:
    """Say whether a face's middle stays in the inner part of the square."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    share = (middle - (square.left, square.top)) / square.side
    return bool(((share > 0.1) & (share < 0.9)).all())


def _outside(square: CropBox, size: tuple[int, int]) -> float:
    """Return how far the square reaches beyond the picture, as a share of its side."""
    beyond = (
        -square.left,
        -square.top,
        square.left + square.side - size[0],
        square.top + square.side - size[1],
    )
    return max(0, *beyond) / square.side


def _rejected(reason: str, detail: str, first: int, frames: int) -> Rejected:
    return Rejected(reason, detail, float(first / RATE), float((first + frames) / RATE))
