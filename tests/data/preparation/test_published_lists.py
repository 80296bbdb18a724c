"""VoxCeleb2's utterances and TalkingHead-1KH's tubes, in the formats in which they are published."""

from __future__ import annotations

from pathlib import Path

import pytest

from facewire.base.errors import ConfigError, MediaError
from facewire.data.preparation.lists.talking_head import read_tube, talking_head_videos
from facewire.data.preparation.lists.voxceleb import read_utterance, voxceleb_videos

UTTERANCE = """Identity  : \t{person}
Reference : \t{video}
Offset    : \t2
FV Conf   : \t20.230\t(1)
ASD Conf  : \t2.765

FRAME \tX \tY \tW \tH \n"""
ROWS = "".join(f"{frame:06d} \t0.3{frame % 10}0 \t0.100 \t0.250 \t0.500 \n" for frame in range(350, 425))


def _utterance(root: Path, person: str, video: str, name: str, rows: str = ROWS) -> Path:
    path = root / person / video / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(UTTERANCE.format(person=person, video=video) + rows)
    return path


def test_an_utterance_says_when_and_which_face(tmp_path: Path) -> None:
    tube = read_utterance(_utterance(tmp_path, "id00012", "_raOc3-IRsw", "00110"))
    assert tube.name == "id00012#_raOc3-IRsw#00110"
    assert (tube.start, tube.end) == (14.0, 17.0)
    assert tube.box == pytest.approx((0.34, 0.1, 0.59, 0.6))
    assert not tube.fixed


def test_utterances_of_a_video_are_read_together(tmp_path: Path) -> None:
    for split, person in (("dev", "id00012"), ("test", "id00017")):
        for name in ("00001", "00002"):
            _utterance(tmp_path / split / "txt", person, "a.b-C", name)
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "a.b-C.webm").write_bytes(b"")
    found = voxceleb_videos(tmp_path / "videos", tmp_path)
    assert [video.identity for video in found] == ["id00012", "id00017"]
    assert [video.split for video in found] == ["train", "val"]
    assert all(video.path.name == "a.b-C.webm" and len(video.tubes) == 2 for video in found)
    assert voxceleb_videos(tmp_path, tmp_path / "dev")[0].split == "train"
    assert voxceleb_videos(tmp_path, tmp_path / "test" / "txt")[0].path == tmp_path / "a.b-C.mp4"


@pytest.mark.parametrize(
    "rows", ["", "000001 \t0.1 \t0.2 \n", "000001 \t223 \t80 \t130 \t130 \n", "x y z a b\n"]
)
def test_other_files_are_no_utterances(tmp_path: Path, rows: str) -> None:
    path = _utterance(tmp_path, "id1", "v", "00001", rows)
    with pytest.raises(MediaError, match="VoxCeleb2"):
        read_utterance(path)
    with pytest.raises(MediaError, match="PERSON/VIDEO/UTTERANCE"):
        voxceleb_videos(tmp_path, tmp_path / "id1" / "v")


def test_tubes_carry_frames_and_a_rectangle_for_any_size() -> None:
    chunk, tube = read_tube("--Y9imYnfBw_0000,720,1280,0,271,504,63,792,351\n")
    assert chunk == "--Y9imYnfBw_0000"
    assert tube.name == "--Y9imYnfBw_0000_S0_E271_L504_T63_R792_B351"
    assert (tube.first, tube.last) == (0, 271)
    assert tube.box == pytest.approx((504 / 1280, 63 / 720, 792 / 1280, 351 / 720))


def test_tubes_of_a_chunk_are_read_together(tmp_path: Path) -> None:
    lines = [
        "v_0001,720,1280,0,99,10,20,300,310",
        "v_0000,720,1280,5,9,1,2,3,4",
        "v_0001,720,1280,200,299,0,0,9,9",
    ]
    listed = tmp_path / "train_video_tubes.txt"
    listed.write_text("\n".join(lines) + "\n")
    found = talking_head_videos(tmp_path / "chunks", listed)
    assert [(video.key, len(video.tubes)) for video in found] == [("v_0000", 1), ("v_0001", 2)]
    assert {video.identity for video in found} == {"v"}
    assert {video.split for video in found} == {"train"}
    assert found[0].path == tmp_path / "chunks" / "v_0000.mp4"


@pytest.mark.parametrize(
    "line",
    ["v,720,1280,0,9,1,2,3", "v,720,1280,9,0,1,2,3,4", "v,720,1280,0,9,1,2,1300,4", "v,a,1,1,1,1,1,1,1"],
)
def test_other_lines_are_no_tubes(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigError):
        read_tube(line)
    (tmp_path / "tubes.txt").write_text("")
    with pytest.raises(MediaError, match="names no tube"):
        talking_head_videos(tmp_path, tmp_path / "tubes.txt")
