"""Labels for clips that come without: our own face finder looks at every frame.

    frame -> track the face of the frame before, or find the largest one
          -> 478 points -> the 78 of the labels, head pose, head centre
    no face in a frame -> the labels of the nearest frame with one, marked as not detected

Stored once per clip as safetensors in our conventions, so nothing is converted when they are read.
Knows nothing about folders of clips or about label files that others wrote: see clips.py and labels.py.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.numpy import load, save

from facewire.base.errors import NoFaceFound
from facewire.base.files import atomic_output
from facewire.data.labels import LANDMARKS, ClipLabels, FloatArray, head_centre, in_picture
from facewire.face.expression import SEVENTY_EIGHT
from facewire.face.finder import Face, FaceFinder
from facewire.face.pose import head_pose
from facewire.media.frame import Pixels

VERSION = 1
"""Part of the names of stored labels; raise it when better labels would come out."""


def stored_labels(
    frames: npt.NDArray[np.uint8],
    stored: Path,
    video: Path,
    finder: FaceFinder,
    progress: Callable[[int], None] = lambda done: None,
    *,
    follow: bool = True,
) -> ClipLabels:
    """Return the labels of a clip, made and stored in `stored` when they are not there yet.

    Args:
        frames: (T, S, S, 3) uint8.
        stored: where the labels are kept; a file that cannot be read or does not fit is made again.
        video: the clip, for error texts.
        finder: looks for the faces.
        progress: called with the frames done.
        follow: whether a face is looked for where it was in the frame before; not among stills.

    Raises:
        NoFaceFound: no frame shows a face.
        OutputError: the labels cannot be stored.
    """
    labels = _read(stored, len(frames))
    if labels is None:
        labels = label_frames(frames, video, finder, progress, follow=follow)
        _write(stored, labels)
    return labels


def label_frames(
    frames: npt.NDArray[np.uint8],
    video: Path,
    finder: FaceFinder,
    progress: Callable[[int], None] = lambda done: None,
    *,
    follow: bool = True,
) -> ClipLabels:
    """Return the labels of frames (T, S, S, 3), looking at each; arguments as `stored_labels`.

    Raises:
        NoFaceFound: no frame shows a face.
    """
    faces: list[Face | None] = []
    for number, frame in enumerate(frames, start=1):
        faces.append(_followed(frame, faces[-1] if faces and follow else None, finder))
        progress(number)
    seen = np.flatnonzero([face is not None for face in faces])
    if not len(seen):
        raise NoFaceFound(video, "training needs clips of one head")
    found = [face for face in faces if face is not None]
    nearest = nearest_seen(seen, len(faces))
    landmarks, rotation, centre = _described(found, frames[0].shape[0])
    return ClipLabels(
        landmarks=landmarks[nearest],
        rotation=rotation[nearest],
        translation=centre[nearest],
        detected=np.array([face is not None for face in faces]),
    )


def nearest_seen(seen: npt.NDArray[np.intp], count: int) -> npt.NDArray[np.intp]:
    """Return for each of `count` frames which entry of `seen` (ascending frame numbers) is nearest."""
    frames = np.arange(count)
    after = np.searchsorted(seen, frames).clip(0, len(seen) - 1)
    before = (after - 1).clip(0)
    return np.where(np.abs(frames - seen[before]) <= np.abs(seen[after] - frames), before, after)


def _followed(frame: Pixels, previous: Face | None, finder: FaceFinder) -> Face | None:
    """Return the face of the frame before where it is now, else the largest face, else None."""
    face = None if previous is None else finder.track(frame, previous)
    if face is None:
        face = next(iter(finder.find(frame)), None)
    return face


def _described(faces: list[Face], side: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return landmarks (N, 78, 2), rotations (N, 3, 3) and translations (N, 3) of faces."""
    mesh = np.stack([face.landmarks for face in faces])
    pose = head_pose(torch.from_numpy(mesh))
    landmarks = in_picture(mesh[:, SEVENTY_EIGHT, :2] / side, side)
    centre = head_centre(pose.translation[:, :2].numpy() / side, side)
    return landmarks, np.asarray(pose.rotation.numpy(), np.float32), centre


def _write(path: Path, labels: ClipLabels) -> None:
    data = save(
        {
            "landmarks": np.ascontiguousarray(labels.landmarks),
            "rotation": np.ascontiguousarray(labels.rotation),
            "translation": np.ascontiguousarray(labels.translation),
            "detected": labels.detected,
        }
    )
    with atomic_output(path) as temporary:
        temporary.write_bytes(data)


def _read(path: Path, frames: int) -> ClipLabels | None:
    """Return stored labels, or None where there are none for so many frames."""
    try:
        tensors = load(path.read_bytes())
        labels = ClipLabels(**tensors)
    except (OSError, SafetensorError, TypeError):
        return None
    shapes = (labels.landmarks.shape, labels.rotation.shape, labels.translation.shape, labels.detected.shape)
    fits = shapes == ((frames, LANDMARKS, 2), (frames, 3, 3), (frames, 3), (frames,))
    return labels if fits else None
