"""The sound of a video as Opus packets, made while the video is read.

    packet of any codec -> decoded -> 48 kHz, mono or stereo -> one gapless line of samples -> 20 ms packets

Sample 0 is heard with the first frame of the video: what comes earlier is cut off, gaps are filled with silence.
Memory holds what is decoded but not yet taken. Damage thins the sound, with a warning.
"""

from __future__ import annotations

import logging
from collections import deque
from fractions import Fraction
from typing import Final

import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.codec.context import CodecContext
from av.packet import Packet
from numpy.typing import NDArray

from facewire.base.errors import ConfigError
from facewire.media.libav_errors import FOREIGN, one_line
from facewire.media.timing.steady_clock import SteadyClock

_log = logging.getLogger(__name__)

RATE: Final = 48000
"""Samples a second inside Opus, whatever the original has."""
PACKET: Final = 960
"""Samples a packet: 20 ms."""
LOWEST_RATE, HIGHEST_RATE = 6, 256
"""kbit/s."""
_JITTER = Fraction(1, 20)
"""Seconds by which times of sound may be off without meaning a gap."""
_LONGEST_GAP = 3600 * RATE
"""Samples; a longer one is a broken time."""


class SoundEncoder:
    """Takes the packets of one sound stream and hands out Opus packets.

    encoder = SoundEncoder(stream, origin)
    encoder.take(packet) ...
    for data in encoder.packets(until): ...

    Args:
        stream: the sound.
        origin: time of the first video frame on the file's clock, seconds.
        kbit_per_s: 6 to 256.

    Raises:
        ConfigError: the rate is out of range.
    """

    def __init__(self, stream: AudioStream, origin: Fraction, kbit_per_s: int = 24) -> None:
        if not LOWEST_RATE <= kbit_per_s <= HIGHEST_RATE:
            raise ConfigError("audio rate", kbit_per_s, f"{LOWEST_RATE} to {HIGHEST_RATE} kbit/s")
        self._stream, self._origin = stream, origin
        self.rate = stream.codec_context.sample_rate
        """Samples a second of the original."""
        self.channels = 1 if stream.codec_context.channels == 1 else 2
        layout = "mono" if self.channels == 1 else "stereo"
        self._resampler = AudioResampler("s16", layout, RATE)
        context = CodecContext.create("libopus", "w")
        assert isinstance(context, AudioCodecContext)
        context.sample_rate, context.layout, context.format = RATE, layout, "s16"
        context.bit_rate = 1000 * kbit_per_s
        context.time_base = Fraction(1, RATE)
        context.open()
        self._context, self._layout = context, layout
        head = context.extradata or b""
        self.pre_skip = int.from_bytes(head[10:12], "little")
        """Samples at 48 kHz that a decoder discards at the start."""
        self._clock = SteadyClock()
        self._waiting = np.zeros(0, np.int16)
        self._end = 0
        """Samples (per channel) that were given so far, those waiting included."""
        self._coded = 0
        self._ready: deque[bytes] = deque()
        self._taken = 0

    def take(self, packet: Packet[AudioStream]) -> None:
        """Take the next packet of the stream."""
        for frame in self._decoded(packet):
            self._add(frame)

    def finish(self) -> None:
        """Take the end of the stream."""
        for frame in self._decoded(None):
            self._add(frame)
        self._append(self._resampled(None))
        self._append(np.zeros((-len(self._waiting)) % (PACKET * self.channels), np.int16))
        self._encode()
        try:
            self._ready += [bytes(packet) for packet in self._context.encode(None)]
        except FOREIGN as error:
            _log.warning("the last piece of sound was left out: %s", one_line(error))

    def packets(self, until: Fraction) -> tuple[int, list[bytes]]:
        """Return the number of the next packet, and the packets that start before `until` seconds."""
        first, out = self._taken, list[bytes]()
        while self._ready and self._taken * PACKET < until * RATE + self.pre_skip:
            out.append(self._ready.popleft())
            self._taken += 1
        return first, out

    def _decoded(self, packet: Packet[AudioStream] | None) -> list[AudioFrame]:
        try:
            return self._stream.decode(packet)
        except FOREIGN as error:
            _log.warning("a piece of sound was left out: %s", one_line(error))
            return []

    def _add(self, frame: AudioFrame) -> None:
        """Put a decoded piece where its time says, if that is not where the last one ended."""
        tick = self._stream.time_base or Fraction(1, self.rate)
        duration = Fraction(frame.samples, frame.sample_rate)
        start = (
            self._clock.place(None if frame.pts is None else frame.pts * tick, tick, duration) - self._origin
        )
        frame.pts = None
        samples = self._resampled(frame)
        missing = round(start * RATE) - self._end
        if self._end == 0 or abs(missing) > _JITTER * RATE:
            if 0 < missing <= _LONGEST_GAP:
                self._append(np.zeros(missing * self.channels, np.int16))
            elif missing < 0:
                samples = samples[-missing * self.channels :]
        self._append(samples)

    def _resampled(self, frame: AudioFrame | None) -> NDArray[np.int16]:
        try:
            pieces = self._resampler.resample(frame)
        except FOREIGN as error:  # for example sound that changes its format half-way
            _log.warning("a piece of sound was left out: %s", one_line(error))
            return np.zeros(0, np.int16)
        return np.concatenate([np.zeros(0, np.int16), *(piece.to_ndarray().reshape(-1) for piece in pieces)])

    def _append(self, samples: NDArray[np.int16]) -> None:
        self._end += len(samples) // self.channels
        self._waiting = np.concatenate((self._waiting, samples))
        self._encode()

    def _encode(self) -> None:
        """Encode all whole packets that wait."""
        size = PACKET * self.channels
        whole = len(self._waiting) // size * size
        for at in range(0, whole, size):
            frame = AudioFrame.from_ndarray(
                np.ascontiguousarray(self._waiting[None, at : at + size]), "s16", self._layout
            )
            frame.sample_rate, frame.pts, frame.time_base = RATE, self._coded, Fraction(1, RATE)
            self._coded += PACKET
            self._ready += [bytes(packet) for packet in self._context.encode(frame)]
        self._waiting = self._waiting[whole:]


class SoundTap:
    """Hears the sound of a `VideoReader` that is being opened and read, and hands it out as Opus packets.

    tap = SoundTap()
    with VideoReader(path, hear=tap) as reader:
        tap.begin(reader.sound, reader.start_time)
        ...
    """

    def __init__(self, kbit_per_s: int = 24) -> None:
        self._kbit_per_s = kbit_per_s
        self._early: list[Packet[AudioStream]] = []
        self.encoder: SoundEncoder | None = None
        """None if there is no sound."""

    def __call__(self, stream: AudioStream, packet: Packet[AudioStream]) -> None:
        """Take a packet."""
        if self.encoder is None:
            self._early.append(packet)
        else:
            self.encoder.take(packet)

    def begin(self, stream: AudioStream | None, origin: Fraction) -> None:
        """Take what was heard while the reader looked for its first picture.

        Args:
            stream: the reader's sound.
            origin: seconds on the file's clock that become zero.
        """
        if stream is None:
            return
        self.encoder = SoundEncoder(stream, origin, self._kbit_per_s)
        for packet in self._early:
            self.encoder.take(packet)
        self._early.clear()
