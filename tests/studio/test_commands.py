"""Command lines of projects: the real parser takes them, and reads out of them what was chosen."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from facewire.base.errors import ConfigError, MediaError
from facewire.cli import options, picture_options
from facewire.cli.main import parser
from facewire.studio.jobs.commands import Base, line_of, number, words_for
from facewire.studio.jobs.tools import Compare, Decode, Encode, Tool, tool_words
from facewire.studio.library import Library
from facewire.studio.project import Keyframe, Look, Motion, Project, Result
from tests.studio.stand_ins import photo

FULL = Project(
    photo="a photo.png",
    faces=(0, 2),
    driver="talk.mp4",
    motion=Motion(reference="7", regions=("lips", "eyes"), smooth=True, face=1, start=0.5, end=2.0625),
    look=Look(smile=0.57, blink_left=0.25, gaze_up=-0.1, yaw=-12.5, roll=3),
    keys=(
        Keyframe(slider="yaw", seconds=1.1, value=20.5),
        Keyframe(slider="mouth", seconds=1.1, value=1.0),
        Keyframe(slider="gaze_right", seconds=0.75, value=-0.3),
    ),
    result=Result(kind="webm", size=768, crf=24, full_colour=True, sound=False),
)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    folder = tmp_path / "my studio"
    photo(folder, "a photo.png")
    (folder / "talk.mp4").write_bytes(b"x")
    (folder / "motion.fwv").write_bytes(b"x")
    return Library(folder)


def test_a_line_says_all_that_was_chosen(library: Library, tmp_path: Path) -> None:
    line = line_of(words_for(FULL, library, Base(tmp_path, ("--device", "cpu"), "torch")))
    given = parser().parse_args(shlex.split(line)[1:])
    assert (given.source, given.driving) == ("my studio/a photo.png", "my studio/talk.mp4")
    assert given.output == "my studio/out/a photo--talk.webm"
    assert given.face == (0, 2)
    assert (given.reference, given.smooth, given.driving_face, given.relative) == ("7", True, 1, None)
    assert (given.start, given.end) == (0.5, 2.0625)
    assert picture_options.regions_of(given) == frozenset({"lips", "eyes"})
    assert picture_options.edit_of(given) == FULL.look.edit
    assert options.view_of(given) == FULL.look.view
    keys = {key.seconds: key.values for key in picture_options.keys_of(given)}
    assert keys == {0.25: {"gaze right": -0.3}, 0.6: {"mouth": 1.0, "yaw": 20.5}}
    assert (given.size, given.crf, given.sound, given.engine) == ("768", 24, "none", "torch")
    assert given.full_colour


def test_a_plain_line_is_short(library: Library, tmp_path: Path) -> None:
    plain = Project(photo="a photo.png", driver="motion.fwv")
    assert line_of(words_for(plain, library, Base(tmp_path))) == (
        "facewire animate 'my studio/a photo.png' 'my studio/motion.fwv' "
        "-o 'my studio/out/a photo--motion.mp4'"
    )
    elsewhere = words_for(plain, library, Base(tmp_path / "other"))
    assert elsewhere[1] == str(library.folder / "a photo.png")


def test_pictures_clips_and_motions_have_commands_of_their_own(library: Library, tmp_path: Path) -> None:
    base = Base(tmp_path)
    still = replace(FULL, result=Result(kind="still"))
    given = parser().parse_args(words_for(still, library, base))
    assert (given.command, given.output, given.face) == ("rotate", "my studio/out/a photo.png", (0, 2))
    plain = words_for(Project(photo="a photo.png"), library, base)
    assert plain[-2:] == ["--edit", "smile=0"]  # the photo, and no sheet
    clip = words_for(replace(FULL, driver=""), library, base)
    assert (clip[0], clip[3]) == ("rotate", "my studio/out/a photo.webm")
    assert clip.count("--key") == 2
    numbered = words_for(replace(FULL, result=Result(kind="png")), library, base)
    assert numbered[4] == "my studio/out/a photo--talk-%04d.png"
    motion = words_for(replace(FULL, result=Result(kind="fwv")), library, base)
    assert motion[:4] == ["record", "my studio/talk.mp4", "-o", "my studio/out/talk.fwv"]
    with pytest.raises(ConfigError):
        words_for(replace(FULL, driver="motion.fwv", result=Result(kind="fwv")), library, base)


def test_a_video_is_edited_by_a_driver_or_by_sliders(library: Library, tmp_path: Path) -> None:
    (library.folder / "clip.mp4").touch()
    edit = Project(photo="clip.mp4", driver="talk.mp4", motion=Motion(regions=("lips",)))
    given = parser().parse_args(words_for(edit, library, Base(tmp_path)))
    assert (given.output, given.sound) == ("my studio/out/clip--talk.mp4", "driver")
    alone = replace(edit, driver="", keys=FULL.keys)
    given = parser().parse_args(words_for(alone, library, Base(tmp_path)))
    assert given.source == given.driving == "my studio/clip.mp4"
    assert (given.relative, given.sound, len(given.keys)) == (False, "source", 2)
    part = replace(alone, faces=(1,), motion=Motion(start=0.5, end=1.5))
    given = parser().parse_args(words_for(part, library, Base(tmp_path)))
    assert (given.start, given.end, given.face, given.driving_face) == (0.5, 1.5, 1, 1)
    assert [key.seconds for key in picture_options.keys_of(given)] == [0.25, 0.6]
    with pytest.raises(ConfigError):
        words_for(replace(edit, result=Result(kind="still")), library, Base(tmp_path))


def test_the_head_alone_is_of_one_face(library: Library, tmp_path: Path) -> None:
    head = replace(FULL, result=Result(head=True))
    assert "--head" not in words_for(head, library, Base(tmp_path))
    assert "--head" in words_for(replace(head, faces=(2,)), library, Base(tmp_path))


def test_names_of_results_are_free(library: Library, tmp_path: Path) -> None:
    plain, base = Project(photo="a photo.png", driver="talk.mp4"), Base(tmp_path)
    out = library.folder / "out"
    out.mkdir()
    (out / "a photo--talk.mp4").touch()
    waits = frozenset({out / "a photo--talk-2.mp4"})
    assert words_for(plain, library, base, waits)[4] == "my studio/out/a photo--talk-3.mp4"
    (out / "a photo--talk-0001.png").touch()
    pictures = replace(plain, result=Result(kind="png"))
    assert words_for(pictures, library, base)[4] == "my studio/out/a photo--talk-2-%04d.png"


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        (Encode(name="talk.mp4"), {"profile": "file", "rate": None, "refresh": "source", "size": None}),
        (
            Encode(name="talk.mp4", profile="stream", rate="fine", size=512, refresh="off", sound=False),
            {"profile": "stream", "rate": "fine", "size": 512, "refresh": "off", "no_audio": True},
        ),
        (Decode(name="motion.fwv"), {"source": None, "yaw": "0", "crf": None}),
        (
            Decode(name="motion.fwv", source="a photo.png", kind="webm", crf=24, yaw=-20, pitch=5.5),
            {"source": "my studio/a photo.png", "crf": 24, "yaw": "-20", "pitch": "5.5"},
        ),
        (Compare(name="talk.mp4"), {"frames": None, "protocol": "talks"}),
        (
            Compare(name="talk.mp4", frames=50, size=512, protocol="gfvc"),
            {"frames": 50, "size": 512, "protocol": "gfvc", "clips": ["my studio/talk.mp4"]},
        ),
    ],
)
def test_tools_say_what_was_chosen(
    tool: Tool, said: dict[str, object], library: Library, tmp_path: Path
) -> None:
    given = vars(parser().parse_args(tool_words(tool, library, Base(tmp_path))))
    assert {name: given[name] for name in said} == said
    assert given["command"] == type(tool).__name__.lower()


def test_tools_that_make_no_sense_are_refused(library: Library, tmp_path: Path) -> None:
    with pytest.raises(MediaError):
        tool_words(Encode(name="gone.mp4"), library, Base(tmp_path))
    with pytest.raises(ConfigError):
        Compare(name="talk.mp4", size=100)
    with pytest.raises(ConfigError):
        Compare(name="talk.mp4", frames=1)
    with pytest.raises(ConfigError):
        Decode(name="motion.fwv", yaw=90)


def test_numbers_are_not_rounded() -> None:
    for value in (0.1, -12.5, 1 / 3, 2.0625, 3.0, 0.0):
        assert float(number(value)) == value
    assert number(3.0) == "3"
