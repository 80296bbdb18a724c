"""Head crops of a video at a constant rate, with its sound beside them: what the encoder of a talk reads.

file   pass 1 places the square (`driving.survey`), pass 2 cuts
pipe   the first two seconds are held and place the square, which then stays
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np

from facewire.animation.animator import Animator, Pixels
from facewire.animation.driving import SURVEY_EVERY, CropPath, Progress, Watcher, square, survey
from facewire.base.errors import ConfigError, NoFaceFound
from facewire.face.crop import crop_box_from_faces
from facewire.media.frame import Frame
from facewire.media.retime import retime
from facewire.media.sound.sound_encoder import SoundTap
from facewire.media.video import VideoReader

PIPE_SURVEY_SECONDS = 2
MOST_HELD = 250
"""Frames of a pipe that are held to place the square, whatever its rate."""
MOST_DENOMINATOR = 65535
"""Of a rate in the header of a talk."""


class TalkSquares:
    """An open video as head crops, one per tick of its rate.

    with TalkSquares(animator, path) as squares:
        for square in squares: ...

    Args:
        animator: finds the head, and says how large crops are.
        path: the video; with a pipe, only its name.
        pipe: read from there instead.
        crop_mode: "auto" finds the head, "none" takes frames that are head crops already.
        face: which face, largest first.
        sound: whether the sound is taken along.
        kbit_per_s: of the sound.
        progress: told while the square is placed.

    Raises:
        MediaError: the video cannot be read.
        NoFaceFound: it shows no face where one is looked for.
    """

    def __init__(
        self,
        animator: Animator,
        path: str | Path,
        *,
        pipe: BinaryIO | None = None,
        crop_mode: str = "auto",
        face: int = 0,
        sound: bool = True,
        kbit_per_s: int = 24,
        progress: Progress | None = None,
    ) -> None:
        if crop_mode not in ("auto", "none"):
            raise ConfigError("crop", crop_mode, "auto or none")
        self._animator, self._path = animator, path
        self._crop: CropPath | None = None
        if crop_mode == "auto" and pipe is None:
            self._crop = survey(animator.finder, path, face, progress)
        with ExitStack() as stack:
            self.tap = SoundTap(kbit_per_s)
            reader = stack.enter_context(VideoReader(path, pipe=pipe, hear=self.tap if sound else None))
            self.rate = reader.rate.limit_denominator(MOST_DENOMINATOR)
            self.expected = reader.frame_count
            self._frames: Iterator[Frame] = retime(reader, self.rate)
            first = next(self._frames)
            self.tap.begin(reader.sound, first.time)
            self._frames = chain([first], self._frames)
            if crop_mode == "auto" and pipe is not None:
                self._crop = self._placed(face)
            self._close = stack.pop_all()

    def __iter__(self) -> Iterator[Pixels]:
        for frame in self._frames:
            yield square(frame, self._crop, self._animator.size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close.close()

    def _placed(self, face: int) -> CropPath:
        """Return where the square stands in a pipe, from its first frames."""
        held = list(islice(self._frames, min(MOST_HELD, round(PIPE_SURVEY_SECONDS * self.rate))))
        self._frames = chain(held, self._frames)
        watcher = Watcher(self._animator.finder, face)
        looks = [watcher.look(frame.pixels) for frame in held[::SURVEY_EVERY]]
        faces = [found for found in looks if found is not None]
        if not faces:
            raise NoFaceFound(self._path, f"in the first {PIPE_SURVEY_SECONDS} seconds of the pipe")
        box = crop_box_from_faces(faces, *held[0].pixels.shape[:2])
        return CropPath(np.zeros(1), np.array([[box.left, box.top, box.side]], dtype=float))
