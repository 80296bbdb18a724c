"""The receiver's half of the face stream: messages in any order in, the motion to show at any moment out.

    message -> StreamDecoder -> frames by capture time -> due? -> fresh | filled between two | held | eased to rest

Capture times are in samples of the sender's sound clock; `Playout` says when each is due.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import Literal

from facewire.base.errors import BitstreamError, MissingReference
from facewire.call.playout.concealment import Concealment, between
from facewire.call.playout.playout import RATE, Playout
from facewire.codec.decoder import StreamDecoder
from facewire.codec.state import MotionFrame
from facewire.codec.tables.artefact import CodecTables
from facewire.transport.face_message import NUMBERS, UNIT_MS, Acknowledgement

MOST_WAITING = 50
"""Decoded frames that wait at most to be shown: 2 s."""
GAP = 1.6
"""A frame is missing between two that are this many usual intervals apart."""
HOLD, LEAST_HOLD, HOLD_SECONDS = 3.0, 1.5, 0.16
"""Usual intervals for which the last frame is held when nothing follows, 0.12 s at 25 frames a second; no longer than
so many seconds, unless frames come so slowly that it would be less than the least."""
INTERVALS = 25
"""Frames over which the usual interval is measured."""
LONGEST_INTERVAL = 0.2
"""Seconds; however slowly frames come, the hold ends after 0.3 s."""
PERIOD = 0.04
"""Seconds between pictures where the sender leaves out frames and they are drawn here."""
MOST_NUMBERS = 64
"""Frame numbers that are remembered, so that a frame that comes twice counts once."""
KEPT_SOURCES = 4
"""As many as a stream can tell apart."""

Kind = Literal["fresh", "filled", "eased"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A decoded frame: number, capture time in samples, epoch of its source, motion."""

    number: int
    capture: int
    epoch: int
    motion: MotionFrame


@dataclass(frozen=True, slots=True)
class Show:
    """What to render now: the motion, the epoch of its source, the capture time (samples), how it came about."""

    motion: MotionFrame
    epoch: int
    capture: float
    kind: Kind


class FaceReceiver:
    """Decodes one connection's face stream and says what to show when.

    Args:
        tables: coding tables of the model.
        playout: the clock that sound and face share.
        period: seconds between frames.
    """

    def __init__(self, tables: CodecTables, playout: Playout, period: float = 0.04) -> None:
        self.decoded = self.late = self.refused = self.unreferenced = 0
        """Frames decoded; of them too late to be shown; packets that were none; packets whose source is missing."""
        self.thinned = False
        """The sender leaves out frames."""
        self._decoder = StreamDecoder(tables)
        self._numbers: deque[int] = deque(maxlen=MOST_NUMBERS)
        self._playout = playout
        self._waiting: dict[int, Waiting] = {}
        self._newest: tuple[int, float] | None = None
        self._shown: Show | None = None
        """The last picture that stands for the sender's own frames; `_visible` may be on its way to rest."""
        self._concealments: dict[int, Concealment] = {}
        self._intervals: deque[float] = deque((period,), maxlen=INTERVALS)
        self._last_capture: int | None = None
        self._visible: Show | None = None

    def source(self, epoch: int, anchor: bytes) -> MotionFrame:
        """Take the anchor of a source and return the source's own motion.

        Raises:
            BitstreamError: the anchor is damaged.
        """
        motion = self._decoder.source(epoch, anchor)
        self._concealments[epoch] = Concealment(motion)
        for old in sorted(self._concealments)[:-KEPT_SOURCES]:
            del self._concealments[old]
        return motion

    def take(self, packet: bytes, capture: int, now: float) -> bool:
        """Take a face packet; say whether it could be decoded.

        Args:
            packet: its bytes.
            capture: when its picture was taken, samples of the sender's clock.
            now: seconds.
        """
        try:
            frame = self._decoder.decode(packet)
        except MissingReference:
            self.unreferenced += 1
            return False
        except BitstreamError:
            self.refused += 1
            return False
        if frame.number in self._numbers:
            return True
        self.decoded += 1
        self._numbers.append(frame.number)
        self._playout.face_came(capture, now)
        if self._newest is None or frame.number > self._newest[0]:
            self._newest = (frame.number, now)
        if self._shown is not None and capture <= self._shown.capture:
            self.late += 1
            return True
        self._waiting[frame.number] = Waiting(frame.number, capture, frame.epoch, frame.motion)
        if len(self._waiting) > MOST_WAITING:
            del self._waiting[min(self._waiting)]
        return True

    def acknowledgement(self, now: float) -> Acknowledgement | None:
        """Return what to confirm to the sender."""
        if self._newest is None:
            return None
        number, came = self._newest
        return Acknowledgement(number % NUMBERS, int(1000 * (now - came) / UNIT_MS))

    def due(self, now: float) -> Show | None:
        """Return what to render at `now`, or None if the picture stays as it is."""
        media = self._playout.face_position(now)
        if media is None:
            return None
        fresh = self._take_due(media)
        if fresh is None:
            return self._conceal(media)
        if self._last_capture is not None:
            self._intervals.append((fresh.capture - self._last_capture) / RATE)
        self._last_capture = fresh.capture
        concealment = self._concealments.get(fresh.epoch)
        motion = fresh.motion if concealment is None else concealment.arrive(fresh.motion, now)
        self._shown = self._visible = Show(motion, fresh.epoch, fresh.capture, "fresh")
        return self._shown

    def _take_due(self, media: float) -> Waiting | None:
        """Return the newest frame whose time has come, and forget the older ones."""
        ready = [frame for frame in self._waiting.values() if frame.capture <= media]
        if not ready:
            return None
        newest = max(ready, key=lambda frame: frame.capture)
        for frame in ready:
            del self._waiting[frame.number]
        self.late += len(ready) - 1
        return newest

    def _conceal(self, media: float) -> Show | None:
        """Return a picture between the one that is seen and the next that waits, or one on the way to rest."""
        last, seen = self._shown, self._visible
        interval = min(LONGEST_INTERVAL, median(self._intervals))
        pace = PERIOD if self.thinned else interval
        if last is None or seen is None or media - seen.capture < pace * RATE:
            return None
        concealment = self._concealments.get(last.epoch)
        later = min(self._waiting.values(), key=lambda frame: frame.capture, default=None)
        if later is not None and later.epoch == last.epoch:
            gap = later.capture - seen.capture
            if gap < GAP * pace * RATE:
                return None
            motion = between(seen.motion, later.motion, min(1.0, (media - seen.capture) / gap))
            if concealment is not None:
                concealment.back()
            self._shown = self._visible = Show(motion, last.epoch, media, "filled")
            return self._shown
        hold = max(LEAST_HOLD * interval, min(HOLD * interval, HOLD_SECONDS))
        silence = (media - last.capture) / RATE - hold
        eased = concealment.ease(last.motion, silence) if concealment is not None and silence > 0 else None
        if eased is None:
            return None
        self._visible = Show(eased, last.epoch, media, "eased")
        return self._visible
