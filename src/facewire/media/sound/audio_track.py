"""The sound of one file inside another: packets unchanged where possible, newly encoded where not.

    source file -> units (packets, or decoded pieces) -> shifted to the output's clock -> cut -> output

The caller pumps units as its video grows, so memory stays small. Trouble inside the sound (damage, a cut)
thins or ends the sound with a warning.

Knows nothing about pictures.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import av.error
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from facewire.base.files import check_regular_file
from facewire.media.libav_errors import FOREIGN, one_line, reading
from facewire.media.sound.choice import sound_of_file
from facewire.media.timing.steady_clock import SteadyClock

_log = logging.getLogger(__name__)

_COMMON_RATES = frozenset({8000, 12000, 16000, 24000, 48000})
"""Sample rates in Hz that every encoder in use takes."""

_FALLBACK_RATE = 48000  # Hz

_BIT_RATE = 160_000  # bits per second of newly encoded sound


@dataclass(frozen=True, slots=True)
class AudioRule:
    """Which sound a container gets."""

    unchanged: frozenset[str] | None
    """Codecs whose packets are copied; None means all that the container accepts."""
    encoder: str
    """What everything else is turned into."""
    extra_rates: frozenset[int] = frozenset()
    """Sample rates in Hz that the encoder takes beyond the common ones."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A packet, or a decoded piece, and when it plays."""

    start: Fraction
    """Seconds on the output's clock; below zero is before the first video frame."""
    duration: Fraction
    """Seconds; 0 if unknown."""
    content: Packet[AudioStream] | AudioFrame


class _Sink(Protocol):
    """Where units go."""

    def put(self, unit: Unit) -> None: ...
    def finish(self) -> None: ...


class AudioSource:
    """An open file that may have sound; which track counts is said in sound_choice.py."""

    def __init__(self, path: str | Path) -> None:
        self._path = path
        check_regular_file(Path(path))
        self._open()

    def _open(self) -> None:
        with reading(self._path):
            self._container: InputContainer = av.open(
                f"file:{self._path}",
                metadata_errors="replace",
                container_options={"protocol_whitelist": "file"},
            )
            self._stream = sound_of_file(self._path, self._container)
        self._fresh = True

    def add_to(self, output: OutputContainer, rule: AudioRule, origin: Fraction) -> AudioTrack | None:
        """Add a sound stream to an output whose header is not written yet, and return what feeds it.

        Args:
            output: where the sound goes.
            rule: what the container of `output` gets.
            origin: seconds on the source's clock that become zero in the output.

        Returns:
            None if the file has no sound, or none from `origin` on.
        """
        if not self._fresh:  # an earlier output did not come about
            self._container.close()
            self._open()
        self._fresh = False
        stream = self._stream
        if stream is None:
            return None
        if can_copy(output, stream, rule):
            # A lossy packet needs the one before it to sound right. That one is kept below zero: decoded, not
            # played.
            units = _audible(_packets(self._container, stream, origin), lead=1)
        else:
            units = _audible(_pieces(self._container, stream, origin), lead=0)
        first = next(units, None)
        if first is None:
            return None
        sink = Copy(output, stream) if isinstance(first.content, Packet) else Encode(output, stream, rule)
        return AudioTrack(first, units, sink)

    def close(self) -> None:
        """Close the file. Does no harm twice."""
        self._container.close()


class AudioTrack:
    """Feeds one sound stream of an output, no further than it is asked to."""

    def __init__(self, first: Unit, rest: Iterator[Unit], sink: _Sink) -> None:
        self._waiting: Unit | None = first
        self._rest = rest
        self._sink = sink

    def pump(self, until: Fraction) -> None:
        """Write all sound that starts before `until`, in seconds on the output's clock."""
        while self._waiting is not None and self._waiting.start < until:
            self._sink.put(self._waiting)
            self._waiting = next(self._rest, None)

    def finish(self, until: Fraction) -> None:
        """Write the sound up to `until`, and end it there."""
        self.pump(until)
        self._waiting = None
        self._sink.finish()


class Copy:
    """Writes packets unchanged."""

    def __init__(self, output: OutputContainer, source: AudioStream) -> None:
        self._output = output
        self._rate = source.codec_context.sample_rate
        self._stream = output.add_stream_from_template(source)

    def put(self, unit: Unit) -> None:
        packet = unit.content
        assert isinstance(packet, Packet)
        packet.stream = self._stream
        packet.time_base = Fraction(1, self._rate)
        packet.pts = packet.dts = round(unit.start * self._rate)
        packet.duration = round(unit.duration * self._rate)
        _mux(self._output, packet)

    def finish(self) -> None:
        pass


class Encode:
    """Writes decoded pieces through an encoder; more than two channels are mixed down to stereo."""

    def __init__(self, output: OutputContainer, source: AudioStream, rule: AudioRule) -> None:
        self._output = output
        stated = source.codec_context.sample_rate
        rate = stated if stated in _COMMON_RATES | rule.extra_rates else _FALLBACK_RATE
        stream = output.add_stream(rule.encoder, rate=rate)
        assert isinstance(stream, AudioStream)
        stream.bit_rate = _BIT_RATE
        stream.codec_context.layout = "mono" if source.codec_context.channels == 1 else "stereo"
        self._stream = stream

    def put(self, unit: Unit) -> None:
        frame = unit.content
        assert isinstance(frame, AudioFrame)
        frame.time_base = Fraction(1, frame.sample_rate)
        frame.pts = round(unit.start * frame.sample_rate)
        self._write(frame)

    def finish(self) -> None:
        self._write(None)

    def _write(self, frame: AudioFrame | None) -> None:
        try:
            packets = self._stream.encode(frame)
        except FOREIGN as error:  # for example sound that changes its format half-way
            _log.warning("a piece of sound was left out: %s", one_line(error))
            return
        for packet in packets:
            _mux(self._output, packet)


def _mux(output: OutputContainer, packet: Packet[AudioStream]) -> None:
    """Write a packet, or leave it out if the container does not take it."""
    try:
        output.mux(packet)
    except OSError:  # the disk, not the sound
        raise
    except FOREIGN as error:
        _log.warning("a piece of sound was left out: %s", one_line(error))


def _packets(container: InputContainer, stream: AudioStream, origin: Fraction) -> Iterator[Unit]:
    """The packets of `stream`, timed."""
    clock = SteadyClock()
    nominal = Fraction(max(stream.codec_context.frame_size, 0), stream.codec_context.sample_rate)
    for packet in _demux(container, stream):
        tick = packet.time_base
        stated = packet.pts if packet.pts is not None else packet.dts
        duration = (packet.duration or 0) * tick
        if abs(duration - nominal) <= tick:
            duration = nominal
        start = clock.place(None if stated is None else stated * tick, tick, duration)
        yield Unit(start - origin, duration, packet)


def _pieces(container: InputContainer, stream: AudioStream, origin: Fraction) -> Iterator[Unit]:
    """The decoded sound of `stream`, timed."""
    clock = SteadyClock()
    tick = stream.time_base or Fraction(1, stream.codec_context.sample_rate)
    for frame in _decode(container, stream):
        duration = Fraction(frame.samples, frame.sample_rate)
        start = clock.place(None if frame.pts is None else frame.pts * tick, tick, duration)
        yield Unit(start - origin, duration, frame)


def _audible(units: Iterator[Unit], lead: int) -> Iterator[Unit]:
    """Leave out what ends before zero, except for `lead` units, and what does not move forward in time."""
    previous: Fraction | None = None
    for unit in units:
        if unit.start + (1 + lead) * unit.duration > 0 and (previous is None or unit.start > previous):
            previous = unit.start
            yield unit


def _demux(container: InputContainer, stream: AudioStream) -> Iterator[Packet[AudioStream]]:
    """The packets of `stream` that have content, up to the end or to where reading fails."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except FOREIGN as error:
            _log.warning("the sound ends early: %s", one_line(error))
            return
        if packet is None:
            return
        if packet.size > 0 and not packet.is_corrupt:
            yield packet


def _decode(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """The decodable sound of `stream`."""
    for packet in _demux(container, stream):
        yield from _decode_one(stream, packet)
    yield from _decode_one(stream, None)


def _decode_one(stream: AudioStream, packet: Packet[AudioStream] | None) -> list[AudioFrame]:
    try:
        return stream.decode(packet)
    except FOREIGN as error:
        _log.warning("a piece of sound was left out: %s", one_line(error))
        return []


def can_copy(output: OutputContainer, stream: AudioStream, rule: AudioRule) -> bool:
    codec = stream.codec_context.codec
    allowed = rule.unchanged is None or codec.canonical_name in rule.unchanged
    return allowed and codec.name in output.supported_codecs
