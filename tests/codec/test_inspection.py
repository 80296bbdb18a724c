"""What `info` counts: every byte once, cut files as far as they go."""

from __future__ import annotations

import io
from dataclasses import asdict

import pytest

from facewire.base.errors import BitstreamError
from facewire.bitstream.container import stated_frames
from facewire.codec.inspection import inspect
from facewire.codec.tables.artefact import CodecTables

PROFILES = {"file": "file", "adaptive": "file", "stream": "stream", "raw": "raw", "everything": "file"}


@pytest.mark.parametrize("name", PROFILES)
def test_every_byte_is_counted_once(name: str, golden: dict[str, bytes], tables: CodecTables) -> None:
    info = inspect(io.BytesIO(golden[name]), lambda *_: tables)
    assert info.profile == PROFILES[name]
    assert info.complete
    assert info.file_bytes == len(golden[name])
    parts = info.source_bytes + info.refresh_bytes + info.motion_bytes + info.audio_bytes
    assert parts == info.file_bytes
    assert info.frames == len(info.packets) == stated_frames(io.BytesIO(golden[name]))
    assert sum(row.bytes for row in info.sections) < info.file_bytes
    assert 1 <= info.keypoints.min <= info.keypoints.mean <= info.keypoints.max <= 5
    assert set(asdict(info)["bytes_per_frame"]) == {"mean", "min", "max", "median"}


def test_refreshes_and_sound_are_told_apart(golden: dict[str, bytes], tables: CodecTables) -> None:
    info = inspect(io.BytesIO(golden["everything"]), lambda *_: tables)
    assert [picture.kind for picture in info.pictures].count("patch") >= 1
    assert info.refresh_bytes == sum(picture.bytes for picture in info.pictures[1:])
    assert info.audio_packets > 0
    assert info.audio_bytes > 0


def test_adaptive_streams_say_how_many_keypoints(golden: dict[str, bytes], tables: CodecTables) -> None:
    info = inspect(io.BytesIO(golden["adaptive"]), lambda *_: tables)
    assert info.keypoints.min < info.keypoints.max


def test_a_cut_file_is_counted_up_to_the_cut(golden: dict[str, bytes], tables: CodecTables) -> None:
    info = inspect(io.BytesIO(golden["file"][:-60]), lambda *_: tables)
    assert not info.complete
    assert 0 < info.frames < 60
    assert info.file_bytes == len(golden["file"]) - 60
    assert stated_frames(io.BytesIO(golden["file"][:-60])) is None


@pytest.mark.parametrize("data", [b"", b"hello", bytes(100)])
def test_what_is_no_talk_is_refused(data: bytes, tables: CodecTables) -> None:
    with pytest.raises(BitstreamError):
        inspect(io.BytesIO(data), lambda *_: tables)
