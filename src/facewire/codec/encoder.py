"""MotionFrame to bytes: packets for a live connection, runs of frames for a file.

    frame -> points -> residuals against a reference -> (choose how many keypoints) -> range coder -> bytes

How many keypoints a frame needs is the caller's decision: `choose` gets a function that says what the
receiver would have at any count, and returns a count. Trials cost no coding, only a reconstruction each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from facewire.bitstream.packet import EPOCHS, FARTHEST, NUMBERS, PacketHead
from facewire.bitstream.rangecoder import RangeEncoder
from facewire.bitstream.sections import LAST_EPOCH, MOST_FRAMES, Run
from facewire.codec.frame_coder import FrameCoder
from facewire.codec.modes import ABSOLUTE, ANCHOR, NEXT, mode_of
from facewire.codec.quantizer import Quantizer
from facewire.codec.state import CoderState, MotionFrame
from facewire.codec.tables.artefact import CodecTables

Trial = Callable[[int], MotionFrame]
"""What the receiver would have if this many keypoints were sent, 1 to K."""
Choose = Callable[[Trial], int]
"""A caller's rule: tries some counts and returns the one to send."""


def smallest_sufficient(good: Callable[[MotionFrame], bool], counts: range | tuple[int, ...]) -> Choose:
    """Return the rule that sends the first of `counts` (increasing) that `good` accepts, else the last.

    Args:
        good: says whether a decoded frame is good enough, for example by rendering it and comparing the
            perceptual distance with that of all keypoints.
        counts: the counts worth trying.
    """

    def choose(trial: Trial) -> int:
        for count in counts[:-1]:
            if good(trial(count)):
                return count
        return counts[-1]

    return choose


class _MotionEncoder:
    """What both profiles share: quantising, choosing, coding one frame."""

    def __init__(self, tables: CodecTables) -> None:
        self.tables = tables
        self._coder, self._quantizer = FrameCoder(tables), Quantizer(tables)
        self._anchor = self._latest = self._coder.zero

    @property
    def latest(self) -> MotionFrame:
        """What the receiver makes of the frame (or anchor) coded last."""
        return self._quantizer.frame(self._latest.levels, self._latest.kept)

    @property
    def levels(self) -> Sequence[int]:
        """The coefficients of the frame (or anchor) coded last."""
        return self._latest.levels

    def reference(self, motion: MotionFrame) -> bytes:
        """Return a motion coded by itself, as a reference section holds it; nothing else changes."""
        encoder, latest = RangeEncoder(), self._latest
        self._code(encoder, ABSOLUTE, self._coder.zero, motion, None)
        self._latest = latest
        return encoder.finish() or bytes(1)

    def _start_epoch(self, motion: MotionFrame | None) -> bytes:
        """Take a source's own motion as the anchor (None: the zero state) and return its bytes."""
        if motion is None:
            self._anchor = self._latest = self._coder.zero
            return b""
        encoder = RangeEncoder()
        self._anchor = self._code(encoder, ABSOLUTE, self._coder.zero, motion, None)
        return encoder.finish()

    def _code(
        self,
        encoder: RangeEncoder,
        mode: int,
        reference: CoderState,
        frame: MotionFrame,
        choose: Choose | None,
    ) -> CoderState:
        prediction = self._coder.predict(mode, reference)
        residuals = self._quantizer.residuals(self._quantizer.points(frame), prediction)
        kept = frame.used
        if choose is not None:
            kept = choose(self._trial(reference, prediction, residuals))
            if not 1 <= kept <= self.tables.keypoints:
                raise ValueError(f"the rule chose {kept} of {self.tables.keypoints} keypoints")
        self._latest = self._coder.write(encoder, mode, reference, residuals, kept)
        return self._latest

    def _trial(self, reference: CoderState, prediction: list[int], residuals: list[int]) -> Trial:
        def trial(kept: int) -> MotionFrame:
            count = self.tables.columns[kept - 1]
            levels = [p + r for p, r in zip(prediction[:count], residuals)] + reference.levels[count:]
            return self._quantizer.frame(levels, kept)

        return trial


class FileEncoder(_MotionEncoder):
    """Profile file: frames in groups, each frame coded from the one before it.

    Args:
        tables: coding tables of the model.
        group: frames in a group, 1 to 1024; a reader can start at each group. 250 is 10 s at 25 fps.
    """

    def __init__(self, tables: CodecTables, group: int = 250) -> None:
        super().__init__(tables)
        if not 1 <= group <= MOST_FRAMES:
            raise ValueError(f"a group of {group} frames is not possible: 1 to {MOST_FRAMES}")
        self.group = group
        self.epoch = -1
        self.number = 0
        """Of the next frame."""
        self._encoder = RangeEncoder()
        self._state: CoderState | None = None
        self._first = 0

    def source(self, motion: MotionFrame | None) -> bytes:
        """Begin an epoch and return the anchor for its source section.

        The open group must be taken with `flush` first: a group belongs to one epoch.
        """
        if self._state is not None:
            raise ValueError("flush the open group before a new source")
        self.epoch += 1
        return self._start_epoch(motion)

    def encode(self, frame: MotionFrame, choose: Choose | None = None) -> Run | None:
        """Add a frame and return the group if that completed it.

        Args:
            frame: the motion; without `choose` its `kept` is used.
            choose: decides how many keypoints are sent.
        """
        if self.epoch < 0:
            raise ValueError("a source comes first")
        mode, reference = (ANCHOR, self._anchor) if self._state is None else (NEXT, self._state)
        self._state = self._code(self._encoder, mode, reference, frame, choose)
        self.number += 1
        return self.flush() if self.number - self._first == self.group else None

    def flush(self) -> Run | None:
        """Return the frames not returned yet, or None if there are none; the next frame begins a group."""
        if self._state is None:
            return None
        run = Run(self._first, self.number - self._first, self.epoch, self._encoder.finish())
        self._encoder, self._state, self._first = RangeEncoder(), None, self.number
        return run


@dataclass(frozen=True, slots=True)
class SentPacket:
    """A packet of profile stream: number of its frame (not wrapped), distance to its reference, bytes."""

    number: int
    distance: int
    data: bytes


class StreamEncoder(_MotionEncoder):
    """Profile stream: every packet builds on the source or on a frame whose arrival was confirmed.

    Args:
        tables: coding tables of the model.
        refresh: send every n-th frame from the anchor even if confirmed frames are at hand; None: never.
    """

    def __init__(self, tables: CodecTables, refresh: int | None = None) -> None:
        super().__init__(tables)
        self.refresh = refresh
        self.epoch = -1
        self.number = 0
        """Of the next frame."""
        self._sent: dict[int, CoderState] = {}
        self._confirmed = -1

    def source(self, motion: MotionFrame | None) -> bytes:
        """Begin an epoch and return the anchor for its source section.

        Call it once the receiver holds the section: from then on packets may build on this anchor.
        """
        if self.epoch == LAST_EPOCH:
            raise ValueError("a stream has at most 65536 sources")
        self.epoch += 1
        return self._start_epoch(motion)

    def acknowledge(self, number: int) -> None:
        """Note that the receiver has decoded frame `number`. Unknown and old numbers are ignored."""
        if number > self._confirmed and number in self._sent:
            self._confirmed = number

    def encode(
        self, frame: MotionFrame, choose: Choose | None = None, *, chained: bool = False
    ) -> SentPacket:
        """Return the packet of the next frame.

        Args:
            frame: the motion; without `choose` its `kept` is used.
            choose: decides how many keypoints are sent.
            chained: build on the frame before, because both travel in one message and arrive together or not at all.
        """
        if self.epoch < 0:
            raise ValueError("a source comes first")
        distance = 1 if chained and self.number - 1 in self._sent else self._distance()
        reference = self._sent[self.number - distance] if distance else self._anchor
        encoder = RangeEncoder()
        state = self._code(encoder, mode_of(distance), reference, frame, choose)
        head = PacketHead(self.number % NUMBERS, distance, self.epoch % EPOCHS)
        packet = SentPacket(self.number, distance, head.to_bytes() + encoder.finish())
        self._sent[self.number] = state
        self._sent.pop(self.number - FARTHEST, None)
        self.number += 1
        return packet

    def _distance(self) -> int:
        """Return how far the newest confirmed frame is, or 0 for the anchor."""
        if self.refresh and self.number % self.refresh == 0:
            return 0
        distance = self.number - self._confirmed
        return distance if self._confirmed >= 0 and distance <= FARTHEST else 0
