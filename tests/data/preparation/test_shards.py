"""Parts and shards: bytes that follow from their contents alone, places that are right, WebDataset's layout."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facewire.base.errors import MediaError
from facewire.data.preparation.clip_file import ClipDescription, decode_labels
from facewire.data.preparation.parts import (
    Member,
    Record,
    clip_members,
    part_path,
    read_record,
    read_tar,
    write_part,
    write_tar,
)
from facewire.data.preparation.settings import PrepareConfig
from facewire.data.preparation.shards import (
    CLIPS,
    MANIFEST,
    REJECTED,
    VIDEOS,
    Manifest,
    description_of,
    pack,
    read_manifest,
    read_table,
)
from facewire.data.preparation.takes import Rejected

CONFIG = PrepareConfig(shard_bytes=6000)


def _clip(name: str, split: str = "train") -> ClipDescription:
    return ClipDescription(
        name=name,
        split=split,
        identity=name[0],
        source=name[0],
        start_s=1.25,
        frames=30,
        seen=29,
        left=-1,
        top=2,
        side=300,
        face_px=140.5,
        motion=0.03,
        sharpness=90.0,
        brightness=110.0,
        mean_turn=7.0,
        yaw_p2=-9.0,
        yaw_p98=11.0,
        pitch_p2=-2.0,
        pitch_p98=3.0,
        roll_p2=-1.0,
        roll_p98=1.0,
    )


def _part(out: Path, key: str, split: str = "train", clips: int = 1, rejected: int = 1) -> Record:
    found = tuple(_clip(f"{key}_{number:03d}", split) for number in range(clips))
    left_out = tuple(Rejected("short", f"{n} frames", n, n + 0.5) for n in range(rejected))
    members = [
        member
        for clip in found
        for member in clip_members(
            clip.name, clip.name.encode() * 300, b"labels", json.dumps(clip.name).encode()
        )
    ]
    record = Record(key, "made", found, left_out)
    write_part(out, record, members, {})
    return record


def _bytes(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}


def test_tars_follow_from_their_members_and_places_are_right() -> None:
    members = [Member("a.mp4", b"x" * 700), Member("n" * 150 + ".json", b"{}"), Member("b.mp4", b"")]
    streams = [io.BytesIO(), io.BytesIO()]
    places = [write_tar(stream, members) for stream in streams]
    assert streams[0].getvalue() == streams[1].getvalue()
    data = streams[0].getvalue()
    assert [data[offset : offset + size] for offset, size in places[0]] == [member.data for member in members]


def test_parts_come_back_and_half_a_one_is_none(tmp_path: Path) -> None:
    record = _part(tmp_path, "a", clips=2)
    assert read_record(tmp_path, "a") == record
    assert [member.name for member in read_tar(part_path(tmp_path, "a", ".tar"))][:3] == [
        "a_000.mp4",
        "a_000.labels.safetensors",
        "a_000.json",
    ]
    assert read_record(tmp_path, "b") is None
    part_path(tmp_path, "a", ".json").write_text('{"key": "a"}')
    assert read_record(tmp_path, "a") is None


def _pack(out: Path, *records: Record) -> Manifest:
    return pack(out, records, CONFIG)


def test_packing_is_the_same_every_time(tmp_path: Path) -> None:
    outs = [tmp_path / name for name in ("one", "two")]
    for out in outs:
        out.mkdir()
        records = [
            _part(out, key, split, clips=2) for key, split in zip("abcd", ("train", "val", "train", "train"))
        ]
        manifest = _pack(out, *records)
        assert [shard.name for shard in manifest.shards] == [
            "train-000000.tar",
            "train-000001.tar",
            "val-000000.tar",
        ]
        assert [shard.clips for shard in manifest.shards] == [4, 2, 2]
        assert not list((out / "parts").glob("*/*.tar"))
    assert _bytes(outs[0]) == _bytes(outs[1])


def test_killed_while_packing_it_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    for out in (straight, killed):
        out.mkdir()
    _pack(straight, _part(straight, "a"), _part(straight, "b", "val"))
    records = [_part(killed, "a"), _part(killed, "b", "val")]

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("facewire.data.preparation.shards.write_table", die)
        with pytest.raises(KeyboardInterrupt):
            _pack(killed, *records)
    assert read_manifest(killed) is None
    _pack(killed, *records)
    assert _bytes(killed) == _bytes(straight)


def test_later_videos_go_into_further_shards(tmp_path: Path) -> None:
    first = _pack(tmp_path, _part(tmp_path, "b"), _part(tmp_path, "c", clips=0))
    before = (tmp_path / "train-000000.tar").read_bytes()
    second = _pack(tmp_path, _part(tmp_path, "a"))
    assert second.shards[0] == first.shards[0]
    assert [shard.name for shard in second.shards] == ["train-000000.tar", "train-000001.tar"]
    assert (tmp_path / "train-000000.tar").read_bytes() == before
    assert [row["key"] for row in read_table(tmp_path, VIDEOS, second)] == ["b", "c", "a"]


def test_tables_say_what_and_where(tmp_path: Path) -> None:
    manifest = _pack(tmp_path, _part(tmp_path, "a", clips=2, rejected=2))
    rows = read_table(tmp_path, CLIPS, manifest)
    assert description_of(rows[1]) == _clip("a_001")
    data = (tmp_path / rows[1]["shard"]).read_bytes()
    begin = int(rows[1]["video_offset"])
    assert data[begin : begin + int(rows[1]["video_bytes"])] == b"a_001" * 300
    assert [row["detail"] for row in read_table(tmp_path, REJECTED, manifest)] == ["0 frames", "1 frames"]
    stored = json.loads((tmp_path / MANIFEST).read_text())
    assert (stored["clips"], stored["frames"], stored["rejected"]) == (2, 60, {"short": 2})


def test_damage_is_noticed(tmp_path: Path) -> None:
    manifest = _pack(tmp_path, _part(tmp_path, "a"))
    with pytest.raises(MediaError, match="is not the table"):
        read_table(tmp_path, CLIPS, replace(manifest, tables={CLIPS: "0"}))
    (tmp_path / MANIFEST).write_text("{}")
    with pytest.raises(MediaError, match="no manifest"):
        read_manifest(tmp_path)
    (tmp_path / MANIFEST).write_text('{"format": "facewire-shards-0"}')
    with pytest.raises(MediaError, match="facewire-shards-0"):
        read_manifest(tmp_path)
    (tmp_path / MANIFEST).unlink()
    record = _part(tmp_path, "b")
    part_path(tmp_path, "b", ".tar").write_bytes(b"damaged")
    with pytest.raises(MediaError, match="remove it and prepare again"):
        _pack(tmp_path, record)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it leaves its files open
def test_webdataset_reads_the_shards(tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    _pack(tmp_path, _part(tmp_path, "a", clips=2))
    samples = list(webdataset.WebDataset(str(tmp_path / "train-000000.tar"), shardshuffle=False))
    assert [sample["__key__"] for sample in samples] == ["a_000", "a_001"]
    assert samples[1]["mp4"] == b"a_001" * 300
    assert samples[0]["labels.safetensors"] == b"labels"
    assert json.loads(samples[0]["json"]) == "a_000"


@pytest.mark.parametrize("data", [b"", b"damaged", np.zeros(9).tobytes()])
def test_other_bytes_are_no_labels(data: bytes) -> None:
    with pytest.raises(MediaError, match="prepare it again"):
        decode_labels(data, 64, "clip")
