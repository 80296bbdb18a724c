"""Sound to Opus packets and back into videos: in step, cut at zero, without gaps."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import pytest

from facewire.base.errors import ConfigError, MediaError
from facewire.media.frame import Frame
from facewire.media.sound.opus_track import OpusFeed, OpusHead, packet_samples
from facewire.media.sound.sound_encoder import PACKET, SoundEncoder, SoundTap
from facewire.media.video import VideoReader, VideoWriter

from .synthetic import NTSC, SIZE, Sound, beep_time, gray, grays, read_all, sound_codec, write_video


def heard(path: Path, pipe: bool = False) -> tuple[SoundEncoder, list[bytes], int]:
    """Return the encoder, all packets, and the number of frames of a video."""
    tap = SoundTap()
    source = io.BytesIO(path.read_bytes()) if pipe else None
    with VideoReader(path, pipe=source, hear=tap) as reader:
        tap.begin(reader.sound, reader.start_time)
        frames = sum(1 for _ in reader)
    assert tap.encoder is not None
    tap.encoder.finish()
    first, packets = tap.encoder.packets(Fraction(10**6))
    assert first == 0
    return tap.encoder, packets, frames


def written(path: Path, encoder: SoundEncoder, packets: list[bytes], frames: int) -> Path:
    """Return a video of so many grey frames with these packets."""
    feed = OpusFeed(OpusHead(encoder.channels, encoder.pre_skip, encoder.rate))
    at = 0
    for packet in packets:
        at += feed.put(packet, at)
    with VideoWriter(path, SIZE, NTSC, audio_from=feed) as writer:
        for k in range(frames):
            writer.write(Frame(gray(k), k, 1 / NTSC))
    return path


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "webm", "mov"])
@pytest.mark.parametrize("start", [Fraction(0), Fraction(-1, 5), Fraction(1, 5)])
def test_a_beep_stays_where_it_is(tmp_path: Path, suffix: str, start: Fraction) -> None:
    sound = Sound(seconds=1.5, beep_at=0.6, start=start, layout="mono")
    source = write_video(tmp_path / "s.mkv", grays(30), sound=sound)
    path = written(tmp_path / f"o.{suffix}", *heard(source))
    assert beep_time(path) == pytest.approx(0.6 + float(start), abs=0.012)
    assert sound_codec(path) == ("aac" if suffix == "mov" else "opus")
    assert len(read_all(path)) == 30


def test_a_pipe_is_heard_like_a_file(tmp_path: Path) -> None:
    source = write_video(tmp_path / "s.mkv", grays(20), sound=Sound(seconds=0.6, beep_at=0.2))
    _, from_file, frames = heard(source)
    _, from_pipe, again = heard(source, pipe=True)
    assert from_file == from_pipe
    assert frames == again == 20


def test_packets_come_as_time_goes_on(tmp_path: Path) -> None:
    source = write_video(tmp_path / "s.mkv", grays(20), sound=Sound(seconds=0.6, beep_at=0.2))
    encoder, packets, _ = heard(source)
    again = SoundTap()
    with VideoReader(source, hear=again) as reader:
        again.begin(reader.sound, reader.start_time)
        for _ in reader:
            pass
    assert again.encoder is not None
    again.encoder.finish()
    first, early = again.encoder.packets(Fraction(1, 10))
    second, rest = again.encoder.packets(Fraction(10))
    assert (first, second) == (0, len(early))
    assert 5 <= len(early) <= 7
    assert [*early, *rest] == packets
    assert all(packet_samples(packet) == PACKET for packet in packets)
    assert encoder.channels == 2


def test_a_video_without_sound_has_no_encoder(tmp_path: Path) -> None:
    tap = SoundTap()
    with VideoReader(write_video(tmp_path / "s.mp4", grays(5)), hear=tap) as reader:
        tap.begin(reader.sound, reader.start_time)
        assert len(list(reader)) == 5
    assert tap.encoder is None


def test_wrong_rate_is_refused(tmp_path: Path) -> None:
    source = write_video(tmp_path / "s.mkv", grays(5), sound=Sound(seconds=0.2, beep_at=0.1))
    tap = SoundTap(1000)
    with VideoReader(source, hear=tap) as reader, pytest.raises(ConfigError, match="audio rate"):
        tap.begin(reader.sound, reader.start_time)


@pytest.mark.parametrize(
    ("first", "second", "samples"),
    [
        (0b11111_0_00, 0, 960),  # CELT 20 ms, one frame
        (0b11100_0_01, 0, 240),  # CELT 2.5 ms, two frames
        (0b00001_0_00, 0, 960),  # SILK 20 ms
        (0b00011_0_10, 0, 5760),  # SILK 60 ms, two frames
        (0b01101_0_00, 0, 960),  # hybrid 20 ms
        (0b11111_0_11, 3, 2880),  # CELT 20 ms, three frames by the second byte
        (0b11111_0_11, 63, 0),  # more than 120 ms is no packet
    ],
)
def test_durations_are_those_of_rfc_6716(first: int, second: int, samples: int) -> None:
    assert packet_samples(bytes((first, second))) == samples


def test_what_is_no_packet_is_refused() -> None:
    feed = OpusFeed(OpusHead(1, 312))
    with pytest.raises(MediaError, match="Opus"):
        feed.put(b"", 0)
    feed.close()
