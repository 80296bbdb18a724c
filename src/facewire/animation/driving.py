"""From a driving video to motions: find the head, cut one square, read R, t and delta of every frame.

    pass 1  every few frames  -> faces -> square, fixed or slowly following   (skipped with crop "none")
    pass 2  every frame       -> square -> face there? -> motion, or the one before

Frames stream through; only 66 numbers a frame are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from facewire.animation.animator import BATCH, Animator, Pixels
from facewire.base.batches import in_batches
from facewire.base.errors import ConfigError, MediaError, NoFaceFound
from facewire.face.crop import FACE_SHARE, CropBox, crop, crop_box_from_faces
from facewire.face.finder import Face, FaceFinder
from facewire.geometry.head_motion import HeadMotion
from facewire.media.frame import Frame
from facewire.media.image import resize
from facewire.media.video import VideoReader

SURVEY_EVERY = 5
"""Pass 1 looks at every fifth frame."""
TOO_WIDE = 1.7
"""A fixed square larger than this many times the head's own makes the square follow the head."""
FOLLOW_SECONDS = 0.6
"""Standard deviation of the smoothing of a following square."""

Progress = Callable[[str, int, int | None], None]
"""Called with the stage, the frames done and the frames expected."""


@dataclass(frozen=True, slots=True)
class RecordedMotion:
    """The motions of a clip with its time.

    motions    (T)
    times      T presentation times in units of `time_base`
    rate       frames per second, exact
    missing    frames without a face, which hold the motion before
    following  True if the square followed the head
    problem    why it ends before its file says, "" if it does not
    """

    motions: HeadMotion
    times: tuple[int, ...]
    time_base: Fraction
    rate: Fraction
    missing: int = 0
    following: bool = False
    problem: str = ""

    def __len__(self) -> int:
        return len(self.times)


@dataclass(frozen=True, slots=True)
class CropPath:
    """Where the square is at any time; a single row stands still.

    times  (N,) seconds; rows (N, 3) left, top, side in pixels
    """

    times: np.ndarray
    rows: np.ndarray

    @property
    def following(self) -> bool:
        """True if the square moves."""
        return len(self.rows) > 1

    def at(self, time: float) -> CropBox:
        """Return the square at a time in seconds."""
        left, top, side = (float(np.interp(time, self.times, column)) for column in self.rows.T)
        return CropBox(round(left), round(top), round(side))


def record(
    animator: Animator,
    video: str | Path,
    *,
    crop_mode: str = "auto",
    face: int = 0,
    progress: Progress | None = None,
) -> RecordedMotion:
    """Return the motions of a driving video.

    Args:
        animator: whose networks read them.
        video: any file that VideoReader takes.
        crop_mode: "auto" finds and cuts the head; "none" takes frames that are square head crops already.
        face: which face of the first frame, largest first.
        progress: told after every batch.

    Raises:
        MediaError: the video cannot be read or has no frame.
        NoFaceFound: no frame shows a face.
    """
    path = survey(animator.finder, video, face, progress) if crop_mode == "auto" else None
    if crop_mode not in ("auto", "none"):
        raise ConfigError("crop", crop_mode, "auto or none")
    times: list[int] = []
    motions: list[HeadMotion] = []
    presence: list[bool] = []
    with VideoReader(video) as reader:
        for frames in in_batches(reader, BATCH):
            squares = [square(frame, path, animator.size) for frame in frames]
            motion, present = animator.read(squares)
            motions.append(motion)
            presence += present
            times += [frame.pts for frame in frames]
            time_base = frames[0].time_base
            if progress is not None:
                progress("reading motion", len(times), reader.frame_count)
        rate, problem = reader.rate, "the video is cut off" if reader.truncated else ""
    if not times:
        raise MediaError(video, "has no frames")
    held = hold(HeadMotion.cat(motions), presence, video)
    following = path is not None and path.following
    return RecordedMotion(held, tuple(times), time_base, rate, presence.count(False), following, problem)


def driving_squares(video: str | Path, animator: Animator, crop_mode: str, face: int) -> Iterator[Pixels]:
    """Yield the head crops of a driving video again, for showing beside the result."""
    path = survey(animator.finder, video, face, None) if crop_mode == "auto" else None
    with VideoReader(video) as reader:
        for frame in reader:
            yield square(frame, path, animator.size)


def square(frame: Frame, path: CropPath | None, size: int) -> Pixels:
    """Return the head crop of a frame, (size, size, 3)."""
    if path is None:
        return resize(frame.pixels, (size, size))
    return crop(frame.pixels, path.at(float(frame.time)), size)


def hold(motions: HeadMotion, presence: list[bool], name: str | Path) -> HeadMotion:
    """Return the motions with every absent one replaced by the last present one (the first, at the start).

    Raises:
        NoFaceFound: none is present.
    """
    if not any(presence):
        raise NoFaceFound(name, "in no frame of the driving video; try --crop none if it is cropped already")
    last = presence.index(True)
    index = []
    for position, present in enumerate(presence):
        last = position if present else last
        index.append(last)
    rows = torch.tensor(index, device=motions.rotation.device)
    return HeadMotion(motions.rotation[rows], motions.translation[rows], motions.expression[rows])


class Watcher:
    """Follows one face from picture to picture."""

    def __init__(self, finder: FaceFinder, face: int = 0) -> None:
        """`face` is which one to follow from the first picture on, largest first."""
        self.finder = finder
        self.face = face
        self.previous: Face | None = None

    def look(self, picture: Pixels) -> Face | None:
        """Return the followed face, or None if there is no face."""
        found = None if self.previous is None else self.finder.track(picture, self.previous)
        if found is None:
            faces = self.finder.find(picture)
            found = faces[min(self.face, len(faces) - 1)] if faces else None
        self.previous = found
        return found


def survey(finder: FaceFinder, video: str | Path, face: int, progress: Progress | None) -> CropPath:
    """Return where the square of a driving video lies: fixed, or following a head that travels."""
    faces: list[Face] = []
    times: list[float] = []
    height = width = 0
    with VideoReader(video) as reader:
        watcher = Watcher(finder, face)
        for index, frame in enumerate(reader):
            if index % SURVEY_EVERY:
                continue
            height, width = frame.pixels.shape[:2]
            found = watcher.look(frame.pixels)
            if found is not None:
                faces.append(found)
                times.append(float(frame.time))
            if progress is not None:
                progress("finding the face", index + 1, reader.frame_count)
    if not faces:
        raise NoFaceFound(video, "in no frame of the driving video")
    fixed = crop_box_from_faces(faces, height, width)
    tall = float(np.median([f.box[3] - f.box[1] for f in faces]))
    if fixed.side <= TOO_WIDE * tall / FACE_SHARE:
        return CropPath(np.zeros(1), np.array([[fixed.left, fixed.top, fixed.side]], dtype=float))
    boxes = [crop_box_from_faces([one], height, width) for one in faces]
    rows = np.array(
        [[box.left + box.side / 2, box.top + box.side / 2, box.side] for box in boxes], dtype=float
    )
    smooth = _smoothed(np.array(times), rows)
    smooth[:, :2] -= smooth[:, 2:] / 2
    return CropPath(np.array(times), smooth)


def _smoothed(times: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return rows (N, C) averaged over neighbouring times with a Gaussian, row block by row block."""
    result = np.empty_like(rows)
    for index, time in enumerate(times):
        first, last = np.searchsorted(times, (time - 3 * FOLLOW_SECONDS, time + 3 * FOLLOW_SECONDS))
        near = slice(first, max(last, first + 1))
        weight = np.exp(-0.5 * ((times[near] - time) / FOLLOW_SECONDS) ** 2)
        result[index] = weight @ rows[near] / weight.sum()
    return result
