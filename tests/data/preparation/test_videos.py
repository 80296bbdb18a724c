"""What there is to prepare: folders, lists, names, whose they are."""

from __future__ import annotations

import io
import os
import re
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facewire.base.errors import ConfigError, MediaError
from facewire.data.preparation.lists.folder import look_through
from facewire.data.preparation.lists.videos import FrameTube, RawVideo, find_videos, key_of, split_of


def _touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")


def test_the_first_folder_names_the_person_else_the_file_does(tmp_path: Path) -> None:
    for name in ("bob/tv/one.mp4", "bob/two.webm", "alone.MP4", "notes.txt"):
        _touch(tmp_path / name)
    found = find_videos(tmp_path)
    assert [(video.key, video.identity) for video in found] == [
        ("alone", "alone"),
        ("bob__tv__one", "bob"),
        (key_of("bob/two.webm"), "bob"),
    ]
    assert all(video.split is None and video.tubes == () for video in found)


def test_lists_name_paths_people_and_splits(tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text('# what we filmed\na.mp4\n"sub/b, c.mp4",ann\nd.mp4,ann,val\n\n')
    found = {video.path.name: video for video in find_videos(listed)}
    assert found["a.mp4"].identity == "a"
    assert found["b, c.mp4"] == RawVideo(key_of("sub/b, c"), tmp_path / "sub/b, c.mp4", "ann")
    assert (found["d.mp4"].identity, found["d.mp4"].split) == ("ann", "val")


@pytest.mark.parametrize("line", ["a.mp4,ann,test", "a.mp4,ann,val,more", ",ann"])
def test_lines_that_are_not_understood_are_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "list.txt").write_text(f"{line}\n")
    with pytest.raises(ConfigError, match="PATH"):
        find_videos(tmp_path / "list.txt")


def test_what_holds_no_videos_is_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="names no video"):
        find_videos(tmp_path)
    with pytest.raises(MediaError, match="check the path"):
        find_videos(tmp_path / "none")
    _touch(tmp_path / "one.mp4")
    with pytest.raises(MediaError, match="give its folder"):
        find_videos(tmp_path / "one.mp4")
    (tmp_path / "list.txt").write_text("a.mp4\na.mp4\n")
    with pytest.raises(ConfigError, match="each video once"):
        find_videos(tmp_path / "list.txt")


@given(st.text(min_size=1), st.text(min_size=1))
def test_keys_fit_files_and_stay_apart(one: str, other: str) -> None:
    assert re.fullmatch(r"[\w#-]{1,120}", key_of(one), re.ASCII)
    assert one == other or key_of(one) != key_of(other)


def test_published_names_stay_as_they_are() -> None:
    for name in ("id00012#_raOc3-IRsw#00110", "--Y9imYnfBw_0000_S0_E271_L504_T63_R792_B351"):
        assert key_of(name) == name


@given(st.text(), st.integers(0, 100), st.sampled_from((0.0, 0.3, 1.0)))
def test_nobody_is_in_both_splits(identity: str, seed: int, share: float) -> None:
    splits = {split_of(RawVideo(key, Path(key), identity), share, seed) for key in "abc"}
    assert len(splits) == 1
    assert share not in (0.0, 1.0) or splits == ({"train"} if share == 0 else {"val"})


def test_the_asked_share_of_people_is_for_validation() -> None:
    splits = [split_of(RawVideo("", Path(), str(person)), 0.2, 1) for person in range(2000)]
    assert splits.count("val") / 2000 == pytest.approx(0.2, abs=0.03)
    assert split_of(RawVideo("", Path(), "x", "val"), 0.0, 1) == "val"


def test_tubes_in_frames_include_the_last_one() -> None:
    tube = FrameTube("t", 30, 59, (0, 0, 1, 1)).at(30.0)
    assert (tube.start, tube.end, tube.fixed) == (1.0, 2.0, True)


def test_videos_of_every_kind_are_found_and_the_rest_is_said(tmp_path: Path) -> None:
    names = ("a.mts", "b.M2TS", "c.3gp", "d.ogv", "e.gif", "f.vob", "sub/g.mp4")
    for name in (*names, "notes.txt", "list.txt", "._a.mts", "sub/._g.mp4", "README"):
        _touch(tmp_path / name)
    found = look_through(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in found.videos] == sorted(names)
    (word,) = found.passed_over
    assert "2 ._*, 2 .txt, 1 without suffix" in word
    assert len(find_videos(tmp_path)) == len(names)


def test_linked_folders_are_read_once(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    _touch(elsewhere / "far.mp4")
    _touch(root / "zoe" / "near.mp4")
    (root / "ann").symlink_to(elsewhere, target_is_directory=True)
    (root / "also_zoe").symlink_to(root / "zoe", target_is_directory=True)
    (root / "zoe" / "loop").symlink_to(root, target_is_directory=True)
    (root / "linked.mp4").symlink_to(elsewhere / "far.mp4")
    (root / "lost.mp4").symlink_to(tmp_path / "nowhere.mp4")
    videos = {(video.path.relative_to(root).as_posix(), video.identity) for video in find_videos(root)}
    assert videos == {("ann/far.mp4", "ann"), ("zoe/near.mp4", "zoe"), ("linked.mp4", "linked")}
    words = "\n".join(look_through(root).passed_over)
    assert words.count("is read already") == 2
    assert "lost.mp4: a link that leads nowhere" in words


def test_a_list_may_come_through_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = f"a.mp4,ann\n{tmp_path}/b.mts\n._a.mp4\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
    expected = {(Path("a.mp4"), "ann"), (tmp_path / "b.mts", "b")}
    assert {(video.path, video.identity) for video in find_videos(Path("-"))} == expected
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_text, args=(lines,))
    writer.start()
    assert {(video.path, video.identity) for video in find_videos(fifo)} == expected
    writer.join()


def test_lists_of_other_systems_are_read(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(b"\xef\xbb\xbfa.mp4,ann\r\nb.mp4,bob\r\n")
    assert {video.identity for video in find_videos(tmp_path / "list.csv")} == {"ann", "bob"}
