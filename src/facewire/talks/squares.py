"""Head crops of a video at a constant rate, with its sound beside them: what the encoder of a talk reads.

file   pass 1 places the squares (animation/survey.py), pass 2 cuts
pipe   the first two seconds are held and place the square, which then goes after the head (talks/pipe_square.py)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from facewire.animation.animator import Animator
from facewire.animation.driving import HeadSquare, head_square, plan_of
from facewire.animation.survey import CropPlan, Progress
from facewire.base.errors import ConfigError, MediaError
from facewire.media.frame import Frame
from facewire.media.sound.sound_encoder import SoundTap
from facewire.media.timing.retime import retime
from facewire.media.video import VideoReader
from facewire.talks.pipe_square import PipeSquare

PIPE_SURVEY_SECONDS = 2
MOST_HELD = 250
"""Frames of a pipe that are held to place the square, whatever its rate."""
MOST_DENOMINATOR = 65535
"""Of a rate in the header of a talk."""


class Squares(Protocol):
    """Head crops at a constant rate, and their sound: `TalkSquares`, or pictures held in memory.

    `preview` yields those that can be seen before the first is coded, perhaps none; `name` is for error texts.
    """

    name: str

    rate: Fraction
    expected: int | None
    tap: SoundTap

    def __iter__(self) -> Iterator[HeadSquare]: ...

    def preview(self) -> Iterator[HeadSquare]: ...


class TalkSquares:
    """An open video as head crops, one per tick of its rate.

    with TalkSquares(animator, path) as squares:
        for square in squares: ...

    Args:
        animator: finds the head, and says how large crops are.
        path: the video; with a pipe, only its name.
        pipe: read from there instead.
        crop_mode: "auto" finds the head, "none" takes frames that are head crops already.
        face: which person, the most prominent first.
        start: seconds of the video, sound included, that are left out at its beginning.
        sound: whether the sound is taken along.
        kbit_per_s: of the sound.
        progress: told while the square is placed.

    Raises:
        MediaError: the video cannot be read, or ends before `start`.
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
        start: float = 0.0,
        sound: bool = True,
        kbit_per_s: int = 24,
        progress: Progress | None = None,
    ) -> None:
        if crop_mode not in ("auto", "none"):
            raise ConfigError("crop", crop_mode, "auto or none")
        if not start >= 0:
            raise ConfigError("start", start, "seconds, 0 or more")
        self.name = str(path)
        self._animator, self._path, self._start = animator, path, Fraction(start)
        self._plan: CropPlan | None = None
        self._held: list[Frame] = []
        self._seekable = pipe is None
        self._follower: PipeSquare | None = None
        if pipe is None:
            self._plan = plan_of(animator, path, crop_mode, face, progress)
        with ExitStack() as stack:
            self.tap = SoundTap(kbit_per_s)
            reader = stack.enter_context(
                VideoReader(path, pipe=pipe, hear=self.tap if sound else None, own_sizes=True)
            )
            self.rate = reader.rate.limit_denominator(MOST_DENOMINATOR)
            skipped = round(self._start * self.rate)
            self.expected = None if reader.frame_count is None else max(1, reader.frame_count - skipped)
            self._frames = self._from_start(reader, reader.start_time)
            first = next(self._frames, None)
            if first is None:
                raise MediaError(path, f"ends before second {float(start):g}: use a smaller --start")
            self.tap.begin(reader.sound, first.time)
            self._frames = chain([first], self._frames)
            if pipe is not None:
                self._held = list(
                    islice(self._frames, min(MOST_HELD, round(PIPE_SURVEY_SECONDS * self.rate)))
                )
                self._frames = chain(self._held, self._frames)
                if crop_mode == "auto":
                    self._follower = PipeSquare(animator.finder, path, face, self._held, animator.framing)
            self._close = stack.pop_all()

    def __iter__(self) -> Iterator[HeadSquare]:
        return self._squares(self._frames)

    def preview(self) -> Iterator[HeadSquare]:
        """Yield the head crops that can be seen before the first one is coded: of a file all, of a pipe the first two
        seconds'."""
        if not self._seekable:
            plan = None if self._follower is None else self._follower.standing()
            yield from (self._square(frame, plan) for frame in self._held)
            return
        with VideoReader(self._path, own_sizes=True) as reader:
            yield from self._squares(self._from_start(reader, reader.start_time))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close.close()

    def _from_start(self, reader: Iterable[Frame], origin: Fraction) -> Iterator[Frame]:
        return retime((frame for frame in reader if frame.time >= origin + self._start), self.rate)

    def _squares(self, frames: Iterable[Frame]) -> Iterator[HeadSquare]:
        for frame in frames:
            yield self._square(frame, self._plan if self._follower is None else self._follower.see(frame))

    def _square(self, frame: Frame, plan: CropPlan | None) -> HeadSquare:
        return head_square(frame, plan, self._animator.size)
