"""Opus packets that are already there as the sound of a video file.

    packets, timed --put--> waiting --pump--> copied, or decoded and encoded anew where the container wants that

The packets come while the video is written, so a feed holds what lies ahead of the picture and no more.
"""

from __future__ import annotations

import io
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, cast

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec.context import CodecContext
from av.container import OutputContainer
from av.packet import Packet

from facewire.base.errors import MediaError
from facewire.media.libav_errors import FOREIGN, reading
from facewire.media.sound.audio_track import AudioRule, Copy, Encode, Unit, can_copy

RATE: Final = 48000
"""Samples a second inside Opus."""
MOST_WAITING = 100_000
"""Packets a feed holds at most, half an hour: sound that runs further ahead of the picture is refused."""
_POLYNOMIAL = 0x04C11DB7
_FRAME_US = {
    "silk": (10000, 20000, 40000, 60000),
    "hybrid": (10000, 20000),
    "celt": (2500, 5000, 10000, 20000),
}


@dataclass(frozen=True, slots=True)
class OpusHead:
    """How packets are to be heard.

    channels  1 or 2
    pre_skip  samples at 48 kHz to discard at the start
    rate      samples a second of the original, informative
    """

    channels: int
    pre_skip: int
    rate: int = RATE


def packet_samples(packet: bytes) -> int:
    """Return how long a packet sounds, samples at 48 kHz (RFC 6716, 3.1); 0 if it is no packet."""
    if not packet:
        return 0
    config, code = packet[0] >> 3, packet[0] & 3
    kind = "silk" if config < 12 else "hybrid" if config < 16 else "celt"
    sizes = _FRAME_US[kind]
    frames = (1, 2, 2)[code] if code < 3 else (packet[1] & 63 if len(packet) > 1 else 0)
    samples = frames * sizes[config % len(sizes)] * RATE // 1_000_000
    return samples if samples <= 3 * RATE // 25 else 0


class OpusFeed:
    """Sound for a `VideoWriter`: put packets, then write the pictures they are heard with."""

    def __init__(self, head: OpusHead) -> None:
        self.head = head
        self._waiting: deque[Unit] = deque()
        with reading("sound"):
            container = av.open(io.BytesIO(_ogg_head(head)), format="ogg")
        self._container = container
        self._stream = container.streams.audio[0]
        decoder = CodecContext.create("libopus", "r")
        assert isinstance(decoder, AudioCodecContext)
        decoder.extradata = _opus_head(head)
        self._decoder = decoder

    def put(self, packet: bytes, time: int) -> int:
        """Append a packet and return its duration in samples.

        Args:
            packet: the packet.
            time: samples at 48 kHz from the first picture, before pre-skip is taken off.

        Raises:
            MediaError: it is no packet, or the sound runs too far ahead of the picture.
        """
        samples = packet_samples(packet)
        if not samples:
            raise MediaError("sound", "a packet is no Opus packet")
        if len(self._waiting) == MOST_WAITING:
            raise MediaError("sound", "runs too far ahead of the picture")
        start = Fraction(time - self.head.pre_skip, RATE)
        self._waiting.append(
            Unit(start, Fraction(samples, RATE), cast("Packet[AudioStream]", Packet(packet)))
        )
        return samples

    def add_to(self, output: OutputContainer, rule: AudioRule, origin: Fraction) -> OpusTrack:
        """Add a sound stream to an output whose header is not written yet, and return what feeds it."""
        if can_copy(output, self._stream, rule):
            return OpusTrack(self._waiting, Copy(output, self._stream), None)
        return OpusTrack(self._waiting, Encode(output, self._stream, rule), self._decoder)

    def close(self) -> None:
        """Free the template. Does no harm twice."""
        self._container.close()


class OpusTrack:
    """Writes a feed's packets into one output."""

    def __init__(self, waiting: deque[Unit], sink: Copy | Encode, decoder: AudioCodecContext | None) -> None:
        self._waiting, self._sink, self._decoder = waiting, sink, decoder

    def pump(self, until: Fraction) -> None:
        """Write all sound that starts before `until` seconds."""
        while self._waiting and self._waiting[0].start < until:
            unit = self._waiting.popleft()
            if self._decoder is None:
                self._sink.put(unit)
                continue
            for piece in self._decoded(unit):
                self._sink.put(piece)

    def finish(self, until: Fraction) -> None:
        """Write the sound up to `until`, and end it there."""
        self.pump(until)
        self._sink.finish()

    def _decoded(self, unit: Unit) -> list[Unit]:
        assert self._decoder is not None
        packet = unit.content
        assert isinstance(packet, Packet)
        try:
            frames = self._decoder.decode(packet)
        except FOREIGN:
            return []
        out, start = [], unit.start
        for frame in frames:
            assert isinstance(frame, AudioFrame)
            duration = Fraction(frame.samples, frame.sample_rate)
            if start >= 0:
                out.append(Unit(start, duration, frame))
            start += duration
        return out


def _opus_head(head: OpusHead) -> bytes:
    """Return the identification header of RFC 7845, 5.1."""
    fields = b"OpusHead\x01" + bytes((head.channels,)) + head.pre_skip.to_bytes(2, "little")
    return fields + head.rate.to_bytes(4, "little") + bytes(3)


def _ogg_head(head: OpusHead) -> bytes:
    """Return the two header pages of an Ogg file and one packet of silence: a template for libav."""
    tags = b"OpusTags" + (8).to_bytes(4, "little") + b"facewire" + bytes(4)
    silence = bytes((0xF8 | (4 if head.channels == 2 else 0), 0xFF, 0xFE))
    return _page(0, 2, 0, _opus_head(head)) + _page(1, 0, 0, tags) + _page(2, 4, 960, silence)


def _page(number: int, flags: int, granule: int, packet: bytes) -> bytes:
    """Return an Ogg page (RFC 3533) with one short packet."""
    head = b"OggS\0" + bytes((flags,)) + granule.to_bytes(8, "little") + (1).to_bytes(4, "little")
    start = head + number.to_bytes(4, "little")
    rest = bytes((1, len(packet))) + packet
    check = 0
    for byte in start + bytes(4) + rest:
        check ^= byte << 24
        for _ in range(8):
            check = (check << 1 ^ _POLYNOMIAL if check & 0x80000000 else check << 1) & 0xFFFFFFFF
    return start + check.to_bytes(4, "little") + rest
