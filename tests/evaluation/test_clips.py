"""Finding clips, who is seen, reading frames at the model's size."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from facewire.base.errors import ConfigError, MediaError
from facewire.evaluation.measuring.clips import EvaluationClip, data_hash, find_clips, find_stills, spread
from facewire.evaluation.measuring.settings import Settings
from facewire.media.frame import Frame
from facewire.media.video import VideoWriter


def test_clips_of_a_data_set_are_its_val_with_the_people_of_the_manifest(data: Path) -> None:
    clips = find_clips(data)
    assert [(clip.name, clip.person) for clip in clips] == [("a_00", "P1"), ("a_01", "P1"), ("b_00", "P2")]
    assert find_clips(data / "val") == clips
    assert [still.name for still in find_stills(data / "val")] == ["s.png"]


def test_without_a_manifest_the_name_stands_for_the_person(tmp_path: Path) -> None:
    for name in ("x_00.mp4", "x_01.mkv", "solo.mp4", "notes.txt"):
        (tmp_path / name).touch()
    assert [(clip.name, clip.person) for clip in find_clips(tmp_path)] == [
        ("solo", "solo"),
        ("x_00", "x"),
        ("x_01", "x"),
    ]
    assert find_stills(tmp_path) == []


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="holds no clip"):
        find_clips(tmp_path)


def test_some_clips_are_spread_over_the_folder(data: Path) -> None:
    assert [clip.name for clip in find_clips(data, 2)] == ["a_00", "b_00"]
    assert spread(list(range(10)), 4) == [0, 3, 6, 9]
    assert spread([1, 2], 5) == [1, 2]


def test_frames_come_at_the_size_and_stride_asked_for(data: Path) -> None:
    clip = find_clips(data)[0]
    assert len(list(clip.frames(192))) == 5
    thinned = list(clip.frames(64, 2))
    assert [frame.shape for frame in thinned] == [(64, 64, 3)] * 3
    assert clip.rate() == 25


def test_a_wide_video_is_no_head_crop(tmp_path: Path) -> None:
    path = tmp_path / "wide.mp4"
    with VideoWriter(path, (96, 64), Fraction(25)) as writer:
        writer.write(Frame(np.zeros((64, 96, 3), np.uint8), 0, Fraction(1, 25)))
    with pytest.raises(MediaError, match="no square head crop"):
        next(EvaluationClip("wide", path, "p").frames(64))


def test_the_data_hash_follows_names_and_bytes(data: Path, tmp_path: Path) -> None:
    clips = find_clips(data)
    assert data_hash(clips) == data_hash(find_clips(data / "val"))
    assert data_hash(clips) != data_hash(clips[:2])


@pytest.mark.parametrize("wrong", [{"stride": 0}, {"clips": 0}, {"kept": 0}, {"identity_stride": -1}])
def test_settings_refuse_what_is_out_of_range(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        Settings(**wrong)
