"""facewire encode, decode and info on a real face, with sound, in files and pipes."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from facewire.animation.animator import Animator, Pixels
from facewire.bitstream.container import FwvReader, Section
from facewire.bitstream.sections import MOTION
from facewire.cli import options
from facewire.cli.main import main
from facewire.evaluation.codecs.clips import SHORTEST
from facewire.media.image import load_image, save_image
from facewire.media.video import VideoReader
from tests.cli.conftest import FRAMES, RATE
from tests.media.synthetic import Sound, beep_time, write_video

BEEP = 0.08


@pytest.fixture(autouse=True, scope="module")
def loaded_once(animator: Animator) -> Iterator[None]:
    """Let all commands share one model; tests/cli/test_animate.py covers loading."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(options, "animator_of", lambda given: animator)
        yield


@pytest.fixture(scope="session")
def clip(driving_pictures: list[Pixels], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the turning head as a head crop with a beep."""
    path = tmp_path_factory.mktemp("talk") / "clip.mkv"
    return write_video(path, driving_pictures, rate=RATE, sound=Sound(seconds=0.4, beep_at=BEEP))


@pytest.fixture(scope="module")
def talk(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("talk") / "talk.fwv"
    assert main(["encode", str(clip), "-o", str(path), "--crop", "none", "--keypoints", "20", "-q"]) == 0
    return path


def pictures_of(path: Path) -> list[np.ndarray]:
    with VideoReader(path) as reader:
        return [frame.pixels.astype(int) for frame in reader]


def info_of(path: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["info", str(path), "--json", *more]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


@pytest.mark.slow
def test_info_counts_every_byte_once(talk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    info = info_of(talk, capsys, "--packets")
    parts = [info[key] for key in ("source_bytes", "refresh_bytes", "motion_bytes", "audio_bytes")]
    assert sum(parts) == info["file_bytes"] == talk.stat().st_size
    assert info["frames"] == FRAMES == len(info["packets"])
    assert info["fps"] == pytest.approx(float(RATE))
    assert info["bytes_per_frame"]["mean"] == pytest.approx(info["motion_bytes"] / FRAMES)
    assert (
        info["bytes_per_frame"]["min"] <= info["bytes_per_frame"]["median"] <= info["bytes_per_frame"]["max"]
    )
    costs = info["costs"]
    assert costs["motion"]["kbit_per_s"] == pytest.approx(
        8 * info["motion_bytes"] * float(RATE) / FRAMES / 1000
    )
    assert costs["pictures"]["bytes"] + costs["sound"]["bytes"] == info["file_bytes"]
    assert info["keypoints"]["mean"] == 20
    assert info["audio_bytes"] > 100
    assert {row["kind"] for row in info["sections"]} == {
        "source", "reference", "motion", "audio head", "audio", "index", "end"
    }  # fmt: skip


def test_info_for_people_says_what_is_in_it(talk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(talk)]) == 0
    text = capsys.readouterr().out
    assert "a frame" in text
    assert "all pictures" in text
    assert "Opus" in text
    assert "synthetic" in text


@pytest.mark.slow
def test_decoded_talk_is_the_clip_in_step_with_its_sound(talk: Path, clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    assert main(["decode", str(talk), "-o", str(out), "-q"]) == 0
    with VideoReader(out) as reader:
        assert reader.rate == RATE
        assert reader.has_audio
    shown, truth = pictures_of(out), pictures_of(clip)
    assert len(shown) == FRAMES
    for one, other in zip(shown, truth):
        assert np.abs(one - other).mean() < 8
    assert beep_time(out) == pytest.approx(BEEP, abs=0.01)


@pytest.mark.slow
def test_a_video_stream_carries_a_talk_with_its_sound(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    carried, out = tmp_path / "carried.mp4", tmp_path / "out.mp4"
    assert main(["encode", str(clip), "-o", str(carried), "--crop", "none", "--carrier", "h264", "-q"]) == 0
    still = pictures_of(carried)
    truth = pictures_of(clip)
    assert all(np.array_equal(picture, still[0]) for picture in still)
    assert np.abs(still[0] - truth[0]).mean() < 4
    info = info_of(carried, capsys)
    assert (info["frames"], info["carrier"]) == (FRAMES, "h264, GFV messages")
    assert info["file_bytes"] == carried.stat().st_size
    assert main(["info", str(carried)]) == 0
    assert "carried in  h264" in capsys.readouterr().out
    assert main(["decode", str(carried), "-o", str(out), "-q"]) == 0
    shown = pictures_of(out)
    assert len(shown) == FRAMES
    for one, other in zip(shown, truth):
        assert np.abs(one - other).mean() < 8
    assert beep_time(out) == pytest.approx(BEEP, abs=0.01)
    swept = tmp_path / "swept.mp4"
    assert main(["decode", str(carried), "-o", str(swept), "--yaw", "-15:15", "-q"]) == 0
    assert len(pictures_of(swept)) == FRAMES


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (["--carrier", "h266", "-o", "a.mp4"], "no encoder for H.266"),
        (["--carrier", "h265", "-o", "a.h264"], ".h265"),
        (["--carrier", "h264", "-o", "a.fwv"], ".mp4"),
        (["--carrier", "h264", "-o", "a.mp4", "--profile", "stream"], "file, where a video stream"),
        (["--carrier", "h264", "-o", "a.mp4", "--refresh", "patch"], "source or off"),
        (["--carrier", "h264", "-o", "a.mp4", "--size", "301"], "even"),
    ],
)
def test_what_a_video_stream_cannot_carry_is_refused(
    clip: Path,
    given: list[str],
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["encode", str(clip), "--crop", "none", "-q", *given]) != 0
    assert reason in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_pipes_give_what_files_give(
    clip: Path, talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    coded, shown = io.BytesIO(), io.BytesIO()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(clip.read_bytes())))
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=coded, write=sys.stdout.write))
    options = ["--crop", "none", "--keypoints", "20", "--looks", "2", "-q"]
    assert main(["encode", "-", "-o", "-", *options]) == 0
    assert coded.getvalue() == talk.read_bytes()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(coded.getvalue())))
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=shown, write=sys.stdout.write))
    assert main(["decode", "-", "-o", "-", "-q"]) == 0
    piped = tmp_path / "piped.mkv"
    piped.write_bytes(shown.getvalue())
    assert len(pictures_of(piped)) == FRAMES
    assert beep_time(piped) == pytest.approx(BEEP, abs=0.01)


@pytest.mark.slow
def test_view_and_identity_are_the_receivers(talk: Path, photo: Path, tmp_path: Path) -> None:
    straight, turned, other = tmp_path / "a.mp4", tmp_path / "b.mp4", tmp_path / "c.mp4"
    mirrored = tmp_path / "mirrored.png"
    save_image(mirrored, np.ascontiguousarray(load_image(photo)[:, ::-1]))
    assert main(["decode", str(talk), "-o", str(straight), "-q"]) == 0
    assert main(["decode", str(talk), "-o", str(turned), "-q", "--yaw", "20"]) == 0
    assert main(["decode", str(talk), "-o", str(other), "-q", "--source", str(mirrored)]) == 0
    plain = pictures_of(straight)[0]
    assert np.abs(pictures_of(turned)[0] - plain)[60:200, 60:200].mean() > 5
    assert np.abs(pictures_of(other)[0] - plain).mean() > 10


@pytest.mark.slow
@pytest.mark.parametrize(
    ("profile", "least", "most"), [("file", 1, 40), ("stream", 3, 60), ("raw", 132, 150)]
)
def test_profiles(
    profile: str, least: int, most: int, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "p.fwv"
    options = ["--profile", profile, "--crop", "none", "--no-audio", "-q", "--refresh", "off"]
    assert main(["encode", str(clip), "-o", str(path), *options]) == 0
    info = info_of(path, capsys)
    assert info["profile"] == profile
    assert info["audio_bytes"] == 0
    assert least <= info["bytes_per_frame"]["median"] <= most


@pytest.mark.slow
def test_own_photo_of_another_person_keeps_its_place(clip: Path, photo: Path, tmp_path: Path) -> None:
    path, out = tmp_path / "p.fwv", tmp_path / "o.mp4"
    arguments = ["encode", str(clip), "-o", str(path), "--crop", "auto", "--source", str(photo), "-q"]
    assert main(arguments) == 0
    assert main(["decode", str(path), "-o", str(out), "-q"]) == 0
    assert len(pictures_of(out)) == FRAMES


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--keypoints", "21"], 2, "keypoints"),
        (["--keypoints", "many"], 2, "keypoints"),
        (["--limit", "0"], 2, "limit"),
        (["--still-quality", "0"], 2, "still quality"),
        (["--audio-rate", "1000"], 2, "audio rate"),
    ],
)
def test_wrong_settings_leave_nothing_behind(
    arguments: list[str],
    code: int,
    says: str,
    clip: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "p.fwv"
    assert main(["encode", str(clip), "-o", str(path), "--crop", "none", "-q", *arguments]) == code
    assert says in capsys.readouterr().err
    assert not path.exists()


@pytest.mark.parametrize("keep", [0, 3, 30, 200])
def test_talks_cut_before_the_first_frame_are_one_line(
    keep: int, talk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = tmp_path / "cut.fwv"
    cut.write_bytes(talk.read_bytes()[:keep])
    out = tmp_path / "o.mp4"
    for more in ([], ["--tolerant"], ["--yaw=-10:10"]):
        assert main(["decode", str(cut), "-o", str(out), "-q", *more]) == (5 if keep else 3)
        says = capsys.readouterr().err
        assert says.count("\n") == 1
        assert "cut.fwv" in says
        assert not out.exists()


def last_motion(talk: bytes) -> Section:
    """Return the last motion section of a talk."""
    return [section for section in FwvReader(io.BytesIO(talk)) if section.kind == MOTION][-1]


@pytest.mark.slow
@pytest.mark.parametrize(("missing", "tolerant"), [(8, False), (1, False), (0, False), (8, True)])
def test_of_a_cut_talk_everything_before_the_cut_is_written(
    missing: int,
    tolerant: bool,
    talk: Path,
    photo: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`missing` bytes of the motion, or with 0 the index and the end."""
    data, cut = talk.read_bytes(), tmp_path / "cut.fwv"
    motion = last_motion(data)
    cut.write_bytes(data[: motion.start + len(motion.payload) - missing])
    there = info_of(cut, capsys)["frames"]
    assert there == FRAMES if missing == 0 else 3 <= there < FRAMES
    more = ["--tolerant"] if tolerant else []
    decoded, animated = tmp_path / "decoded.mp4", tmp_path / "animated.mp4"
    assert main(["decode", str(cut), "-o", str(decoded), "-q", *more]) == (0 if tolerant else 5)
    assert f"the {there} frames before" in capsys.readouterr().err
    assert main(["animate", str(photo), str(cut), "-o", str(animated), "-q", *more]) == (0 if tolerant else 5)
    assert f"the {there} frames before" in capsys.readouterr().err
    assert len(pictures_of(decoded)) == len(pictures_of(animated)) == there
    assert beep_time(decoded) == pytest.approx(BEEP, abs=0.01)


@pytest.mark.slow
def test_a_cut_talk_can_be_swept(talk: Path, tmp_path: Path) -> None:
    cut, out = tmp_path / "cut.fwv", tmp_path / "o.mp4"
    cut.write_bytes(talk.read_bytes()[:-20])
    assert main(["decode", str(cut), "-o", str(out), "-q", "--yaw=-10:10"]) == 5
    assert len(pictures_of(out)) == FRAMES


@pytest.mark.slow
def test_of_a_damaged_talk_everything_before_the_damage_is_written(
    driving_pictures: list[Pixels], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip, talk, out = tmp_path / "c.mkv", tmp_path / "t.fwv", tmp_path / "o.mp4"
    write_video(clip, driving_pictures, rate=Fraction(3))
    assert main(["encode", str(clip), "-o", str(talk), "--crop", "none", "-q", "--profile", "stream"]) == 0
    data = bytearray(talk.read_bytes())
    data[last_motion(bytes(data)).start + 4] ^= 1
    talk.write_bytes(data)
    assert main(["decode", str(talk), "-o", str(out), "-q"]) == 5
    assert "checksum" in capsys.readouterr().err


@pytest.mark.slow
def test_of_a_cut_driving_video_everything_before_the_cut_is_used(
    driving_pictures: list[Pixels], photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip, talk, out = tmp_path / "c.mp4", tmp_path / "t.fwv", tmp_path / "o.mp4"
    front = {"movflags": "+faststart"}
    write_video(clip, driving_pictures, rate=RATE, sound=Sound(0.4, BEEP), muxer_options=front)
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size * 17 // 20])
    there = len(pictures_of(clip))
    assert 3 <= there < FRAMES
    capsys.readouterr()
    assert main(["animate", str(photo), str(clip), "-o", str(out), "--crop", "none", "-q"]) == 0
    assert capsys.readouterr().err.count("c.mp4: the video is cut off") == 1
    assert len(pictures_of(out)) == there
    assert main(["encode", str(clip), "-o", str(talk), "--crop", "none", "-q"]) == 0
    assert capsys.readouterr().err.count("c.mp4: the video is cut off") == 1
    assert info_of(talk, capsys)["frames"] == there


@pytest.mark.slow
def test_a_sweep_needs_a_length(
    talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(talk.read_bytes())))
    assert main(["decode", "-", "-o", str(tmp_path / "o.mp4"), "--yaw=-10:10", "-q"]) == 2
    assert "sweep" in capsys.readouterr().err
    assert main(["decode", str(talk), "-o", str(tmp_path / "o.mp4"), "--yaw=-10:10", "-q"]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["source", "patch"])
def test_what_cannot_be_warped_is_sent_again(
    mode: str,
    driving_pictures: list[Pixels],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """At five frames a second, since a picture is sent again after a second at the earliest."""
    pictures = [picture.copy() for _ in range(2) for picture in driving_pictures][:8]
    for picture in pictures[3:]:
        picture[120:250, 20:140] = (20, 220, 40)
    clip, talk, out = tmp_path / "c.mkv", tmp_path / "t.fwv", tmp_path / "o.mkv"
    write_video(clip, pictures, rate=Fraction(5), options={"crf": "12"})
    assert main(["encode", str(clip), "-o", str(talk), "--crop", "none", "--refresh", mode, "-q"]) == 0
    info = info_of(talk, capsys)
    assert [picture["kind"] for picture in info["pictures"]] == ["source", mode]
    number = info["pictures"][1]["frame"]
    assert number == 5
    assert info["refresh_bytes"] > 300
    assert main(["decode", str(talk), "-o", str(out), "-q"]) == 0
    capsys.readouterr()
    shown, truth = pictures_of(out), pictures_of(clip)
    assert len(shown) == 8
    wrong = [np.abs(one - other)[130:240, 30:130].mean() for one, other in zip(shown, truth)]
    assert min(wrong[3:number]) > 40
    assert wrong[number] < 10


@pytest.mark.slow
def test_a_view_that_comes_back_is_named_and_not_sent_again(
    driving_pictures: list[Pixels], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At five frames a second, so that a second is five pictures."""
    pictures = [driving_pictures[0].copy() for _ in range(12)]
    for picture in pictures[3:8]:
        picture[120:250, 20:140] = (20, 220, 40)
    clip, talk, out = tmp_path / "c.mkv", tmp_path / "t.fwv", tmp_path / "o.mkv"
    write_video(clip, pictures, rate=Fraction(5), options={"crf": "12"})
    assert main(["encode", str(clip), "-o", str(talk), "--crop", "none", "-q"]) == 0
    info = info_of(talk, capsys)
    _, new, named = info["pictures"]
    assert 3 < new["frame"] < 8 <= named["frame"] < 12
    assert named["mime"] == "the one of source 0"
    assert named["bytes"] < 100 < new["bytes"]
    assert main(["decode", str(talk), "-o", str(out), "-q"]) == 0
    shown, truth = pictures_of(out), pictures_of(clip)
    wrong = [np.abs(one - other)[130:240, 30:130].mean() for one, other in zip(shown, truth)]
    assert max(wrong[new["frame"] : 8]) < 10
    assert max(wrong[named["frame"] :]) < 10


@pytest.mark.slow
@pytest.mark.usefixtures("few_points")
def test_compare_measures_ours_and_an_anchor_and_goes_on_where_it_was(
    driving_pictures: list[Pixels],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    clip, report = tmp_path / "clip.mkv", tmp_path / "report"
    write_video(clip, (driving_pictures * 2)[:SHORTEST], rate=RATE)
    arguments = ["compare", str(clip), "-o", str(report), "--crop", "none", "--stride", "4", "-q", "--json"]
    arguments += ["--methods", "Facewire file", "x264 low delay"]
    assert main(arguments) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["clips"] == ["clip"]
    anchor, ours = first["curves"]["x264 low delay"], first["curves"]["Facewire file"]
    assert len(anchor) == 3
    quality = [point["values"]["psnr"] for point in anchor.values()]
    assert quality == sorted(quality, reverse=True)
    assert ours["coarse 20"]["kbit_per_s"]["after the first picture"] < 20
    assert ours["fine 20"]["kbit_per_s"]["10 s"] > ours["fine 20"]["kbit_per_s"]["10 min"]
    ratio = first["ratios"]["psnr"]["x264 low delay"]["after the first picture"]
    assert (ratio["overall"] is None) == bool(ratio["reason"])
    assert "x264 low delay" in (report / "report.html").read_text(encoding="utf-8")
    assert (report / "pictures" / "clip.jpg").is_file()
    stamps = {path: path.stat().st_mtime_ns for path in (report / "rows").iterdir()}
    request.getfixturevalue("without_plots")
    assert main(arguments) == 0
    assert {path: path.stat().st_mtime_ns for path in (report / "rows").iterdir()} == stamps
    assert json.loads(capsys.readouterr().out) == first


def test_compare_refuses_unknown_methods(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(clip), "-o", str(tmp_path / "r"), "--methods", "h262"]) == 2
    assert "x264" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["encode", "decode", "info", "compare"])
def test_help_shows_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert f"facewire {command}" in capsys.readouterr().out.split("examples:")[1]
