"""The sender's half of the sound: pieces of any step in, packets out, and small copies of earlier ones."""

from __future__ import annotations

from collections import deque

import numpy as np

from facewire.call.line.steps import Step
from facewire.media.sound.opus import AHEAD, OpusEncoder, Sound

MOST_COPIES = 12


class SoundSender:
    """Codes one connection's sound."""

    def __init__(self) -> None:
        self._past = np.zeros(0, np.int16)
        self._encoders: dict[int, tuple[int, OpusEncoder]] = {}
        self._copies: deque[tuple[int, bytes]] = deque(maxlen=MOST_COPIES)

    def encode(self, sound: Sound, start: int, step: Step, *, copies: int = 0) -> bytes:
        """Return the packet of a piece as long as the step's packets; the step may be another one each time.

        Args:
            sound: the piece.
            start: its media time, samples.
            step: how to code it.
            copies: bits per second of the copies that may be wanted later, at most the step's; 0: none will be.
        """
        packet = self._encoder(0, step.sound_bit_rate, step.packet_ms).encode(sound)
        if not copies:
            self._copies.clear()
            self._encoders.pop(1, None)
        elif step.sound_bit_rate == copies:
            self._copies.append((start, packet))
        else:
            copy = self._encoder(1, copies, step.packet_ms).encode(sound)
            self._copies.append((start, copy))
        self._past = sound[-AHEAD:]
        return packet

    def copy(self, back: int) -> tuple[int, bytes] | None:
        """Return media time and packet of the copy of the sound `back` packets before the newest, if there is one."""
        return self._copies[-1 - back] if back < len(self._copies) else None

    def _encoder(self, place: int, bit_rate: int, packet_ms: int) -> OpusEncoder:
        held = self._encoders.get(place)
        if held is None or held[0] != bit_rate or held[1].samples != packet_ms * 48:
            held = bit_rate, OpusEncoder(bit_rate, packet_ms, self._past if len(self._past) else None)
            self._encoders[place] = held
        return held[1]
