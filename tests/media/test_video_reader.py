"""Reading: everything a camera, a phone or a careless copy can produce."""

from __future__ import annotations

import struct
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.bitstream import BitStreamFilterContext
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from facewire.base.errors import MediaError
from facewire.media.frame import Frame
from facewire.media.image import save_image
from facewire.media.video import VideoReader, VideoWriter, count_frames

from .synthetic import (
    NTSC,
    SIZE,
    Sound,
    corners,
    error_line,
    gray,
    grays,
    index_of,
    quadrants,
    read_all,
    set_display_matrix,
    write_sound,
    write_video,
)


def joined(folder: Path, parts: list[dict[str, Any]]) -> Path:
    """Write a stream of several parts, four frames each, one after the other in one transport stream."""
    written = []
    for number, part in enumerate(parts):
        size, bitstream_filter = part["size"], part.get("bitstream_filter")
        path = write_video(
            folder / f"{number}.ts", [quadrants(size)] * 4, rate=Fraction(25), options=part.get("options")
        )
        if bitstream_filter is not None:
            path = filtered(path, folder / f"{number}-filtered.ts", bitstream_filter)
        written.append(path.read_bytes())
    path = folder / "joined.ts"
    path.write_bytes(b"".join(written))
    return path


def filtered(source: Path, target: Path, description: str) -> Path:
    """Copy a video's packets through a bitstream filter."""
    with av.open(str(source)) as reader, av.open(str(target), "w") as writer:
        stream = writer.add_stream_from_template(reader.streams.video[0])
        filters = BitStreamFilterContext(description, reader.streams.video[0], stream)
        for packet in reader.demux(video=0):
            for out in filters.filter(packet if packet.size else None):
                out.stream = stream
                writer.mux(out)
    return target


class TestWhatIsKnown:
    def test_plain_mp4(self, tmp_path: Path) -> None:
        path = write_video(tmp_path / "x.mp4", grays(40))
        with VideoReader(path) as reader:
            assert reader.size == SIZE
            assert reader.rate == NTSC
            assert reader.frame_count == 40
            assert reader.duration == 40 / NTSC
            assert reader.start_time == 0
            assert not reader.has_audio
            frames = list(reader)
            assert reader.dropped == 0
            assert not reader.truncated
        assert [index_of(frame) for frame in frames] == list(range(40))
        assert [frame.time for frame in frames] == [k / NTSC for k in range(40)]
        assert all(frame.size == SIZE for frame in frames)

    @pytest.mark.parametrize(
        ("name", "codec"),
        [
            ("x.mkv", "libx264"),
            ("x.webm", "libvpx-vp9"),
            ("x.mov", "libx264"),
            ("x.ts", "libx264"),
            ("x.avi", "mpeg4"),
            ("x.mpg", "mpeg1video"),
            ("x.flv", "libx264"),
        ],
    )
    def test_containers(self, tmp_path: Path, name: str, codec: str) -> None:
        path = write_video(tmp_path / name, grays(20), codec=codec, options={"b": "2000000"})
        with VideoReader(path) as reader:
            assert abs(reader.rate / NTSC - 1) < Fraction(1, 1000)
            frames = list(reader)
            assert not reader.truncated
            assert reader.dropped == 0
        assert [index_of(frame) for frame in frames] == list(range(20))
        for a, b in pairwise(frames):
            assert abs(b.time - a.time - 1 / NTSC) < Fraction(1, 500)

    @pytest.mark.parametrize(
        "rate", [Fraction(24000, 1001), Fraction(25), Fraction(60000, 1001), Fraction(15, 2)]
    )
    @pytest.mark.parametrize("suffix", ["mp4", "mkv"])
    def test_exact_rates(self, tmp_path: Path, rate: Fraction, suffix: str) -> None:
        path = write_video(tmp_path / f"x.{suffix}", grays(12), rate=rate)
        with VideoReader(path) as reader:
            assert reader.rate == rate

    def test_sound_is_noticed(self, tmp_path: Path) -> None:
        path = write_video(tmp_path / "x.mp4", grays(10), sound=Sound(seconds=0.3))
        with VideoReader(path) as reader:
            assert reader.has_audio
            assert len(list(reader)) == 10

    def test_one_frame(self, tmp_path: Path) -> None:
        path = write_video(tmp_path / "x.mp4", grays(1))
        assert len(read_all(path)) == 1

    def test_frames_come_once_and_closing_ends_them(self, tmp_path: Path) -> None:
        path = write_video(tmp_path / "x.mp4", grays(5))
        with VideoReader(path) as reader:
            assert index_of(next(iter(reader))) == 0
            assert [index_of(frame) for frame in reader] == [1, 2, 3, 4]
            assert list(reader) == []
        reader.close()
        assert list(reader) == []

    def test_name_that_looks_like_an_address(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        write_video(tmp_path / "x.mp4", grays(3)).rename("http:a%03d.mp4")
        assert len(read_all(Path("http:a%03d.mp4"))) == 3


class TestTimes:
    PTS = (0, 3003, 3503, 9000, 9001, 20000, 20500)

    def test_variable_rate(self, tmp_path: Path) -> None:
        path = write_video(tmp_path / "x.mp4", grays(7), pts=self.PTS, time_base=Fraction(1, 90000))
        frames = read_all(path)
        assert [frame.time * 90000 for frame in frames] == list(self.PTS)
        assert [index_of(frame) for frame in frames] == list(range(7))

    def test_start_is_not_moved_to_zero(self, tmp_path: Path) -> None:
        path = write_video(
            tmp_path / "x.mkv",
            grays(5),
            pts=range(500, 1000, 100),
            time_base=Fraction(1, 1000),
            rate=Fraction(10),
        )
        with VideoReader(path) as reader:
            assert reader.start_time == Fraction(1, 2)
            assert next(iter(reader)).time == Fraction(1, 2)

    def test_times_increase_even_if_the_file_says_otherwise(self, tmp_path: Path) -> None:
        path = write_video(tmp_path / "x.mp4", grays(4), options={"bf": "0"})
        content = bytearray(path.read_bytes())
        # One entry of the time-to-sample table: 4 samples, 1001 ticks each. Make all durations zero.
        entry = content.index(struct.pack(">II", 4, 1001), content.index(b"stts"))
        content[entry + 4 : entry + 8] = bytes(4)
        path.write_bytes(content)
        times = [frame.time for frame in read_all(path)]
        assert len(times) == 4
        assert all(a < b for a, b in pairwise(times))


class TestPictures:
    @pytest.mark.parametrize(
        ("matrix", "expected", "turned"),
        [
            ((1, 0, 0, 1), "RGBW", False),
            ((0, 1, -1, 0), "BRWG", True),  # a phone held upright: clockwise
            ((-1, 0, 0, -1), "WBGR", False),
            ((0, -1, 1, 0), "GWRB", True),
            ((-1, 0, 0, 1), "GRWB", False),  # mirrored
            ((0, 1, 1, 0), "RBGW", True),
        ],
    )
    def test_rotation(
        self, tmp_path: Path, matrix: tuple[int, int, int, int], expected: str, turned: bool
    ) -> None:
        path = write_video(tmp_path / "x.mp4", [quadrants()] * 3)
        if matrix != (1, 0, 0, 1):
            set_display_matrix(path, *matrix)
        with VideoReader(path) as reader:
            assert reader.size == (SIZE[::-1] if turned else SIZE)
            frames = list(reader)
        assert [corners(frame.pixels) for frame in frames] == [expected] * 3
        assert frames[0].size == reader.size

    @pytest.mark.parametrize(
        ("name", "codec", "pix_fmt"),
        [
            ("x.webm", "libvpx-vp9", "yuv420p"),
            ("x.mp4", "libx264", "yuv444p"),
            ("x.mkv", "ffv1", "yuv420p"),
        ],
    )
    @pytest.mark.parametrize("size", [(65, 49), (33, 64), (17, 9)])
    def test_odd_sizes(
        self, tmp_path: Path, name: str, codec: str, pix_fmt: str, size: tuple[int, int]
    ) -> None:
        path = write_video(tmp_path / name, grays(3, size), codec=codec, pix_fmt=pix_fmt)
        with VideoReader(path) as reader:
            assert reader.size == size
            assert [index_of(frame) for frame in reader] == [0, 1, 2]

    @pytest.mark.parametrize(
        ("name", "codec", "pix_fmt"),
        [
            ("x.mkv", "ffv1", "gray"),
            ("x.mkv", "ffv1", "gray10le"),
            ("x.mp4", "libx264", "yuv420p10le"),
            ("x.mkv", "ffv1", "yuv422p12le"),
            ("x.mp4", "libx264rgb", "rgb24"),
            ("x.mkv", "ffv1", "rgb48le"),
            ("x.avi", "mjpeg", "yuvj422p"),
            ("x.mov", "prores_ks", "yuv422p10le"),
            ("x.mov", "qtrle", "rgb24"),
            ("x.avi", "rawvideo", "bgr24"),
        ],
    )
    def test_pixel_formats(self, tmp_path: Path, name: str, codec: str, pix_fmt: str) -> None:
        frames = read_all(write_video(tmp_path / name, grays(6), codec=codec, pix_fmt=pix_fmt))
        assert len(frames) == 6
        for k, frame in enumerate(frames):
            assert frame.pixels.flags.c_contiguous
            assert np.abs(frame.pixels.astype(int) - gray(k)).max() <= 3

    @pytest.mark.parametrize(
        ("name", "codec", "pix_fmt"),
        [("x.mov", "qtrle", "argb"), ("x.mov", "prores_ks", "yuva444p10le"), ("x.mkv", "ffv1", "yuva420p")],
    )
    def test_transparency_becomes_white(self, tmp_path: Path, name: str, codec: str, pix_fmt: str) -> None:
        rgba = np.full((48, 64, 4), (60, 60, 60, 255), np.uint8)
        rgba[:, 32:, 3] = 0
        path = write_video(
            tmp_path / name, [rgba] * 2, codec=codec, pix_fmt=pix_fmt, source_format="rgba", rate=Fraction(25)
        )
        pixels = read_all(path)[0].pixels
        assert np.abs(pixels[:, :28].astype(int) - 60).max() <= 4
        assert pixels[:, 36:].min() >= 252

    def test_pixels_that_are_not_square(self, tmp_path: Path) -> None:
        path = write_video(tmp_path / "x.mp4", grays(2), options={"x264-params": "sar=4/3"})
        with VideoReader(path) as reader:
            assert reader.size == (round(SIZE[0] * 4 / 3), SIZE[1])
            assert next(iter(reader)).size == reader.size

    def test_size_that_changes(self, tmp_path: Path) -> None:
        parts = [
            write_video(tmp_path / f"{k}.ts", [quadrants(size)] * 4, rate=Fraction(25))
            for k, size in enumerate([(64, 48), (128, 96)])
        ]
        path = tmp_path / "x.ts"
        path.write_bytes(b"".join(part.read_bytes() for part in parts))
        frames = read_all(path)
        assert len(frames) > 4
        assert {frame.size for frame in frames} == {(64, 48)}
        assert corners(frames[-1].pixels) == "RGBW"
        assert all(a.time < b.time for a, b in pairwise(frames))

    def test_each_frame_by_its_own_size(self, tmp_path: Path) -> None:
        """Landscape, then portrait: upright and undistorted in both ways of asking."""
        path = joined(tmp_path, [{"size": (64, 48)}, {"size": (48, 64)}])
        with VideoReader(path, own_sizes=True) as reader:
            assert reader.size == (64, 48)
            own = list(reader)
        assert [frame.size for frame in (own[0], own[-1])] == [(64, 48), (48, 64)]
        assert {corners(frame.pixels) for frame in own} == {"RGBW"}
        shown = read_all(path)
        assert {frame.size for frame in shown} == {(64, 48)}
        middle = shown[-1].pixels[:, 14:50]
        assert corners(np.ascontiguousarray(middle)) == "RGBW"
        assert shown[-1].pixels[:, :12].max() < 20

    def test_each_frame_by_its_own_pixel_shape(self, tmp_path: Path) -> None:
        path = joined(
            tmp_path, [{"size": (64, 48)}, {"size": (64, 48), "options": {"x264-params": "sar=2/1"}}]
        )
        with VideoReader(path, own_sizes=True) as reader:
            sizes = [frame.size for frame in reader]
        assert (sizes[0], sizes[-1]) == ((64, 48), (128, 48))
        assert {frame.size for frame in read_all(path)} == {(64, 48)}

    def test_each_frame_by_its_own_rotation(self, tmp_path: Path) -> None:
        turned = "h264_metadata=display_orientation=insert:rotate=90"
        path = joined(tmp_path, [{"size": (64, 48)}, {"size": (64, 48), "bitstream_filter": turned}])
        with VideoReader(path, own_sizes=True) as reader:
            frames = list(reader)
        assert (frames[0].size, frames[-1].size) == ((64, 48), (48, 64))
        assert corners(frames[0].pixels) == "RGBW"
        assert corners(frames[-1].pixels) in ("BRWG", "GWRB")


class TestFilesOfPictures:
    @pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
    def test_still(self, tmp_path: Path, suffix: str) -> None:
        save_image(tmp_path / f"x.{suffix}", quadrants((65, 49)))
        with VideoReader(tmp_path / f"x.{suffix}") as reader:
            assert reader.size == (65, 49)
            assert reader.rate == 25
            assert reader.frame_count == 1
            assert reader.duration == Fraction(1, 25)
            frames = list(reader)
        assert [corners(frame.pixels) for frame in frames] == ["RGBW"]
        assert frames[0].time == 0

    @pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
    def test_animation(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"x.{suffix}"
        pictures = [Image.fromarray(gray(k)) for k in range(5)]
        durations = [100, 100, 50, 200, 50]
        lossless: dict[str, Any] = {"lossless": True} if suffix == "webp" else {}
        pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=durations, **lossless)
        with VideoReader(path) as reader:
            assert reader.rate == 10
            assert reader.duration == Fraction(1, 2)
            assert reader.frame_count == 5
            frames = list(reader)
        assert [index_of(frame) for frame in frames] == list(range(5))
        assert [frame.time * 1000 for frame in frames] == [0, 100, 200, 250, 450]

    def test_upright_and_opaque_like_any_picture(self, tmp_path: Path) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.fromarray(quadrants()).save(tmp_path / "x.jpg", exif=exif)
        with VideoReader(tmp_path / "x.jpg") as reader:
            assert reader.size == SIZE[::-1]
            assert corners(next(iter(reader)).pixels) == "BRWG"

    def test_animation_cut_off(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        path = tmp_path / "x.gif"
        noise = np.random.default_rng(0).integers(0, 256, (6, 40, 40, 3), dtype=np.uint8)
        pictures = [Image.fromarray(picture) for picture in noise]
        pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) * 6 // 10])
        with VideoReader(path) as reader:
            frames = list(reader)
            assert reader.truncated
        assert 1 <= len(frames) < 6
        assert "cut off" in caplog.text


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


class TestDamage:
    @pytest.mark.parametrize(
        ("name", "codec", "sound"),
        [
            ("x.mp4", "libx264", False),
            ("x.mp4", "libx264", True),
            ("x.mkv", "libx264", False),
            ("x.mkv", "libx264", True),
            ("x.webm", "libvpx-vp9", False),
            ("x.avi", "huffyuv", False),
        ],
    )
    def test_cut_off(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, codec: str, sound: bool
    ) -> None:
        rng = np.random.default_rng(0)
        noisy = [
            np.clip(gray(k).astype(int) + rng.integers(-9, 10, gray(k).shape), 0, 255).astype(np.uint8)
            for k in range(50)
        ]
        path = write_video(
            tmp_path / name,
            noisy,
            codec=codec,
            pix_fmt="yuv422p" if codec == "huffyuv" else "yuv420p",
            sound=Sound(seconds=1.6) if sound else None,
            muxer_options={"movflags": "+faststart"} if name.endswith("mp4") else {},
        )
        assert len(read_all(path)) == 50
        cut(path, 0.6)
        with VideoReader(path) as reader:
            frames = list(reader)
            assert reader.truncated
        assert 15 <= len(frames) <= 45
        assert [index_of(frame) for frame in frames] == list(range(len(frames)))
        assert "cut off" in caplog.text

    def test_index_cut_off(self, tmp_path: Path) -> None:
        path = cut(write_video(tmp_path / "x.mp4", grays(50)), 0.8)
        with pytest.raises(MediaError, match="cut off: copy it again") as caught:
            VideoReader(path)
        error_line(caught.value)

    def test_sound_longer_than_the_picture_is_not_a_cut(self, tmp_path: Path) -> None:
        for name in ("x.mp4", "x.mkv"):
            with VideoReader(write_video(tmp_path / name, grays(5), sound=Sound(seconds=2.0))) as reader:
                assert len(list(reader)) == 5
                assert not reader.truncated

    def test_broken_packets_in_the_middle(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        path = write_video(tmp_path / "x.mp4", grays(40))
        with av.open(str(path)) as container:
            packets = [packet for packet in container.demux(video=0) if packet.size]
            broken = [(packet.pos, packet.size) for packet in packets[12:15]]
        content = bytearray(path.read_bytes())
        for position, size in broken:
            assert position is not None
            content[position : position + size] = b"\xff" * size
        path.write_bytes(content)
        with VideoReader(path) as reader:
            frames = list(reader)
            assert reader.dropped == 3
            assert not reader.truncated
        assert len(frames) == 37
        assert [index_of(frame) for frame in frames][-10:] == list(range(30, 40))  # after the next key frame
        assert frames[-1].time == 39 / NTSC
        assert "3 damaged" in caplog.text

    def test_broken_first_packet(self, tmp_path: Path) -> None:
        path = write_video(tmp_path / "x.mp4", grays(30))
        with av.open(str(path)) as container:
            packet = next(container.demux(video=0))
            assert packet.pos is not None
        content = bytearray(path.read_bytes())
        content[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
        path.write_bytes(content)
        with VideoReader(path) as reader:
            frames = list(reader)
            assert reader.dropped >= 1
        assert index_of(frames[-1]) == 29

    def test_nothing_decodable(self, tmp_path: Path) -> None:
        path = write_video(tmp_path / "x.mp4", grays(12))
        content = bytearray(path.read_bytes())
        start = content.index(b"mdat") + 4
        end = content.index(b"moov") - 4
        content[start:end] = b"\xff" * (end - start)
        path.write_bytes(content)
        with pytest.raises(MediaError) as caught:
            VideoReader(path)
        error_line(caught.value)

    @settings(max_examples=60, deadline=None)
    @given(
        which=st.sampled_from(["x.mp4", "x.mkv", "x.avi", "x.webm"]),
        changes=st.lists(
            st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=6)), max_size=6
        ),
        keep=st.floats(0.05, 1),
    )
    def test_any_damage_gives_frames_or_a_media_error(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        intact: dict[str, bytes],
        which: str,
        changes: list[tuple[float, bytes]],
        keep: float,
    ) -> None:
        content = bytearray(intact[which])
        for place, value in changes:
            position = int(place * len(content))
            content[position : position + len(value)] = value
        path = tmp_path_factory.mktemp("damage") / which
        path.write_bytes(content[: int(keep * len(content))])
        try:
            with VideoReader(path) as reader:
                times = [frame.time for frame in reader]
        except MediaError as error:
            error_line(error)
        else:
            assert times
            assert all(a < b for a, b in pairwise(times))


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("intact")
    codecs = {"x.mp4": "libx264", "x.mkv": "libx264", "x.avi": "mpeg4", "x.webm": "libvpx-vp9"}
    return {
        name: write_video(folder / name, grays(8), codec=codec).read_bytes() for name, codec in codecs.items()
    }


def no_frames(folder: Path) -> Path:
    path = folder / "x.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height = SIZE
        container.start_encoding()
    return path


def cover_picture_only(folder: Path) -> Path:
    """A sound file with an attached picture, which libav presents as a video stream."""
    path = folder / "x.mkv"
    write_sound(folder / "plain.mp3", Sound(seconds=0.3, codec="libmp3lame"))
    save_image(folder / "cover.jpg", quadrants())
    with av.open(str(folder / "plain.mp3")) as source, av.open(str(path), "w") as container:
        copy = container.add_stream_from_template(source.streams.audio[0])
        container.add_attachment("cover.jpg", "image/jpeg", (folder / "cover.jpg").read_bytes())
        for packet in source.demux(audio=0):
            if packet.size:
                packet.stream = copy
                container.mux(packet)
    return path


def list_of_files(folder: Path) -> Path:
    """A text that makes libav open another file."""
    write_video(folder / "other.mp4", grays(3))
    path = folder / "x.txt"
    path.write_text("ffconcat version 1.0\nfile other.mp4\n")
    return path


def written(name: str, content: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    return make


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (written("x.mp4", b""), "the file is empty"),
        (written("x.mp4", b"hello, this is text\n" * 50), "is not a video"),
        (written("x.txt", b"hello, this is text\n" * 50), "is a text file"),
        (list_of_files, "list of files"),
        (written("x.m3u8", b"#EXTM3U\n#EXTINF:4,\nhttp://example.invalid/a.ts\n#EXT-X-ENDLIST\n"), "video"),
        (written("x.mp4", np.random.default_rng(0).bytes(5000)), "is not a video"),
        (written("x.png", b"\x89PNG\r\n\x1a\nbroken"), "damaged"),
        (lambda folder: folder, "is a folder"),
        (lambda folder: folder / "missing.mp4", "no such file"),
        (lambda _: Path("/dev/null"), "device or a pipe"),
        (lambda folder: write_sound(folder / "x.m4a", Sound(seconds=0.3)), "no video stream"),
        (
            lambda folder: write_sound(folder / "x.wav", Sound(seconds=0.3, codec="pcm_s16le")),
            "no video stream",
        ),
        (no_frames, "no video stream|no frame can be decoded"),
        (cover_picture_only, "no video stream"),
    ],
)
def test_refused(tmp_path: Path, make: Callable[[Path], Path], reason: str) -> None:
    with pytest.raises(MediaError, match=reason) as caught:
        VideoReader(make(tmp_path))
    error_line(caught.value)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".gif"])
def test_frames_are_counted_without_decoding_up_to_a_limit(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"clip{suffix}"
    with VideoWriter(path, (64, 64), Fraction(25)) as writer:
        for index in range(7):
            writer.write(Frame(np.full((64, 64, 3), 30 * index, np.uint8), index, Fraction(1, 25)))
    assert [count_frames(path, most) for most in (1, 7, 100)] == [1, 7, 7]


class TestSeeking:
    """From any frame to any other: what comes is what reading from the beginning gives."""

    @pytest.mark.parametrize(
        ("name", "codec", "options"),
        [
            ("x.mp4", "libx264", {"g": "10", "bf": "3"}),
            ("x.mkv", "libx264", {"g": "10", "bf": "3", "x264-params": "open-gop=1"}),
            ("x.mp4", "libx264", {"g": "300"}),
            ("x.mp4", "libx264", {"g": "300", "x264-params": "intra-refresh=1"}),
            ("x.ts", "libx264", {"g": "12"}),
            ("x.webm", "libvpx-vp9", {"g": "10", "deadline": "realtime", "cpu-used": "8"}),
            ("x.avi", "mpeg4", {"g": "10"}),
            ("x.h264", "libx264", {"g": "10"}),
            ("x.gif", "gif", {}),
        ],
    )
    def test_frames_are_the_same(
        self, name: str, codec: str, options: dict[str, str], tmp_path: Path
    ) -> None:
        pix_fmt = "rgb8" if codec == "gif" else "yuv420p"
        path = write_video(
            tmp_path / name, grays(50), rate=Fraction(25), codec=codec, pix_fmt=pix_fmt, options=options
        )
        with VideoReader(path) as reader:
            known = [(frame.time - reader.start_time, frame.pixels) for frame in reader]
        for number in (40, 11, 49, 0, 25):
            time, pixels = known[number]
            with VideoReader(path) as reader:
                reader.seek(float(time))
                coming = ((frame.time - reader.start_time, frame.pixels) for frame in reader)
                found = next(shown for at, shown in coming if at >= time)
            assert np.array_equal(found, pixels)

    def test_little_is_read_where_there_is_an_index(self, tmp_path: Path) -> None:
        path = write_video(tmp_path / "x.mp4", grays(50), rate=Fraction(25), options={"g": "10"})
        with VideoReader(path) as reader:
            reader.seek(1.6)
            frame = next(iter(reader))
            assert 0.7 < frame.time <= 1.6
            reader.seek(0.0)
            assert next(iter(reader)).time == 0
