"""Projects: strict, the same after writing and reading."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from facewire.animation.edits import Edit
from facewire.base.errors import ConfigError, MediaError
from facewire.studio.project import (
    Keyframe,
    Look,
    Motion,
    Project,
    Result,
    read_project,
    with_faces,
    write_project,
)

FULL = Project(
    photo="a photo.jpg",
    faces=(0, 2),
    driver="talk.mp4",
    motion=Motion(relative=False, reference="7", regions=("lips", "eyes"), smooth=True, start=0.5, end=2.0),
    look=Look(smile=0.5, blink_left=0.25, yaw=-12.5),
    keys=(Keyframe(slider="yaw", seconds=1.0, value=20.0), Keyframe(slider="mouth", seconds=0.25, value=1.0)),
    result=Result(kind="webm", size=768, crf=24, sound=False),
)


def test_a_project_is_the_same_after_writing_and_reading(tmp_path: Path) -> None:
    for project in (Project(), FULL):
        write_project(tmp_path / "project.json", project)
        assert read_project(tmp_path / "project.json") == project


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"nose": 1},
        {"photo": "../secret.jpg"},
        {"faces": []},
        {"faces": [0, 0]},
        {"faces": [-1]},
        {"look": {"smile": 1.5}},
        {"look": {"yaw": 60}},
        {"motion": {"regions": ["nose"]}},
        {"motion": {"start": 2.0, "end": 1.0}},
        {"motion": {"reference": "last"}},
        {"keys": [{"slider": "nose", "seconds": 0, "value": 0}]},
        {"keys": [{"slider": "yaw", "seconds": -1, "value": 0}]},
        {"keys": [{"slider": "yaw", "seconds": 0, "value": 99}]},
        {"result": {"size": 5}},
        {"result": {"kind": "avi"}},
        {"result": {"crf": 99}},
    ],
)
def test_what_is_no_project_is_refused_in_one_line(change: dict[str, object], tmp_path: Path) -> None:
    file = tmp_path / "project.json"
    file.write_text(json.dumps({"version": 1} | change), encoding="utf-8")
    with pytest.raises(MediaError) as caught:
        read_project(file)
    assert len(str(caught.value).splitlines()) == 1


def test_sliders_are_those_of_the_renderer() -> None:
    assert Look().edit == Edit()
    assert Look(blink_left=0.5, blink_right=0.5, gaze_up=-1).edit == Edit({"blink": 0.5, "gaze up": -1.0})
    assert Look(blink_left=0.5).edit == Edit({"blink left": 0.5})
    assert Look(yaw=10, pitch=-5).view.angles(0) == (10.0, -5.0, 0.0)


def test_keyframes_count_from_the_part_that_is_used() -> None:
    assert [key.seconds for key in FULL.moving_keys] == [0.5, 0.0]
    alone = replace(FULL, driver="")
    assert [key.seconds for key in alone.moving_keys] == [1.0, 0.25]
    assert not alone.options.relative


def test_faces_that_a_photo_has_not_are_dropped() -> None:
    assert with_faces(FULL, 2).faces == (0,)
    assert with_faces(FULL, 3).faces == (0, 2)
    with pytest.raises(ConfigError):
        Project(faces=())
