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
COVER, OTHER = (0, 0), (0, 1)
"""Kinds of sound beside packets, which are told apart by their bytes and samples: what covers losses, and what does
not go on where the decoder was: copies, and wherever the clock jumped."""
FADE = np.linspace(1, 0, BLEND, dtype=np.float32)


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

    What was lost is taken from its copy; if that has not come either, the decoder goes on with what was, fading.
    Wherever another coder begins the sound is blended with that before it, played backwards, so that nothing clicks.
    While the clock says that there is time, it waits for the next packet like that.
    """

    def __init__(self, playout: Playout) -> None:
        self.concealed = self.waited = self.played = self.refused = 0
        """Pieces of 20 ms covered up, put in while waiting, played; packets that were no sound."""
        self._playout = playout
        self._decoder = OpusDecoder()
        self._copy_decoder = OpusDecoder()
        self._packets: dict[int, tuple[int, bytes]] = {}
        self._copies: dict[int, Samples] = {}
        self._position: float | None = None
        self._tail = np.zeros(0, np.float32)
        self._tail_end = 0
        self._last = np.zeros(BLEND, np.float32)
        self._kind = COVER
        """Bytes and samples of the packet before, or what was in its place."""

    @property
    def position(self) -> float | None:
        """Media time of the next sample that will be played."""
        return self._position

    def put(self, start: int, packet: bytes, samples: int = PACKET_SAMPLES) -> None:
        """Take the packet of `samples` whose first has media time `start`; both are multiples of 960."""
        if not self._past(start + samples):
            self._packets[start] = samples, packet
            if len(self._packets) > MOST_STORED:
                del self._packets[min(self._packets)]

    def put_copy(self, start: int, packet: bytes, samples: int) -> None:
        """Take a copy of that sound, coded by another encoder. Hand in every one: each is decoded after the last."""
        sound = self._decoded(self._copy_decoder, packet, samples)
        if sound is not None and not self._past(start + samples) and start not in self._packets:
            self._copies[start] = sound
            if len(self._copies) > MOST_STORED:
                del self._copies[min(self._copies)]

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

    def _past(self, end: int) -> bool:
        """Say whether sound that ends at a media time comes too late."""
        return self._position is not None and end <= self._tail_end

    def _jump(self, position: float) -> None:
        start = int(position // PIECE) * PIECE
        heard = int(self._position or 0) - self._tail_end + len(self._tail)
        if heard >= BLEND:
            self._last, self._kind = self._tail[heard - BLEND : heard], OTHER
        self._position, self._tail, self._tail_end = position, np.zeros(0, np.float32), start
        for old in [begin for begin, (samples, _) in self._packets.items() if begin + samples <= start]:
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
        """Return the rest of the packet that holds media time `at`, or of its copy; None if neither is there."""
        start = next((one for one, (samples, _) in self._packets.items() if one <= at < one + samples), None)
        sound = None if start is None else self._original(at - start, *self._packets.pop(start))
        return self._copied(at) if sound is None else self._played(sound)

    def _original(self, begin: int, samples: int, packet: bytes) -> Samples | None:
        """Return the sound of a packet from a sample on."""
        sound = self._decoded(self._decoder, packet, samples)
        return None if sound is None else self._tied(sound[begin:], (len(packet), samples))

    def _copied(self, at: int) -> Samples | None:
        """Return the rest of the copy that holds media time `at`, None if there is none."""
        start = next((one for one, sound in self._copies.items() if one <= at < one + len(sound)), None)
        if start is None:
            return None
        rest = self._copies.pop(start)[at - start :]
        for _ in range(len(rest) // PIECE):
            self._decoder.cover()  # what it says is not heard, but the next packet ties on to it
        return self._played(self._tied(rest, OTHER))

    def _tied(self, sound: Samples, kind: tuple[int, int]) -> Samples:
        """Return sound that begins where the last piece ends; of another kind it comes from another coder."""
        if kind != self._kind:
            sound[:BLEND] += FADE * (self._last[::-1] - sound[:BLEND])
        self._kind = kind
        return sound

    def _played(self, sound: Samples) -> Samples:
        self.played += len(sound) // PIECE
        self._last = sound[-BLEND:]
        return sound

    def _decoded(self, decoder: OpusDecoder, packet: bytes, samples: int) -> Samples | None:
        try:
            sound = decoder.decode(packet).astype(np.float32)
        except BitstreamError:
            sound = np.zeros(0, np.float32)
        self.refused += len(sound) != samples
        return sound if len(sound) == samples else None

    def _cover(self) -> Samples:
        """Return a piece that goes on where the sound ends, and fades if nothing comes."""
        sound = self._decoder.cover().astype(np.float32)
        if self._kind == OTHER:
            sound = self._tied(sound, COVER)
        self._kind = COVER
        self._last = sound[-BLEND:]
        return sound
