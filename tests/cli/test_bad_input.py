"""Bad input: one line, the right exit code, and nothing lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skimage.data import astronaut

from facewire.animation.animator import Animator, Pixels
from facewire.cli.main import main
from facewire.media.frame import Frame
from facewire.media.image import save_image
from facewire.media.video import VideoReader, VideoWriter
from tests.cli.conftest import FRAMES, RATE


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(list(arguments))
    return code, capsys.readouterr().err


def test_errors_are_one_line(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = run(capsys, "animate", str(photo), str(tmp_path / "no.mp4"), "-o", str(tmp_path / "o.mp4"))
    assert code == 3
    assert text.count("\n") == 1
    assert "no.mp4" in text


@pytest.mark.slow
def test_photo_without_a_face(driving: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grey = tmp_path / "grey.png"
    save_image(grey, np.full((300, 400, 3), 127, np.uint8))
    code, text = run(capsys, "animate", str(grey), str(driving), "-o", str(tmp_path / "o.mp4"))
    assert code == 3
    assert "no face" in text


@pytest.mark.slow
def test_video_without_a_face(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grey = tmp_path / "grey.png"
    save_image(grey, np.full((300, 400, 3), 127, np.uint8))
    code, text = run(capsys, "animate", str(photo), str(grey), "-o", str(tmp_path / "o.mp4"))
    assert code == 3
    assert "no face" in text


@pytest.mark.slow
def test_several_faces_are_said_and_can_be_picked(
    driving: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    face = astronaut()[:300, 60:360]
    two = tmp_path / "two.png"
    save_image(two, np.hstack((face, face[:, ::-1])))
    out = tmp_path / "o.mp4"
    code, text = run(capsys, "animate", str(two), str(driving), "-o", str(out), "--face", "1", "-q")
    assert code == 0
    assert "2 faces" in text
    code, text = run(capsys, "animate", str(two), str(driving), "-o", str(out), "--face", "5", "-q")
    assert code == 3
    assert "--face takes 0 to 1" in text


def test_existing_output_survives_a_failure(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, broken = tmp_path / "o.mp4", tmp_path / "broken.mp4"
    out.write_bytes(b"precious")
    broken.write_bytes(b"\x00\x00\x00\x18ftypmp42" + bytes(1000))
    code, _ = run(capsys, "animate", str(photo), str(broken), "-o", str(out))
    assert code == 3
    assert out.read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--yaw", "90"], 2, "yaw"),
        (["--yaw", "left"], 2, "angle"),
        (["--keypoints", "0"], 2, "keypoints"),
        (["--keypoints", "21"], 2, "keypoints"),
        (["--crf", "99"], 2, "crf"),
        (["--device", "abacus"], 2, "device"),
        (["--reference", "500"], 2, "reference"),
        (["--weights", "nothing-like-this"], 4, "compact-256"),
    ],
)
def test_wrong_settings(
    photo: Path,
    driving: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    says: str,
) -> None:
    out = tmp_path / "o.mp4"
    actual, text = run(capsys, "animate", str(photo), str(driving), "-o", str(out), "-q", *arguments)
    assert actual == code
    assert says in text
    assert not out.exists()


def test_unknown_output_kind(
    photo: Path, driving: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = run(capsys, "animate", str(photo), str(driving), "-o", str(tmp_path / "o.xyz"), "-q")
    assert code == 3
    assert ".mp4" in text


def test_too_few_arguments(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = run(capsys, "animate", str(photo), "-o", str(tmp_path / "o.mp4"))
    assert code == 2
    assert "SOURCE DRIVING" in text


def test_help_of_every_command_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("animate", "rotate", "record", "train"):
        with pytest.raises(SystemExit) as stop:
            main([command, "--help"])
        assert stop.value.code == 0
        assert f"facewire {command}" in capsys.readouterr().out.split("examples:")[1]


@pytest.mark.parametrize(
    "arguments", [["--reference", str(FRAMES)], ["--keypoints", "21"], ["--engine", "abacus"]]
)
def test_what_the_model_and_the_video_decide_is_known_before_the_work(
    photo: Path,
    driving: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
) -> None:
    def begun(*given: object, **more: object) -> None:
        raise AssertionError("the command began its work")

    monkeypatch.setattr(Animator, "person", begun)
    code, text = run(capsys, "animate", str(photo), str(driving), "-o", str(tmp_path / "o.mp4"), *arguments)
    assert code == 2
    assert arguments[0].removeprefix("--") in text
    with pytest.raises(AssertionError, match="began"):
        main(
            [
                "animate",
                str(photo),
                str(driving),
                "-o",
                str(tmp_path / "o.mp4"),
                "--reference",
                str(FRAMES - 1),
            ]
        )


@pytest.mark.slow
def test_crop_none_is_not_advised_to_who_gave_it(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grey = tmp_path / "grey.png"
    save_image(grey, np.full((300, 300, 3), 127, np.uint8))
    for command in (
        ["record", str(grey), "-o", str(tmp_path / "o.fwv")],
        ["encode", str(grey), "-o", str(tmp_path / "o.fwv")],
    ):
        code, text = run(capsys, *command, "--crop", "none")
        assert code == 3
        assert "--crop none for" not in text
        code, text = run(capsys, *command)
        assert code == 3
        assert "--crop none for a square head crop" in text


@pytest.mark.slow
def test_a_head_that_is_not_upright_is_refused_with_the_turn_back(
    driving_pictures: list[Pixels], photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    turned, clip = tmp_path / "turned.png", tmp_path / "turned.mp4"
    save_image(turned, np.ascontiguousarray(np.rot90(astronaut(), 2)))
    code, text = run(capsys, "rotate", str(turned), "-o", str(tmp_path / "o.png"), "--yaw", "10")
    assert (code, "turn the picture by 180 degrees" in text) == (3, True)
    with VideoWriter(clip, (448, 320), RATE) as writer:
        for index, picture in enumerate(driving_pictures[:3]):
            wide = np.full((320, 448, 3), 128, np.uint8)
            wide[40:296, 96:352] = picture
            writer.write(Frame(np.ascontiguousarray(np.rot90(wide, 2)), index, 1 / RATE))
    code, text = run(capsys, "record", str(clip), "-o", str(tmp_path / "o.fwv"))
    assert (code, "turn the picture by 180 degrees" in text) == (3, True)


@pytest.mark.slow
def test_a_single_picture_drives_as_it_is_and_says_so(
    driving_pictures: list[Pixels], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, driver = tmp_path / "source.png", tmp_path / "driver.png"
    save_image(source, driving_pictures[0])
    save_image(driver, driving_pictures[-1])
    shown = {}
    for name, options in {"plain": [], "absolute": ["--absolute"], "relative": ["--relative"]}.items():
        out = tmp_path / f"{name}.mkv"
        line = ["animate", str(source), str(driver), "-o", str(out), "--crop", "none", "-q", *options]
        code, text = run(capsys, *line)
        assert code == 0
        assert ("a single picture" in text) == (name != "absolute")
        with VideoReader(out) as reader:
            (shown[name],) = [frame.pixels.astype(int) for frame in reader]
    assert np.array_equal(shown["plain"], shown["absolute"])
    assert (
        np.abs(shown["plain"] - driving_pictures[-1]).mean()
        < np.abs(shown["relative"] - driving_pictures[-1]).mean()
    )
    assert np.abs(shown["relative"] - driving_pictures[0]).mean() < 6
