"""Driving videos as people bring them, run as a user runs them: cuts, fades, several people, a head that crosses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facewire.animation.animator import Animator, Pixels
from facewire.animation.driving import record
from facewire.cli import options
from facewire.cli.main import main
from facewire.codec.tables.shipped import find_shipped
from facewire.codec.talk import SourcePicture, TalkReader, TalkReference
from facewire.geometry.pose import rotation_from_degrees
from facewire.media.frame import Frame
from facewire.media.image import save_image
from facewire.media.video import VideoReader, VideoWriter
from tests.cli.conftest import RATE


@pytest.fixture(autouse=True, scope="module")
def loaded_once(animator: Animator) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(options, "animator_of", lambda given: animator)
        yield


def write(path: Path, pictures: list[Pixels]) -> Path:
    height, width = pictures[0].shape[:2]
    with VideoWriter(path, (width, height), RATE) as writer:
        for number, picture in enumerate(pictures):
            writer.write(Frame(np.ascontiguousarray(picture), number, 1 / RATE))
    return path


def placed(picture: Pixels, x: int, y: int, ground: int = 110, side: int = 256) -> Pixels:
    """Return a wide picture with a head crop in it."""
    wide = np.full((320, 640, 3), ground, np.uint8)
    wide[y : y + side, x : x + side] = np.asarray(Image.fromarray(picture).resize((side, side)))
    return wide


@pytest.fixture(scope="module")
def edited(turning_pictures: list[Pixels], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a film of a title, a shot, a second title and another shot, in which the head is mirrored, small and
    elsewhere."""
    title = [np.full((320, 640, 3), 230, np.uint8)] * 7
    near = [placed(picture, 40, 50) for picture in turning_pictures]
    far = [placed(picture[:, ::-1], 420, 20, 30, 160) for picture in turning_pictures]
    return write(tmp_path_factory.mktemp("edited") / "edited.mp4", [*title, *near, *title[:4], *far])


@pytest.mark.slow
def test_every_shot_of_an_edited_film_is_read_and_told(
    photo: Path, edited: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mp4"
    assert main(["animate", str(photo), str(edited), "-o", str(out), "--json"]) == 0
    said = capsys.readouterr()
    report = json.loads(said.out)
    assert (report["frames"], report["missing"]) == (25, 11)
    assert [index >= 18 for index in report["references"]] == [False, True]
    assert "2 shots" in said.err


@pytest.mark.slow
def test_a_head_that_crosses_the_picture_is_there_in_every_frame(
    animator: Animator, turning_pictures: list[Pixels], tmp_path: Path
) -> None:
    crossing = [placed(picture, 32 * k, 40) for k, picture in enumerate(turning_pictures)]
    recorded = record(animator, write(tmp_path / "c.mp4", crossing))
    assert recorded.following
    assert recorded.missing == 0


@pytest.mark.parametrize("face", ["9", "-1"])
def test_record_refuses_people_who_are_not_there(
    face: str, driving: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["record", str(driving), "-o", str(tmp_path / "m.fwv"), f"--face={face}", "-q"]) in (2, 3)
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "m.fwv").exists()


@pytest.mark.slow
def test_the_second_person_of_a_video_can_drive(
    animator: Animator, turning_pictures: list[Pixels], tmp_path: Path
) -> None:
    """The second one is mirrored: it turns the other way."""
    both = []
    for picture in turning_pictures[:6]:
        wide = placed(picture, 20, 40)
        wide[80:272, 400:592] = np.asarray(Image.fromarray(picture[:, ::-1]).resize((192, 192)))
        both.append(wide)
    video = write(tmp_path / "both.mp4", both)
    first, second = record(animator, video, face=0), record(animator, video, face=1)
    assert first.people == 2
    turns = [float(r.motions.rotation[-1, 0, 2] - r.motions.rotation[0, 0, 2]) for r in (first, second)]
    assert turns[0] * turns[1] < 0


@pytest.mark.slow
def test_a_fade_from_black_gives_no_wild_motion(
    animator: Animator, turning_pictures: list[Pixels], tmp_path: Path
) -> None:
    """Black, then from a tenth to full light in nine frames: what is read stays near what the light frames say."""
    face = turning_pictures[0]
    shares = [0.0] * 4 + [0.1 * k for k in range(1, 10)] + [1.0] * 12
    video = write(tmp_path / "fade.mp4", [np.asarray(face * share, np.uint8) for share in shares])
    recorded = record(animator, video)
    last = recorded.motions[-1:]
    apart = (recorded.motions.expression - last.expression).square().mean(dim=(1, 2)).sqrt()
    assert float(apart.max()) < 0.02


@pytest.mark.slow
def test_a_talk_may_begin_without_a_face_and_has_a_source_for_each_shot(
    animator: Animator, edited: Path, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    talk = tmp_path / "t.fwv"
    assert main(["encode", str(edited), "-o", str(talk), "--json", "--refresh", "source"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["frames"], report["missing"], report["refreshes"]) == (25, 11, 1)
    with talk.open("rb") as stream:
        items = list(TalkReader(stream, find_shipped))
    assert [item.frame for item in items if isinstance(item, SourcePicture)] == [0, 18]
    assert [item.frame for item in items if isinstance(item, TalkReference)] == [0, 18]
    out = tmp_path / "o.mp4"
    assert main(["decode", str(talk), "-o", str(out), "--source", str(photo), "-q"]) == 0
    with VideoReader(out) as reader:
        assert len(list(reader)) == 25


@pytest.mark.slow
def test_encode_leaves_the_beginning_out(
    edited: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    talk = tmp_path / "t.fwv"
    arguments = ["encode", str(edited), "-o", str(talk), "--json", "--refresh", "off", "--start"]
    assert main([*arguments, "0.25"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["frames"], report["missing"]) == (17, 4)
    assert main([*arguments, "9"]) == 3
    assert "--start" in capsys.readouterr().err
    assert main([*arguments, "-1"]) == 2


def test_a_video_without_a_face_is_named_not_the_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = write(tmp_path / "grey.mp4", [np.full((96, 96, 3), 120, np.uint8)] * 4)
    for crop in ("auto", "none"):
        assert main(["encode", str(video), "-o", str(tmp_path / "t.fwv"), "--crop", crop, "-q"]) == 3
        said = capsys.readouterr().err
        assert "grey.mp4" in said
        assert "t.fwv" not in said


@pytest.mark.slow
def test_another_person_starts_from_rest_and_not_from_the_first_frame(
    animator: Animator, turning_pictures: list[Pixels], photo: Path, tmp_path: Path
) -> None:
    """The first frame is turned far, the others are not: the one who is shown instead looks as in the photo."""
    turned = animator.person(turning_pictures[0], crop_mode="none")
    pose = turned.identity.motion.turned_at_neck(rotation_from_degrees(20.0, 0.0, 0.0))
    pictures = [animator.render_batch(turned, pose)[0]] * 2 + [turning_pictures[6]] * 14
    talk, out = tmp_path / "t.fwv", tmp_path / "o.mkv"
    video = write(tmp_path / "v.mp4", pictures)
    assert main(["encode", str(video), "-o", str(talk), "--crop", "none", "--refresh", "off", "-q"]) == 0
    save_image(tmp_path / "p.png", turning_pictures[6])
    arguments = ["--source", str(tmp_path / "p.png"), "--crop", "none", "-q"]
    assert main(["decode", str(talk), "-o", str(out), *arguments]) == 0
    with VideoReader(out) as reader:
        last = list(reader)[-1].pixels
    own = animator.person(turning_pictures[6], crop_mode="none").identity.motion
    shown, _ = animator.read([last])
    assert float((shown.rotation - own.rotation).abs().max()) < 0.08
