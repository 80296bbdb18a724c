"""Opus packets from and to PCM, in memory, for live sound.

    PCM int16 (n,) mono 48 kHz -> OpusEncoder -> packets of 40 to 120 ms -> OpusDecoder -> PCM

Packets last 40 ms and more because each costs some 60 bytes of headers on the way: at 24 kbit/s, packets of 20 ms
would spend nearly as much on headers as on sound. The rate is constant and discontinuous transmission is off, so a
packet leaves every time even in silence; the face stream rides on them.
"""

from __future__ import annotations

from fractions import Fraction

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from facewire.base.errors import ConfigError, CorruptPacket, ShapeError

Sound = NDArray[np.int16]
"""Mono samples at 48 kHz, (n,)."""

SAMPLE_RATE = 48_000
PACKET_SAMPLES = 1_920
"""Samples in a packet of 40 ms."""
PACKET_MS = (40, 60, 80, 120)
AHEAD = 312
"""Samples by which a packet's sound lies behind the piece that it was made of: 6.5 ms."""
COVERED = 960
"""Samples that are covered at once: 20 ms."""
LONGEST_PACKET = 1_275
"""Bytes; the largest frame that Opus has (RFC 6716, 3.2.1)."""
COMPLEXITY = 10
"""How hard the encoder tries, 0 to 10."""
_STEREO = 4
"""The bit of a packet's first byte that says so."""
_TIME_BASE = Fraction(1, SAMPLE_RATE)


class OpusEncoder:
    """Turns pieces of sound into packets.

    Args:
        bit_rate: bits per second, constant.
        packet_ms: length of the pieces, one of PACKET_MS.
        before: the sound just before the first piece, at least AHEAD samples: another encoder coded it, and this one
            goes on where that one ends.

    Raises:
        ConfigError: no packet has this length.
    """

    def __init__(self, bit_rate: int = 24_000, packet_ms: int = 40, before: Sound | None = None) -> None:
        if packet_ms not in PACKET_MS:
            raise ConfigError("packet_ms", packet_ms, f"one of {PACKET_MS}")
        self.samples = packet_ms * SAMPLE_RATE // 1000
        """Samples in a piece."""
        codec = av.CodecContext.create("libopus", "w")
        codec.bit_rate = bit_rate
        codec.format = "s16"
        codec.layout = "mono"
        codec.sample_rate = SAMPLE_RATE
        codec.time_base = _TIME_BASE
        codec.options = {
            "application": "voip",
            "frame_duration": str(packet_ms),
            "vbr": "off",
            "dtx": "0",
            "compression_level": str(COMPLEXITY),
        }
        self._codec = codec
        self._position = 0
        if before is not None:
            # No more of it than is looked ahead: a decoder that begins anew has not heard the rest either.
            past = before[-AHEAD:]
            self.encode(np.concatenate((np.zeros(self.samples - len(past), np.int16), past)))

    def encode(self, sound: Sound) -> bytes:
        """Return the packet of the next piece."""
        if sound.shape != (self.samples,):
            raise ShapeError("sound", f"({self.samples},)", sound.shape)
        frame = AudioFrame.from_ndarray(sound[None], format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        frame.time_base = _TIME_BASE
        frame.pts = self._position
        self._position += self.samples
        return b"".join(bytes(packet) for packet in self._codec.encode(frame))


class OpusDecoder:
    """Turns packets back into sound, and covers lost ones. Any bytes give sound or CorruptPacket."""

    def __init__(self) -> None:
        codec = av.CodecContext.create("libopus", "r")
        codec.format = "s16"
        codec.layout = "mono"
        codec.sample_rate = SAMPLE_RATE
        self._codec = codec
        self._mono = AudioResampler("s16", "mono", SAMPLE_RATE)
        self._empty = b""
        """A packet of 20 ms of the last one's kind without content: the codec's sign that it was lost."""

    def decode(self, packet: bytes) -> Sound:
        """Return the samples of a packet, at most 120 ms.

        Raises:
            CorruptPacket: these bytes are no Opus packet.
        """
        if not 1 <= len(packet) <= LONGEST_PACKET:
            raise CorruptPacket(0, f"{len(packet)} bytes are no Opus packet")
        try:
            frames = self._codec.decode(av.Packet(packet))
        except (av.error.FFmpegError, ValueError) as error:
            raise CorruptPacket(0, f"not an Opus packet ({type(error).__name__})") from None
        self._empty = bytes((_twenty_ms(packet[0] >> 3) << 3 | packet[0] & _STEREO,))
        return joined(frames, self._mono)

    def cover(self) -> Sound:
        """Return 20 ms in place of lost ones: the codec goes on with what was, and what comes next ties on."""
        if not self._empty:
            return np.zeros(COVERED, np.int16)
        return joined(self._codec.decode(av.Packet(self._empty)), self._mono)


def _twenty_ms(config: int) -> int:
    """Return the configuration of the same mode and bandwidth with frames of 20 ms (RFC 6716, 3.1)."""
    if config < 12:
        return config // 4 * 4 + 1
    return config | 1 if config < 16 else config | 3


def joined(frames: list[AudioFrame], resampler: AudioResampler) -> Sound:
    """Return frames of any kind as one piece of mono sound at 48 kHz."""
    pieces = []
    for frame in frames:
        frame.pts = None
        pieces += [piece.to_ndarray()[0].astype(np.int16) for piece in resampler.resample(frame)]
    return np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
