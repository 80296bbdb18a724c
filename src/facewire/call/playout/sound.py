"""Sound of one connection: pieces of 40 ms out, and what came back in, played along the shared clock.

SoundIntake (media) -> Microphone: pieces of 40 ms, silence where nothing came -> OpusEncoder
OpusDecoder -> Loudspeaker: read n samples at any moment; late and lost packets are covered, drift stretched away
"""

from __future__ import annotations

from collections import deque

import numpy as np

from facewire.base.errors import BitstreamError
from facewire.call.playout.playout import RATE, Playout
from facewire.media.sound.opus import PACKET_SAMPLES, OpusDecoder, Sound

MOST_WAITING = 12
"""Pieces of sound, about half a second, that wait at most; older ones are dropped."""
MOST_STORED = 64
"""Packets that wait at most to be played."""
SPARE_PACKETS = 50
"""Over 2 s a few samples more than a piece are left over each time: this machine was busy once; they are left out."""
PIECE = PACKET_SAMPLES // 2
"""Samples that come from the page at once; so many may be left over."""
BLEND = 240
"""Samples over which sound is blended where some is left out, 5 ms."""
STRETCH = 0.04
"""Largest change of speed while sound catches up or falls back."""
SETTLE_SECONDS = 0.5
"""A difference from the clock is made up over this time."""
JUMP = 0.12
"""Seconds; a larger difference is not made up but jumped over."""
REPEATS = 2
"""Lost packets in a row covered with the one before, fading; then silence."""


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

    def take(self) -> Sound:
        """Return the next 1920 samples; what has not come is silence."""
        out = np.zeros(PACKET_SAMPLES, np.int16)
        filled = 0
        while self._pieces and filled < PACKET_SAMPLES:
            piece = self._pieces.popleft()
            part = piece[: PACKET_SAMPLES - filled]
            out[filled : filled + len(part)] = part
            filled += len(part)
            if len(part) < len(piece):
                self._pieces.appendleft(piece[len(part) :])
        self.missing += PACKET_SAMPLES - filled
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
    """Plays one connection's sound along the shared clock."""

    def __init__(self, playout: Playout) -> None:
        self.concealed = self.played = self.refused = 0
        """Packets covered up, packets played, packets that were no sound."""
        self._playout = playout
        self._decoder = OpusDecoder()
        self._packets: dict[int, bytes] = {}
        self._position: float | None = None
        self._tail = np.zeros(0, np.float32)
        self._tail_end = 0
        self._last = np.zeros(PACKET_SAMPLES, np.float32)
        self._lost = 0

    @property
    def position(self) -> float | None:
        """Media time of the next sample that will be played."""
        return self._position

    def put(self, start: int, packet: bytes) -> None:
        """Take the packet whose first sample has media time `start`, a multiple of 1920."""
        if self._position is not None and start + PACKET_SAMPLES <= self._tail_end:
            return
        self._packets[start] = packet
        if len(self._packets) > MOST_STORED:
            del self._packets[min(self._packets)]

    def read(self, count: int, now: float) -> Sound:
        """Return the samples of the next `count` / 48000 seconds."""
        wanted = self._playout.position(now)
        if wanted is None:
            return np.zeros(count, np.int16)
        if self._position is None or abs(wanted - self._position) > JUMP * RATE:
            self._jump(wanted)
        position = self._position or 0.0
        speed = 1 + min(max((wanted - position) / RATE / SETTLE_SECONDS, -STRETCH), STRETCH)
        places = position + speed * np.arange(count)
        self._fill(places[-1] + 1)
        self._position = position + speed * count
        begin = self._tail_end - len(self._tail)
        out = np.interp(places - begin, np.arange(len(self._tail)), self._tail)
        keep = max(0, int(self._position) - begin - 2)
        self._tail = self._tail[keep:]
        return np.asarray(np.rint(out), np.int16)

    def _jump(self, position: float) -> None:
        start = int(position // PACKET_SAMPLES) * PACKET_SAMPLES
        self._position, self._tail, self._tail_end = position, np.zeros(0, np.float32), start
        for old in [begin for begin in self._packets if begin < start]:
            del self._packets[old]

    def _fill(self, until: float) -> None:
        while self._tail_end <= until:
            self._tail = np.concatenate((self._tail, self._piece(self._tail_end)))
            self._tail_end += PACKET_SAMPLES

    def _piece(self, start: int) -> np.ndarray:
        """Return the samples of one packet, or what covers its loss."""
        packet = self._packets.pop(start, None)
        if packet is not None:
            try:
                sound = self._decoder.decode(packet).astype(np.float32)
            except BitstreamError:
                self.refused += 1
            else:
                self.played += 1
                self._lost = 0
                self._last = np.resize(sound, PACKET_SAMPLES) if len(sound) else self._last
                return self._last
        self.concealed += 1
        self._lost += 1
        if self._lost > REPEATS:
            return np.zeros(PACKET_SAMPLES, np.float32)
        loud, soft = 0.5 ** (self._lost - 1), 0.5**self._lost if self._lost < REPEATS else 0.0
        fade: np.ndarray = np.linspace(loud, soft, PACKET_SAMPLES, dtype=np.float32)
        covered: np.ndarray = self._last * fade
        return covered
