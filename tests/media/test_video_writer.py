"""Writing: times, colours and sound survive; failures leave nothing behind."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import av
import numpy as np
import pytest

from facewire.base.errors import ConfigError, MediaError, OutputError, ShapeError
from facewire.media import video_writer
from facewire.media.frame import Frame, Pixels
from facewire.media.image import load_image
from facewire.media.sound import audio_track
from facewire.media.video import VideoReader, VideoWriter

from .synthetic import (
    NTSC,
    SIZE,
    Sound,
    beep_time,
    corners,
    error_line,
    gray,
    grays,
    index_of,
    quadrants,
    read_all,
    sound_codec,
    sound_span,
    write_sound,
    write_video,
)

VIDEO_SUFFIXES = ["mp4", "mov", "mkv", "webm"]


def frames_of(pictures: Iterable[Pixels], rate: Fraction = NTSC, start: int = 0) -> list[Frame]:
    return [Frame(picture, start + k, 1 / rate) for k, picture in enumerate(pictures)]


def write(path: Path, frames: Iterable[Frame], rate: Fraction = NTSC, **options: Any) -> Path:
    """Write frames, all of the size of the first, to `path`."""
    listed = list(frames)
    with VideoWriter(path, listed[0].size, rate, **options) as writer:
        for frame in listed:
            writer.write(frame)
    return path


def copy(source: Path, target: Path, **options: Any) -> Path:
    """What every user of reader and writer does."""
    with VideoReader(source) as reader, VideoWriter(target, reader.size, reader.rate, **options) as writer:
        for frame in reader:
            writer.write(frame)
    return target


def refuse(*_: object) -> NoReturn:
    """What a muxer says to a stream that it cannot hold."""
    raise av.error.InvalidDataError(1, "not possible")


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


class TestFrames:
    @pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
    def test_every_frame_arrives_at_its_time(self, tmp_path: Path, suffix: str) -> None:
        path = write(tmp_path / f"x.{suffix}", frames_of(grays(40)))
        with VideoReader(path) as reader:
            assert reader.rate == NTSC
            assert reader.size == SIZE
            frames = list(reader)
            assert not reader.truncated
        assert [index_of(frame) for frame in frames] == list(range(40))
        tolerance = Fraction(1, 1000) if suffix in ("mkv", "webm") else 0
        assert all(abs(frame.time - k / NTSC) <= tolerance for k, frame in enumerate(frames))
        assert names(tmp_path) == [path.name]

    @pytest.mark.parametrize(
        "rate", [Fraction(24000, 1001), Fraction(25), Fraction(60000, 1001), Fraction(7, 2)]
    )
    @pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
    def test_rate_survives(self, tmp_path: Path, rate: Fraction, suffix: str) -> None:
        path = write(tmp_path / f"x.{suffix}", frames_of(grays(10), rate), rate)
        with VideoReader(path) as reader:
            assert reader.rate == rate
            assert reader.duration is not None
            assert abs(reader.duration - 10 / rate) <= Fraction(1, 1000)

    @pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
    def test_variable_rate_survives(self, tmp_path: Path, suffix: str) -> None:
        pts = [0, 3003, 3603, 9000, 9180, 20070, 20520]
        frames = [Frame(gray(k), time, Fraction(1, 90000)) for k, time in enumerate(pts)]
        path = write(tmp_path / f"x.{suffix}", frames)
        found = read_all(path)
        assert [index_of(frame) for frame in found] == list(range(7))
        tolerance = Fraction(1, 1000) if suffix in ("mkv", "webm") else Fraction(1, 90000)
        assert all(abs(frame.time - Fraction(time, 90000)) <= tolerance for frame, time in zip(found, pts))

    def test_first_frame_is_at_zero(self, tmp_path: Path) -> None:
        path = write(tmp_path / "x.mp4", frames_of(grays(5), start=1000))
        assert [frame.time for frame in read_all(path)] == [k / NTSC for k in range(5)]

    def test_rounding_to_milliseconds_is_undone(self, tmp_path: Path) -> None:
        source = write(tmp_path / "x.mkv", frames_of(grays(50)))
        path = copy(source, tmp_path / "x.mp4")
        assert [frame.time for frame in read_all(path)] == [k / NTSC for k in range(50)]

    def test_coarse_ticks_are_not_rounding(self, tmp_path: Path) -> None:
        # Frames counted at 25 per second in a file that claims 30.
        path = write(tmp_path / "x.mp4", frames_of(grays(20), Fraction(25)), Fraction(30))
        assert [frame.time for frame in read_all(path)] == [Fraction(k, 25) for k in range(20)]

    def test_absurdly_fine_ticks(self, tmp_path: Path) -> None:
        tick = Fraction(1, 10**15 + 37)
        frames = [Frame(gray(k), round(k / NTSC / tick), tick) for k in range(5)]
        assert [frame.time for frame in read_all(write(tmp_path / "x.mp4", frames))] == [
            k / NTSC for k in range(5)
        ]

    def test_ticks_may_change(self, tmp_path: Path) -> None:
        frames = [Frame(gray(0), 0, Fraction(1, 1000)), Frame(gray(1), 3600, Fraction(1, 90000))]
        assert [frame.time for frame in read_all(write(tmp_path / "x.mp4", frames, Fraction(25)))] == [
            0,
            Fraction(1, 25),
        ]

    @pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
    def test_one_frame(self, tmp_path: Path, suffix: str) -> None:
        path = write(tmp_path / f"x.{suffix}", frames_of([quadrants()]))
        assert [corners(frame.pixels) for frame in read_all(path)] == ["RGBW"]

    @pytest.mark.parametrize("size", [(65, 48), (64, 49), (33, 17), (1, 1), (2, 2)])
    @pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
    def test_odd_sizes(self, tmp_path: Path, size: tuple[int, int], suffix: str) -> None:
        path = write(tmp_path / f"x.{suffix}", frames_of(grays(3, size)))
        with VideoReader(path) as reader:
            expected = size if suffix == "webm" else (size[0] + size[0] % 2, size[1] + size[1] % 2)
            assert reader.size == expected
            frames = list(reader)
        assert [index_of(frame) for frame in frames] == [0, 1, 2]
        assert int(np.ptp(frames[0].pixels)) <= 2  # the added row and column look like the rest

    def test_index_is_in_front(self, tmp_path: Path) -> None:
        content = write(tmp_path / "x.mp4", frames_of(grays(5))).read_bytes()
        assert content.index(b"moov") < content.index(b"mdat")

    def test_crf_trades_size_for_quality(self, tmp_path: Path) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (5, 48, 64, 3), dtype=np.uint8)
        for suffix in ("mp4", "webm"):
            sizes = [
                write(tmp_path / f"{crf}.{suffix}", frames_of(noise), crf=crf).stat().st_size
                for crf in (10, 45)
            ]
            assert sizes[0] > 2 * sizes[1]

    def test_upper_case_suffix(self, tmp_path: Path) -> None:
        assert len(read_all(write(tmp_path / "x.MP4", frames_of(grays(3))))) == 3

    def test_name_that_looks_like_an_address(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        write(Path("rtmp:x%03d.mp4"), frames_of(grays(3)))
        assert names(tmp_path) == ["rtmp:x%03d.mp4"]


class TestColour:
    COLOURS = (
        (0, 0, 0),
        (255, 255, 255),
        (255, 0, 0),
        (0, 255, 0),
        (0, 0, 255),
        (224, 172, 105),
        (141, 85, 36),
        (12, 200, 180),
        (128, 128, 128),
    )

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("suffix", "size"), [("mp4", (1280, 720)), *((name, SIZE) for name in VIDEO_SUFFIXES)]
    )
    def test_solid_colours_survive(self, tmp_path: Path, suffix: str, size: tuple[int, int]) -> None:
        pictures = [np.full((size[1], size[0], 3), colour, np.uint8) for colour in self.COLOURS]
        frames = read_all(write(tmp_path / f"x.{suffix}", frames_of(pictures)))
        for frame, colour in zip(frames, self.COLOURS):
            assert np.abs(frame.pixels.astype(int) - colour).max() <= 3

    @pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
    def test_tags(self, tmp_path: Path, suffix: str) -> None:
        path = write(tmp_path / f"x.{suffix}", frames_of(grays(3)))
        with av.open(str(path)) as container:
            context = container.streams.video[0].codec_context
            assert (context.colorspace, context.color_range) == (1, 1)
            assert (context.color_primaries, context.color_trc) == (1, 1)
            assert context.pix_fmt == "yuv420p"

    @pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
    def test_edges_of_colour_survive_with_full_colour_only(self, tmp_path: Path, suffix: str) -> None:
        stripes = np.zeros((64, 64, 3), np.uint8)
        stripes[:, ::2] = 200, 40, 40
        stripes[:, 1::2] = 40, 40, 200
        half, full = (
            read_all(write(tmp_path / f"{on}.{suffix}", frames_of([stripes]), crf=4, full_colour=on))[
                0
            ].pixels
            for on in (False, True)
        )
        assert np.abs(half.astype(int) - stripes).mean() > 25
        assert np.abs(full.astype(int) - stripes).mean() < 3

    @pytest.mark.parametrize(("height", "colorspace"), [(720, 1), (480, 5)])
    def test_unlabelled_video_is_read_by_custom(self, tmp_path: Path, height: int, colorspace: int) -> None:
        colour = (200, 60, 40)
        size = (64, height)
        frame = av.VideoFrame.from_ndarray(np.full((height, 64, 3), colour, np.uint8), format="rgb24")
        yuv = frame.reformat(format="yuv420p", dst_colorspace=colorspace, dst_color_range=1)
        yuv.colorspace, yuv.color_range = 2, 0
        path = tmp_path / "x.mkv"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("ffv1", rate=25)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height = size
            stream.pix_fmt = "yuv420p"
            container.mux(stream.encode(yuv))
            container.mux(stream.encode(None))
        with av.open(str(path)) as container:
            assert container.streams.video[0].codec_context.colorspace == 2
        assert np.abs(read_all(path)[0].pixels.astype(int) - colour).max() <= 3


class TestGif:
    def test_frames_times_and_colours(self, tmp_path: Path) -> None:
        pictures = [quadrants(), quadrants()[:, ::-1], quadrants()[::-1]]
        frames = [
            Frame(np.ascontiguousarray(p), pts, Fraction(1, 100)) for p, pts in zip(pictures, (0, 10, 40))
        ]
        path = write(tmp_path / "x.gif", frames, Fraction(10))
        with VideoReader(path) as reader:
            found = list(reader)
            assert reader.duration == Fraction(1, 2)
        assert [corners(frame.pixels) for frame in found] == ["RGBW", "GRWB", "BWRG"]
        assert [frame.time for frame in found] == [0, Fraction(1, 10), Fraction(4, 10)]
        assert np.abs(found[0].pixels.astype(int) - quadrants()).max() <= 2

    def test_photo_like_picture(self, tmp_path: Path) -> None:
        x, y = np.meshgrid(np.linspace(0, 255, 64), np.linspace(0, 255, 48))
        picture = np.stack([x, y, 255 - x], axis=2).astype(np.uint8)
        found = load_image(write(tmp_path / "x.gif", frames_of([picture])))
        assert np.abs(found.astype(int) - picture).mean() < 8

    def test_at_most_50_frames_per_second(self, tmp_path: Path) -> None:
        found = read_all(write(tmp_path / "x.gif", frames_of(grays(50), Fraction(100)), Fraction(100)))
        assert [index_of(frame) for frame in found] == list(range(0, 50, 2))
        assert all(b.time - a.time == Fraction(1, 50) for a, b in pairwise(found))

    def test_sound_is_left_out(self, tmp_path: Path) -> None:
        source = write_video(tmp_path / "s.mp4", grays(5), sound=Sound(seconds=0.3))
        assert len(read_all(copy(source, tmp_path / "x.gif", audio_from=source))) == 5


class TestSound:
    @pytest.mark.parametrize(
        ("name", "sound", "unchanged"),
        [
            ("s.mp4", Sound(), {"mp4", "mov", "mkv"}),
            ("s.mkv", Sound(), {"mp4", "mov", "mkv"}),
            ("s.ts", Sound(), {"mp4", "mov", "mkv"}),
            ("s.mkv", Sound(codec="pcm_s16le", layout="mono"), {"mov", "mkv"}),
            ("s.webm", Sound(codec="libopus", rate=48000), {"mp4", "mkv", "webm"}),
            ("s.mkv", Sound(codec="libmp3lame"), {"mp4", "mov", "mkv"}),
            ("s.mkv", Sound(codec="flac", rate=22050, layout="mono"), {"mp4", "mkv"}),
            ("s.mkv", Sound(codec="ac3", rate=48000, layout="5.1"), {"mp4", "mov", "mkv"}),
        ],
    )
    @pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
    def test_copied_or_encoded_and_in_step(
        self, tmp_path: Path, name: str, sound: Sound, unchanged: set[str], suffix: str
    ) -> None:
        codec = "libvpx-vp9" if name.endswith("webm") else "libx264"
        source = write_video(tmp_path / name, grays(54), sound=sound, codec=codec)
        path = copy(source, tmp_path / f"x.{suffix}", audio_from=source)
        expected = sound_codec(source) if suffix in unchanged else "opus" if suffix == "webm" else "aac"
        assert sound_codec(path) == expected
        heard, original = beep_time(path), beep_time(source)
        assert heard is not None
        assert original is not None
        assert abs(heard - original) < (0.002 if suffix in unchanged else 0.005)
        with VideoReader(path) as reader:
            assert [index_of(frame) for frame in reader] == list(range(54))
            assert not reader.truncated

    @pytest.mark.parametrize("name", ["s.mp4", "s.mkv"])
    @pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
    @pytest.mark.parametrize("start", [Fraction(7, 10), Fraction(1, 100), Fraction(0)])
    def test_late_sound_stays_late(self, tmp_path: Path, name: str, suffix: str, start: Fraction) -> None:
        source = write_video(tmp_path / name, grays(54), sound=Sound(seconds=1, beep_at=0.3, start=start))
        path = copy(source, tmp_path / f"x.{suffix}", audio_from=source)
        if suffix != "webm":  # packets copied
            assert abs(sound_span(path)[0] - sound_span(source)[0]) <= Fraction(1, 1000)
        heard = beep_time(path)
        assert heard is not None
        assert abs(heard - float(start + Fraction(3, 10))) < 0.005

    @pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
    def test_video_that_starts_late(self, tmp_path: Path, suffix: str) -> None:
        # Sound from 0 s, picture from 0.5 s: what is heard before the picture goes, the rest stays in step.
        source = write_video(
            tmp_path / "s.mkv",
            grays(30),
            rate=Fraction(25),
            pts=range(500, 1700, 40),
            time_base=Fraction(1, 1000),
            sound=Sound(beep_at=0.9),
        )
        original = beep_time(source)
        assert original == pytest.approx(0.4, abs=0.003)
        path = copy(source, tmp_path / f"x.{suffix}", audio_from=source)
        assert beep_time(path) == pytest.approx(original, abs=0.005)
        first, end = sound_span(path)
        assert -0.06 < first <= 0.001
        assert 1.2 - 0.03 < end < 1.2 + 0.03

    @pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
    def test_sound_longer_than_the_video_is_cut(self, tmp_path: Path, suffix: str) -> None:
        source = write_video(tmp_path / "s.mp4", grays(30), rate=Fraction(25), sound=Sound(seconds=5))
        path = copy(source, tmp_path / f"x.{suffix}", audio_from=source)
        assert 1.2 - 0.001 <= sound_span(path)[1] <= 1.2 + 0.03

    @pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
    def test_sound_shorter_than_the_video_ends(self, tmp_path: Path, suffix: str) -> None:
        source = write_video(tmp_path / "s.mp4", grays(50), rate=Fraction(25), sound=Sound(seconds=0.8))
        path = copy(source, tmp_path / f"x.{suffix}", audio_from=source)
        assert 0.75 < sound_span(path)[1] < 0.85
        assert len(read_all(path)) == 50

    def test_copied_packets_are_the_same_bytes(self, tmp_path: Path) -> None:
        source = write_video(tmp_path / "s.mp4", grays(30), rate=Fraction(25), sound=Sound(seconds=3))

        def packets(path: Path) -> list[bytes]:
            with av.open(str(path)) as container:
                return [bytes(packet) for packet in container.demux(audio=0) if packet.size]

        copied = packets(copy(source, tmp_path / "x.mp4", audio_from=source))
        assert copied == packets(source)[: len(copied)]
        assert len(copied) > 50

    def test_variable_rate_stays_in_step(self, tmp_path: Path) -> None:
        pts = [0, 10, 400, 410, 420, 1500, 1900]
        source = write_video(
            tmp_path / "s.mkv", grays(7), pts=pts, time_base=Fraction(1, 1000), sound=Sound(beep_at=1.5)
        )
        path = copy(source, tmp_path / "x.mp4", audio_from=source)
        beep = beep_time(path)
        frames = read_all(path)
        assert index_of(frames[5]) == 5
        assert beep == pytest.approx(float(frames[5].time), abs=0.004)

    def test_part_of_the_video(self, tmp_path: Path) -> None:
        # Frames 10 to 29 with their own times: the sound follows without being told.
        source = write_video(tmp_path / "s.mp4", grays(50), rate=Fraction(25), sound=Sound(beep_at=0.8))
        path = write(tmp_path / "x.mp4", read_all(source)[10:30], Fraction(25), audio_from=source)
        assert beep_time(path) == pytest.approx(0.4, abs=0.003)
        assert sound_span(path)[1] == pytest.approx(0.8, abs=0.03)

    def test_audio_start(self, tmp_path: Path) -> None:
        source = write_video(tmp_path / "s.mp4", grays(50), rate=Fraction(25), sound=Sound(beep_at=0.8))
        frames = frames_of(grays(20), Fraction(25))
        path = write(tmp_path / "x.mp4", frames, Fraction(25), audio_from=source, audio_start=Fraction(1, 2))
        assert beep_time(path) == pytest.approx(0.3, abs=0.003)
        path = write(
            tmp_path / "y.mp4", frames, Fraction(25), audio_from=source, audio_start=Fraction(-1, 10)
        )
        assert beep_time(path) is None or beep_time(path) == pytest.approx(0.9, abs=0.003)

    @pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
    def test_interleaved(self, tmp_path: Path, suffix: str) -> None:
        source = write_video(tmp_path / "s.mp4", grays(250), rate=Fraction(25), sound=Sound(seconds=10))
        path = copy(source, tmp_path / f"x.{suffix}", audio_from=source)
        with av.open(str(path)) as container:
            packets = sorted(
                (packet.pos, packet.stream.type, float(packet.pts * packet.time_base))
                for packet in container.demux()
                if packet.size and packet.pos is not None and packet.pts is not None
            )
        reached = {"video": 0.0, "audio": 0.0}
        for _, kind, time in packets:
            reached[kind] = max(reached[kind], time)
            assert abs(reached["video"] - reached["audio"]) < 1

    def test_sound_file(self, tmp_path: Path) -> None:
        source = write_sound(tmp_path / "s.wav", Sound(codec="pcm_s16le"))
        path = write(tmp_path / "x.mp4", frames_of(grays(30)), audio_from=source)
        assert sound_codec(path) == "aac"
        assert beep_time(path) == pytest.approx(0.5, abs=0.003)

    def test_nothing_to_hear(self, tmp_path: Path) -> None:
        silent = write_video(tmp_path / "silent.mp4", grays(5))
        assert sound_codec(copy(silent, tmp_path / "x.mp4", audio_from=silent)) is None
        source = write_video(tmp_path / "s.mp4", grays(5), sound=Sound(seconds=0.3))
        frames = frames_of(grays(5))
        late = write(tmp_path / "y.mp4", frames, audio_from=source, audio_start=Fraction(9))
        assert sound_codec(late) is None
        assert len(read_all(late)) == 5

    def test_damaged_sound_does_not_spoil_the_video(self, tmp_path: Path) -> None:
        source = write_video(tmp_path / "s.mp4", grays(40), sound=Sound())
        with av.open(str(source)) as container:
            packets = [(p.pos, p.size) for p in container.demux(audio=0) if p.size]
        content = bytearray(source.read_bytes())
        for position, size in packets[10:30:2]:
            assert position is not None
            content[position : position + size] = b"\xff" * size
        source.write_bytes(content)
        for suffix in ("mp4", "webm"):
            assert len(read_all(copy(source, tmp_path / f"x.{suffix}", audio_from=source))) == 40

    @pytest.mark.parametrize(("failing", "codec"), [(("Copy",), "aac"), (("Copy", "Encode"), None)])
    def test_sound_that_the_container_refuses(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        failing: tuple[str, ...],
        codec: str | None,
    ) -> None:
        source = write_video(tmp_path / "s.mp4", grays(20), sound=Sound(seconds=0.6, beep_at=0.2))
        for name in failing:
            monkeypatch.setattr(audio_track, name, refuse)
        path = copy(source, tmp_path / "x.mp4", audio_from=source)
        assert sound_codec(path) == codec
        assert beep_time(path) == (None if codec is None else pytest.approx(0.2, abs=0.003))
        assert len(read_all(path)) == 20
        assert "does not fit into mp4" in caplog.text

    def test_sound_source_cut_off(self, tmp_path: Path) -> None:
        source = write_video(tmp_path / "s.mkv", grays(40), sound=Sound())
        content = source.read_bytes()
        source.write_bytes(content[: len(content) // 2])
        path = write(tmp_path / "x.mp4", frames_of(grays(40)), audio_from=source)
        assert len(read_all(path)) == 40

    def test_source_and_target_may_be_the_same_file(self, tmp_path: Path) -> None:
        path = write_video(tmp_path / "x.mp4", grays(20), sound=Sound(seconds=0.6, beep_at=0.2))
        copy(path, path, audio_from=path)
        assert len(read_all(path)) == 20
        assert beep_time(path) == pytest.approx(0.2, abs=0.003)

    @pytest.mark.parametrize(("content", "reason"), [(None, "no such file"), (b"text\n" * 99, "not a video")])
    def test_unreadable_source(self, tmp_path: Path, content: bytes | None, reason: str) -> None:
        source = tmp_path / "s.mp4"
        if content is not None:
            source.write_bytes(content)
        with pytest.raises(MediaError, match=reason) as caught:
            write(tmp_path / "x.mp4", frames_of(grays(3)), audio_from=source)
        assert not isinstance(caught.value, OutputError)
        assert not (tmp_path / "x.mp4").exists()


class TestFailure:
    @pytest.mark.parametrize("name", ["x.avi", "x", "x.mp4.txt", "x.png"])
    def test_unknown_suffix(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(OutputError, match=r"use \.mp4, \.mov, \.mkv, \.webm, \.gif") as caught:
            VideoWriter(tmp_path / name, SIZE, NTSC)
        error_line(caught.value)

    def test_missing_encoder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        kind = video_writer._Kind("mp4", "libx999", None)
        monkeypatch.setitem(video_writer._KINDS, ".mp4", kind)
        with pytest.raises(OutputError, match="no libx999 encoder: reinstall it"):
            VideoWriter(tmp_path / "x.mp4", SIZE, NTSC)

    def test_exception_in_the_body_keeps_the_old_file(self, tmp_path: Path) -> None:
        path = tmp_path / "x.mp4"
        path.write_bytes(b"old")
        for failure in (RuntimeError("mine"), KeyboardInterrupt(), ShapeError("a", "b", ())):
            with pytest.raises(type(failure)) as caught:
                self._fail_after_a_frame(path, failure)
            assert caught.value is failure
            assert path.read_bytes() == b"old"
            assert names(tmp_path) == ["x.mp4"]

    def _fail_after_a_frame(self, path: Path, failure: BaseException) -> None:
        with VideoWriter(path, SIZE, NTSC) as writer:
            writer.write(frames_of(grays(1))[0])
            raise failure

    def test_no_frames(self, tmp_path: Path) -> None:
        with (
            pytest.raises(OutputError, match="no frame was written"),
            VideoWriter(tmp_path / "x.mp4", SIZE, NTSC),
        ):
            pass
        assert names(tmp_path) == []

    def test_places(self, tmp_path: Path) -> None:
        frames = frames_of(grays(2))
        (tmp_path / "folder.mp4").mkdir()
        for path, reason in [
            (tmp_path / "a" / "x.mp4", "does not exist"),
            (tmp_path / "folder.mp4", "a folder"),
        ]:
            with pytest.raises(OutputError, match=reason) as caught:
                write(path, frames)
            error_line(caught.value)

    def test_overwrite_false(self, tmp_path: Path) -> None:
        path = write(tmp_path / "x.mp4", frames_of(grays(2)))
        with pytest.raises(OutputError, match="already there"):
            write(path, frames_of(grays(3)), overwrite=False)
        assert len(read_all(path)) == 2

    @pytest.mark.parametrize("suffix", [*VIDEO_SUFFIXES, "gif"])
    @pytest.mark.parametrize("limit", [0, 3_000, 40_000, 60_000])
    def test_full_disk(self, tmp_path: Path, suffix: str, limit: int) -> None:
        rng = np.random.default_rng(0)
        noise = [rng.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(16)]
        source = write_sound(tmp_path / "s.mp3", Sound(codec="libmp3lame"))
        path = tmp_path / f"x.{suffix}"
        path.write_bytes(b"old")
        with file_size_limit(limit), pytest.raises(OutputError, match="size limit") as caught:
            write(path, frames_of(noise), audio_from=source, crf=1)
        error_line(caught.value)
        assert path.read_bytes() == b"old"
        assert names(tmp_path) == ["s.mp3", path.name]

    @pytest.mark.parametrize("missing", [1, 100, 2000])
    def test_disk_full_at_the_very_end(self, tmp_path: Path, missing: int) -> None:
        whole = write(tmp_path / "whole.mp4", frames_of(grays(10)))
        with file_size_limit(whole.stat().st_size - missing), pytest.raises(OutputError, match="size limit"):
            write(tmp_path / "x.mp4", frames_of(grays(10)))
        assert names(tmp_path) == ["whole.mp4"]

    def test_frames_must_fit_and_move_on(self, tmp_path: Path) -> None:
        frames = frames_of(grays(2))
        with pytest.raises(ShapeError, match=r"expected \[48, 64, 3\]"):
            write(tmp_path / "x.mp4", [*frames, Frame(gray(0, (64, 64)), 2, 1 / NTSC)])
        for second in (frames[0], Frame(frames[0].pixels, -1, 1 / NTSC)):
            with pytest.raises(ValueError, match="must increase"):
                write(tmp_path / "x.mp4", [frames[0], second])
        assert names(tmp_path) == []

    def test_wrong_arguments(self, tmp_path: Path) -> None:
        path = tmp_path / "x.mp4"
        with pytest.raises(ConfigError, match="crf = 52"):
            VideoWriter(path, SIZE, NTSC, crf=52)
        with pytest.raises(ValueError, match="positive"):
            VideoWriter(path, (0, 4), NTSC)
        with pytest.raises(ValueError, match="positive"):
            VideoWriter(path, SIZE, Fraction(0))
        with pytest.raises(ValueError, match="exact Fraction"):
            VideoWriter(path, SIZE, 29.97)  # type: ignore[arg-type]
        with pytest.raises(RuntimeError, match="entered"):
            VideoWriter(path, SIZE, NTSC).write(frames_of(grays(1))[0])


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Let the system refuse to write more than `size` bytes per file, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
class TestMemory:
    SIZE = (640, 360)  # 0.7 MB per frame

    @pytest.mark.slow
    def test_reading_800_frames(self, tmp_path: Path) -> None:
        picture = gray(20, self.SIZE)
        path = write_video(tmp_path / "x.mp4", (picture for _ in range(800)), options={"g": "250"})
        with VideoReader(path) as reader:
            sizes = [resident_bytes() for _ in reader]
        assert len(sizes) == 800
        assert max(sizes[100:]) - sizes[100] < 60_000_000  # all frames: 550 MB; decoders keep a few

    @pytest.mark.slow
    def test_writing_300_frames_with_sound(self, tmp_path: Path) -> None:
        source = write_video(
            tmp_path / "s.mp4",
            (gray(20, self.SIZE) for _ in range(300)),
            sound=Sound(seconds=10),
            options={"g": "250"},
        )
        sizes = []
        target = tmp_path / "x.mp4"
        with VideoReader(source) as reader, VideoWriter(target, self.SIZE, NTSC, audio_from=source) as writer:
            for frame in reader:
                writer.write(frame)
                sizes.append(resident_bytes())
        assert max(sizes[100:]) - sizes[100] < 60_000_000
