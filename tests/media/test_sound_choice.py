"""Of several sound tracks the right one, the same for all who take sound along."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from facewire.media.sound.opus_track import OpusFeed, OpusHead
from facewire.media.sound.sound_encoder import SoundTap
from facewire.media.video import VideoReader, VideoWriter
from tests.media.synthetic import FAST, Sound, beep_time, gray, read_all

RATE = Fraction(25)
NONE = Disposition(0)
DEFAULT = Disposition.default


@dataclass(frozen=True)
class Track:
    """A sound track that beeps at its own time."""

    beep_at: float
    disposition: Disposition = NONE
    garbage: bool = False
    """Its packets are random bytes."""
    language: str = ""


def write(path: Path, tracks: Sequence[Track], frames: int = 25) -> Path:
    """Write a video with sound tracks."""
    random = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=RATE, options=FAST)
        assert isinstance(video, VideoStream)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        streams = [_add(container.add_stream("aac", rate=44100), track) for track in tracks]
        for k in range(frames):
            frame = VideoFrame.from_ndarray(gray(k), format="rgb24")
            frame.pts = k
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for stream, track in zip(streams, tracks, strict=True):
            samples = Sound(seconds=frames / 25, beep_at=track.beep_at).samples()
            pieces: list[AudioFrame | None] = []
            for begin in range(0, len(samples), 1024):
                piece = AudioFrame.from_ndarray(samples[None, begin : begin + 1024], "fltp", "mono")
                piece.sample_rate, piece.pts = 44100, begin
                pieces.append(piece)
            for sounding in [*pieces, None]:
                for packet in stream.encode(sounding):
                    container.mux(_spoiled(packet, random) if track.garbage else packet)
    return path


def _spoiled(packet: Packet[Any], random: np.random.Generator) -> Packet[Any]:
    spoiled: Packet[Any] = Packet(random.bytes(packet.size))
    spoiled.stream, spoiled.time_base = packet.stream, packet.time_base
    spoiled.pts, spoiled.dts, spoiled.duration = packet.pts, packet.dts, packet.duration
    return spoiled


def _add(stream: object, track: Track) -> AudioStream:
    assert isinstance(stream, AudioStream)
    stream.codec_context.layout = "mono"
    stream.disposition = track.disposition
    if track.language:
        stream.metadata["language"] = track.language
    return stream


def heard_by_animate(path: Path) -> float | None:
    """When the sound that goes along with a rendered video beeps."""
    out = path.with_name("animated.mp4")
    with VideoWriter(out, (64, 48), RATE, audio_from=path) as writer:
        for frame in read_all(path):
            writer.write(frame)
    return beep_time(out)


def heard_by_encode(path: Path, *, piped: bool = False) -> float | None:
    """When the sound that a talk would carry beeps."""
    tap = SoundTap()
    with ExitStack() as stack:
        pipe = stack.enter_context(path.open("rb")) if piped else None
        reader = stack.enter_context(VideoReader(path, pipe=pipe, hear=tap))
        tap.begin(reader.sound, reader.start_time)
        list(reader)
        if tap.encoder is None:
            return None
        tap.encoder.finish()
        packets = tap.encoder.packets(Fraction(10))[1]
        feed = OpusFeed(OpusHead(tap.encoder.channels, tap.encoder.pre_skip))
    out = path.with_name("encoded.mkv")
    with VideoWriter(out, (64, 48), RATE, audio_from=feed) as writer:
        at = 0
        for packet in packets:
            at += feed.put(packet, at)
        for frame in read_all(path):
            writer.write(frame)
    return beep_time(out)


COMMENTARY, BLIND, DEAF = Disposition.comment, Disposition.visual_impaired, Disposition.hearing_impaired

CASES = {
    "the first of equals": ([Track(0.2), Track(0.6)], 0.2),
    "the default": ([Track(0.2), Track(0.6, DEFAULT)], 0.6),
    "the default of three": ([Track(0.2), Track(0.4), Track(0.6, DEFAULT)], 0.6),
    "the default, whatever it is": ([Track(0.2), Track(0.6, DEFAULT | COMMENTARY)], 0.6),
    "the first of two defaults": ([Track(0.2, DEFAULT), Track(0.6, DEFAULT)], 0.2),
    "no commentary": ([Track(0.2, COMMENTARY), Track(0.6)], 0.6),
    "no commentary among defaults": ([Track(0.2, DEFAULT | COMMENTARY), Track(0.6, DEFAULT)], 0.6),
    "no description": ([Track(0.2, BLIND), Track(0.6)], 0.6),
    "no sound for bad ears": ([Track(0.2, DEAF), Track(0.6)], 0.6),
    "the default in any language": ([Track(0.2, language="eng"), Track(0.6, DEFAULT, language="deu")], 0.6),
    "what can be decoded": ([Track(0.2, garbage=True), Track(0.6)], 0.6),
    "a default that cannot be decoded": ([Track(0.2), Track(0.6, DEFAULT, garbage=True)], 0.2),
}


@pytest.mark.parametrize("case", CASES)
def test_the_right_track_is_heard_in_matroska(case: str, tmp_path: Path) -> None:
    tracks, beep = CASES[case]
    path = write(tmp_path / "x.mkv", tracks)
    assert heard_by_animate(path) == pytest.approx(beep, abs=0.03)
    assert heard_by_encode(path) == pytest.approx(beep, abs=0.03)
    if not any(track.garbage for track in tracks):
        assert heard_by_encode(path, piped=True) == pytest.approx(beep, abs=0.03)


@pytest.mark.parametrize("case", ["the first of equals", "the default", "what can be decoded"])
def test_the_right_track_is_heard_in_mp4(case: str, tmp_path: Path) -> None:
    tracks, beep = CASES[case]
    path = write(tmp_path / "x.mp4", tracks)
    assert heard_by_animate(path) == pytest.approx(beep, abs=0.03)
    assert heard_by_encode(path) == pytest.approx(beep, abs=0.03)


@pytest.mark.parametrize("case", ["the first of equals", "no sound for bad ears", "no description"])
def test_the_right_track_is_heard_in_transport_streams(case: str, tmp_path: Path) -> None:
    tracks, beep = CASES[case]
    languages = [Track(t.beep_at, t.disposition, t.garbage, "eng") for t in tracks]  # which carry the rest
    path = write(tmp_path / "x.ts", languages)
    assert heard_by_animate(path) == pytest.approx(beep, abs=0.03)
    assert heard_by_encode(path) == pytest.approx(beep, abs=0.03)


def test_a_track_without_decoder_is_passed_over_with_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / "x.mkv", [Track(0.2, DEFAULT), Track(0.6)])
    path.write_bytes(path.read_bytes().replace(b"A_AAC", b"A_XYZ", 1))
    assert heard_by_animate(path) == pytest.approx(0.6, abs=0.03)
    assert heard_by_encode(path) == pytest.approx(0.6, abs=0.03)
    assert "x.mkv: the sound, track 1, cannot be decoded: track 2 is taken" in caplog.text


def test_without_any_track_that_can_be_decoded_there_is_no_sound(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / "x.mkv", [Track(0.2, garbage=True)])
    assert heard_by_animate(path) is None
    assert heard_by_encode(path) is None
    assert "cannot be decoded: it is left out" in caplog.text
