"""One clip as shards hold it: video, labels, description.

NAME.mp4            H.264, square, 25 frames per second, no sound
NAME.labels.safetensors
    landmarks (T, 78, 2), centre (T, 2)   shares of the picture from edge to edge, so they fit any size
    rotation (T, 3, 3), detected (T,)     in the project's conventions
NAME.json           where it is from, and what was measured
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from facewire.base.errors import MediaError
from facewire.data.labels import LANDMARKS, ClipLabels, head_centre, in_picture
from facewire.data.preparation.takes import Take

VIDEO, LABELS, DESCRIPTION = "mp4", "labels.safetensors", "json"
"""Ends of the members' names, after the first dot as WebDataset has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipDescription:
    """What is known about a clip; one row of the table beside the shards.

    source              the raw video's key
    start_s             of the clip in the raw video
    left, top, side     the square in pixels of the raw video
    enlarged            how many times the square was enlarged, below 1 made smaller; 0 is unknown (older shards)
    face_px             median height of the face in pixels of the clip
    sharpness           median variance of the Laplacian in the middle of the square, seen at 256 pixels
    mean_turn           mean angle between nose and camera, degrees
    yaw_p2 ... roll_p98 2nd and 98th percentile, degrees, project's signs
    """

    name: str
    split: str
    identity: str
    source: str
    start_s: float
    frames: int
    seen: int
    left: int
    top: int
    side: int
    face_px: float
    motion: float
    sharpness: float
    brightness: float
    mean_turn: float
    yaw_p2: float
    yaw_p98: float
    pitch_p2: float
    pitch_p98: float
    roll_p2: float
    roll_p98: float
    enlarged: float = 0.0


def encode_labels(take: Take) -> bytes:
    """Return the labels of a take as they are stored."""
    return save(
        {
            "landmarks": np.ascontiguousarray(take.landmarks),
            "rotation": np.ascontiguousarray(take.rotation),
            "centre": np.ascontiguousarray(take.centre),
            "detected": take.detected,
        }
    )


def decode_labels(data: bytes, side: int, name: str | Path) -> ClipLabels:
    """Return stored labels for pictures of `side` pixels.

    Raises:
        MediaError: these are no labels.
    """
    try:
        stored = load(data)
        landmarks, rotation, centre = (stored[key] for key in ("landmarks", "rotation", "centre"))
        detected = stored["detected"].astype(bool)
    except (SafetensorError, KeyError) as problem:
        raise MediaError(name, f"has no labels ({problem}): prepare it again") from problem
    frames = len(detected)
    shapes = (landmarks.shape, rotation.shape, centre.shape)
    if shapes != ((frames, LANDMARKS, 2), (frames, 3, 3), (frames, 2)):
        raise MediaError(name, f"has labels of shapes {shapes}: prepare it again")
    return ClipLabels(in_picture(landmarks, side), rotation, head_centre(centre, side), detected)
