"""facewire animate and rotate, run as a user runs them, on a real face."""

from __future__ import annotations

import contextlib
import io
import json
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facewire.animation.animator import Animator, Person, Pixels
from facewire.animation.driving import record
from facewire.cli.main import main
from facewire.media.frame import Frame
from facewire.media.image import load_image, save_image
from facewire.media.video import VideoReader, VideoWriter
from facewire.talks.motion_file import write_motion
from tests.cli.conftest import FRAMES, RATE


def frames_of(path: Path) -> list[Frame]:
    with VideoReader(path) as reader:
        return list(reader)


@dataclass(frozen=True)
class Animated:
    video: Path
    report: dict[str, Any]


@pytest.fixture(scope="module")
def animated(photo: Path, driving: Path, tmp_path_factory: pytest.TempPathFactory) -> Animated:
    """Return what the command makes of the turning head."""
    out, said = tmp_path_factory.mktemp("animated") / "out.mp4", io.StringIO()
    with contextlib.redirect_stdout(said):
        assert main(["animate", str(photo), str(driving), "-o", str(out), "--json"]) == 0
    return Animated(out, json.loads(said.getvalue()))


@pytest.fixture(scope="module")
def motion(driving: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the motion of the turning head."""
    path = tmp_path_factory.mktemp("motion") / "m.fwv"
    assert main(["record", str(driving), "-o", str(path), "-q"]) == 0
    return path


@pytest.mark.slow
def test_animate_keeps_rate_and_length_and_reports(animated: Animated) -> None:
    assert animated.report["frames"] == FRAMES
    assert animated.report["missing"] == 0
    with VideoReader(animated.video) as reader:
        assert reader.rate == RATE
        frames = list(reader)
    assert len(frames) == FRAMES
    assert frames[0].size == (512, 512)


@pytest.mark.slow
def test_animation_moves_the_head_and_leaves_the_corners(
    photo: Path, driving: Path, person: Person, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    assert main(["animate", str(photo), str(driving), "-o", str(out), "-q", "--head"]) == 0
    shown = [frame.pixels.astype(float) for frame in frames_of(out)]
    head = np.abs(shown[-1][90:190, 80:180] - shown[0][90:190, 80:180]).mean()
    corner = np.abs(shown[-1][:30, :20] - shown[0][:30, :20]).mean()
    assert head > 3.0
    assert corner < 2.0
    assert np.abs(shown[0][:30, :20] - person.picture[:30, :20]).mean() < 6.0


@pytest.mark.slow
def test_older_spellings_are_the_same_command(
    animated: Animated, photo: Path, driving: Path, tmp_path: Path
) -> None:
    old = tmp_path / "old.mp4"
    spelled = ["--source_image", str(photo), "--driving_video", str(driving), "--result_video", str(old)]
    assert main(["animate", *spelled, "-q"]) == 0
    for one, other in zip(frames_of(animated.video), frames_of(old), strict=True):
        assert np.array_equal(one.pixels, other.pixels)


@pytest.mark.slow
def test_side_by_side_shows_source_driver_and_result(
    photo: Path, driving: Path, person: Person, tmp_path: Path
) -> None:
    out = tmp_path / "wide.mp4"
    assert main(["animate", str(photo), str(driving), "-o", str(out), "--side-by-side", "--head", "-q"]) == 0
    frame = frames_of(out)[3]
    assert frame.size == (768, 256)
    assert np.abs(frame.pixels[:, :256].astype(int) - person.picture).mean() < 6


@pytest.mark.slow
def test_record_and_play_back_is_close_to_the_video_itself(
    photo: Path, driving: Path, motion: Path, tmp_path: Path
) -> None:
    played, direct = tmp_path / "played.mp4", tmp_path / "direct.mp4"
    assert motion.stat().st_size < FRAMES * 132
    assert main(["animate", str(photo), str(motion), "-o", str(played), "-q", "--reference", "first"]) == 0
    assert main(["animate", str(photo), str(driving), "-o", str(direct), "-q", "--reference", "first"]) == 0
    for one, other in zip(frames_of(played), frames_of(direct), strict=True):
        assert np.abs(one.pixels.astype(int) - other.pixels).mean() < 4


def test_motion_of_other_weights_is_refused(
    photo: Path, driving: Path, animator: Animator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    motion, other = tmp_path / "m.fwv", copy(animator)
    other.manifest = replace(animator.manifest, sha256="0" * 64)
    write_motion(motion, record(animator, driving), other)
    assert main(["animate", str(photo), str(motion), "-o", str(tmp_path / "o.mp4"), "-q"]) == 5
    assert not (tmp_path / "o.mp4").exists()
    error = capsys.readouterr().err
    assert "m.fwv" in error
    assert "other weights" in error


@pytest.mark.slow
def test_of_a_cut_motion_everything_before_the_cut_is_shown(
    photo: Path, motion: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = tmp_path / "cut.fwv"
    cut.write_bytes(motion.read_bytes()[:-20])
    assert main(["animate", str(photo), str(cut), "-o", str(tmp_path / "o.mp4"), "-q"]) == 5
    assert 0 < len(frames_of(tmp_path / "o.mp4")) <= FRAMES
    error = capsys.readouterr().err
    assert "cut.fwv" in error
    assert error.count("\n") == 1


@pytest.mark.slow
def test_a_frame_without_a_face_holds_the_last_motion_and_is_counted(
    photo: Path, turning_pictures: list[Pixels], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "gap.mp4", tmp_path / "out.mp4"
    shown = [*turning_pictures[:4], np.full((256, 256, 3), 90, np.uint8), *turning_pictures[5:8]]
    with VideoWriter(path, (256, 256), RATE) as writer:
        for index, picture in enumerate(shown):
            writer.write(Frame(np.ascontiguousarray(picture), index, 1 / RATE))
    options = ["--crop", "none", "--reference", "first", "--json"]
    assert main(["animate", str(photo.with_name("crop.png")), str(path), "-o", str(out), *options]) == 3
    capsys.readouterr()
    save_image(tmp_path / "crop.png", turning_pictures[0])
    assert main(["animate", str(tmp_path / "crop.png"), str(path), "-o", str(out), *options]) == 0
    assert json.loads(capsys.readouterr().out)["missing"] == 1
    pictures = [frame.pixels.astype(int) for frame in frames_of(out)]
    assert np.abs(pictures[4] - pictures[3]).mean() < 1.0
    assert np.abs(pictures[5] - pictures[3]).mean() > np.abs(pictures[4] - pictures[3]).mean()


@pytest.mark.slow
def test_rotate_turns_the_head_the_right_way(photo: Path, animator: Animator, tmp_path: Path) -> None:
    right, left = tmp_path / "right.png", tmp_path / "left.png"
    assert main(["rotate", str(photo), "-o", str(right), "--yaw", "15", "--head"]) == 0
    assert main(["rotate", str(photo), "-o", str(left), "--yaw=-15", "--head"]) == 0
    noses = []
    for path in (left, right):
        face = animator.finder.find(load_image(path))[0]
        noses.append(face.landmarks[4, 0] - face.landmarks[[234, 454], 0].mean())
    assert noses[0] < noses[1] - 10


@pytest.mark.slow
def test_rotate_without_angles_makes_a_sheet(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    assert main(["rotate", str(photo), "-o", str(out)]) == 0
    height, width, _ = load_image(out).shape
    assert width > 5 * 256
    assert height > 3 * 256


@pytest.mark.slow
def test_rotate_sweep_is_a_video(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "sweep.mp4"
    assert main(["rotate", str(photo), "-o", str(out), "--yaw=-10:10", "--seconds", "0.4", "-q"]) == 0
    assert len(frames_of(out)) == 10
