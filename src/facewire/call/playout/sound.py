"""Sound of one connection: pieces of 40 to 120 ms out, and what came back in, played along the shared clock.

SoundIntake (media) -> Microphone: pieces of any length, silence where nothing came -> OpusEncoder
OpusDecoder -> Loudspeaker: read n samples at any moment; late and lost packets are covered, drift stretched away
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from facewire.base.errors import BitstreamError
from facewire.call.playout.playout import RATE, Playout
from facewire.media.sound.opus import PACKET_SAMPLES, OpusDecoder, Sound

Samples = NDArray[np.float32]

MOST_WAITING = 12
"""Pieces of sound, about half a second, that wait at most; older ones are dropped."""
MOST_STORED = 64
"""Packets that wait at most to be played."""
SPARE_PACKETS = 50
"""Over 2 s a few samples more than a piece are left over each time: this machine was busy once; they are left out."""
PIECE = PACKET_SAMPLES // 2
"""Samples that come from the page at once, 20 ms; so many may be left over, and losses are covered in such pieces."""
BLEND = 240
"""Samples over which sound is blended where some is left out, was covered, or another encoder begins: 5 ms."""
STRETCH = 0.04
"""Largest change of speed while sound catches up or falls back."""
SETTLE_SECONDS = 0.5
"""A difference from the clock is made up over this time."""
JUMP, EARLIEST = 0.12, 0.06
"""Seconds; sound that is later than the clock jumps forwards, sound that is earlier waits, with more of what was."""
FADE_PIECES = 4
"""Lost pieces in a row that are covered with what was before, fading; then silence."""


class Microphone:
    """Gathers sound that comes in uneven pieces and gives it out in packets."""

    def __init__(self) -> None:
        self.missing = 0
        """Samples of silence put in because nothing came."""
        self.muted = False
        self._pieces: deque[Sound] = deque(maxlen=MOST_WAITING * 2)
        self._left: deque[int] = deque(maxlen=SPARE_PACKETS)

    def put(self, sound: Sound) -> None:
        """Add sound as it comes."""
        if len(sound):
            self._pieces.append(sound)

    def take(self, count: int = PACKET_SAMPLES) -> Sound:
        """Return the next `count` samples; what has not come is silence."""
        out = np.zeros(count, np.int16)
        filled = 0
        while self._pieces and filled < count:
            piece = self._pieces.popleft()
            part = piece[: count - filled]
            out[filled : filled + len(part)] = part
            filled += len(part)
            if len(part) < len(piece):
                self._pieces.appendleft(piece[len(part) :])
        self.missing += count - filled
        waiting = sum(len(piece) for piece in self._pieces)
        while waiting > MOST_WAITING * PACKET_SAMPLES // 2:
            waiting -= len(self._pieces.popleft())
        self._left.append(waiting)
        if len(self._left) == SPARE_PACKETS and min(self._left) >= PIECE + BLEND:
            self._leave_out(min(self._left) - PIECE)
        return np.zeros_like(out) if self.muted else out

    def _leave_out(self, count: int) -> None:
        """Leave out the oldest samples that wait, so that sound is not late for ever."""
        waiting = np.concatenate(self._pieces)
        share = np.linspace(0, 1, BLEND)
        blend = (1 - share) * waiting[:BLEND] + share * waiting[count : count + BLEND]
        self._pieces.clear()
        self._pieces.append(np.concatenate((np.asarray(np.rint(blend), np.int16), waiting[count + BLEND :])))
        self._left.clear()


class Loudspeaker:
    """Plays one connection's sound along the shared clock.

    What was lost, or has not come yet, is covered with the sound before it, played backwards and forwards and fading,
    so that nothing clicks. While the clock says that there is time, it waits for the next packet like that.
    """

    def __init__(self, playout: Playout) -> None:
        self.concealed = self.waited = self.played = self.refused = 0
        """Pieces of 20 ms covered up, put in while waiting, played; packets that were no sound."""
        self._playout = playout
        self._decoder = OpusDecoder()
        self._packets: dict[int, tuple[int, bytes, bool]] = {}
        self._position: float | None = None
        self._tail = np.zeros(0, np.float32)
        self._tail_end = 0
        self._last = np.zeros(FADE_PIECES * PIECE, np.float32)
        self._lost = 0
        self._kind = (0, 0, False)
        """Bytes and samples of the packet before, and whether it was a copy: another kind means another encoder."""

    @property
    def position(self) -> float | None:
        """Media time of the next sample that will be played."""
        return self._position

    def put(self, start: int, packet: bytes, samples: int = PACKET_SAMPLES, *, copy: bool = False) -> None:
        """Take the packet of `samples` whose first has media time `start`; both are multiples of 960."""
        if self._position is not None and start + samples <= self._tail_end:
            return
        self._packets[start] = samples, packet, copy
        if len(self._packets) > MOST_STORED:
            del self._packets[min(self._packets)]

    def read(self, count: int, now: float) -> Sound:
        """Return the samples of the next `count` / 48000 seconds."""
        wanted = self._playout.position(now)
        if wanted is None:
            return np.zeros(count, np.int16)
        if self._position is None or wanted - self._position > JUMP * RATE:
            self._jump(wanted)
        position = self._position or 0.0
        speed = 1 + min(max((wanted - position) / RATE / SETTLE_SECONDS, -STRETCH), STRETCH)
        position = self._fill(position, speed * count, wanted)
        places = position + speed * np.arange(count)
        self._position = position + speed * count
        begin = self._tail_end - len(self._tail)
        out = np.interp(places - begin, np.arange(len(self._tail)), self._tail)
        keep = max(0, int(self._position) - begin - PIECE)
        self._tail = self._tail[keep:]
        return np.asarray(np.rint(out), np.int16)

    def _jump(self, position: float) -> None:
        start = int(position // PIECE) * PIECE
        self._position, self._tail, self._tail_end = position, np.zeros(0, np.float32), start
        for old in [begin for begin, (samples, *_) in self._packets.items() if begin + samples <= start]:
            del self._packets[old]

    def _fill(self, position: float, count: float, wanted: float) -> float:
        """Have `count` samples after `position`, and return the position; it is earlier if it was waited."""
        while self._tail_end <= position + count + 1:
            early = position - wanted
            sound = self._came(self._tail_end) if early <= EARLIEST * RATE else None
            if sound is None and early >= PIECE:
                sound = self._cover()
                self.waited += 1
                position -= PIECE
            else:
                if sound is None:
                    sound = self._cover()
                    self.concealed += 1
                self._tail_end += len(sound)
            self._tail = np.concatenate((self._tail, sound))
        return position

    def _came(self, at: int) -> Samples | None:
        """Return the rest of the packet that holds media time `at`, None if there is none."""
        starts = [start for start, (samples, *_) in self._packets.items() if start <= at < start + samples]
        if not starts:
            return None
        samples, packet, copy = self._packets.pop(starts[0])
        try:
            sound = self._decoder.decode(packet).astype(np.float32)
        except BitstreamError:
            sound = np.zeros(0, np.float32)
        if len(sound) != samples:
            self.refused += 1
            return None
        rest: Samples = sound[at - starts[0] :]
        begins, self._kind = self._kind, (len(packet), samples, copy)
        if len(self._tail) and begins != self._kind and not (self._lost or copy or begins[2]):
            fade = np.linspace(1, 0, BLEND, dtype=np.float32)
            rest[:BLEND] += fade * (self._last[: -BLEND - 1 : -1] - rest[:BLEND])
        elif len(self._tail) and (self._lost or begins != self._kind):
            rest[:BLEND] += (self._tail[-1] - rest[0]) * np.linspace(1, 0, BLEND, dtype=np.float32)
        self.played += len(rest) // PIECE
        self._lost = 0
        self._last = np.concatenate((self._last, sound))[-FADE_PIECES * PIECE :]
        return rest

    def _cover(self) -> Samples:
        """Return a piece that goes on where the sound ends, and fades if nothing comes."""
        self._lost += 1
        if self._lost > FADE_PIECES:
            return np.zeros(PIECE, np.float32)
        loud, soft = 1 - (self._lost - 1) / FADE_PIECES, 1 - self._lost / FADE_PIECES
        backwards = self._last[::-1][(self._lost - 1) * PIECE : self._lost * PIECE]
        covered: Samples = backwards * np.linspace(loud, soft, PIECE, dtype=np.float32)
        return covered
